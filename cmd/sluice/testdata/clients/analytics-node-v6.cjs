// Sends calls with analytics-node 6: node FILE HOST COUNT
const Analytics = require('analytics-node')
const [host, count] = process.argv.slice(2)

const analytics = new Analytics('key', { host, flushAt: 100, errorHandler: (err) => failed.push(err) })
const failed = []

const calls = [
  (userId, done) => analytics.track({ userId, event: 'Order Completed', properties: { total: 12.5 } }, done),
  (userId, done) => analytics.identify({ userId, traits: { plan: 'é' } }, done),
  (userId, done) => analytics.page({ userId, name: 'Home' }, done),
  (userId, done) => analytics.screen({ userId, name: 'Start' }, done),
  (userId, done) => analytics.group({ userId, groupId: 'g' }, done),
  (userId, done) => analytics.alias({ userId, previousId: 'before' }, done),
]

async function main() {
  const sent = []
  for (let i = 0; i < count; i++) {
    sent.push(new Promise((resolve, reject) => calls[i % calls.length]('n' + i, (err) => (err ? reject(err) : resolve()))))
    if (i % 500 === 499) await new Promise((resolve) => setImmediate(resolve))
  }
  await analytics.flush()
  await Promise.all(sent)
  if (failed.length > 0) throw failed[0]
}

main().then(
  () => process.exit(0),
  (err) => {
    console.error(err)
    process.exit(1)
  },
)
