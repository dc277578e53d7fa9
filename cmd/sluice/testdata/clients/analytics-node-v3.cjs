// Sends calls with @segment/analytics-node: node FILE HOST COUNT
const { Analytics } = require('@segment/analytics-node')
const [host, count] = process.argv.slice(2)

const analytics = new Analytics({ writeKey: 'key', host, path: '/v1/batch', maxEventsInBatch: 100 })
const failed = []
analytics.on('error', (err) => failed.push(err))

const calls = [
  (userId) => analytics.track({ userId, event: 'Order Completed', properties: { total: 12.5, items: [1, 2] } }),
  (userId) => analytics.identify({ userId, traits: { plan: 'é', 'a b': null } }),
  (userId) => analytics.page({ userId, name: 'Home' }),
  (userId) => analytics.screen({ userId, name: 'Start' }),
  (userId) => analytics.group({ userId, groupId: 'g' }),
  (userId) => analytics.alias({ userId, previousId: 'before' }),
]

async function main() {
  for (let i = 0; i < count; i++) {
    calls[i % calls.length]('n' + i)
    if (i % 500 === 499) await new Promise((resolve) => setImmediate(resolve))
  }
  await analytics.closeAndFlush({ timeout: 120000 })
  if (failed.length > 0) throw new Error(failed.length + ' failed, such as ' + JSON.stringify(failed[0]))
}

main().catch((err) => {
  console.error(err)
  process.exit(1)
})
