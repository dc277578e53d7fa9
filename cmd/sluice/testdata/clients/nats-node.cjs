// Publishes events to JetStream, each until it is acknowledged: url, how many.
const { connect, headers } = require('nats')

async function main() {
  const [url, count] = [process.argv[2], Number(process.argv[3])]
  const nc = await connect({ servers: url })
  const js = nc.jetstream()
  const pad = 'x'.repeat(900)
  const encoder = new TextEncoder()
  for (let from = 0; from < count; from += 500) {
    const acks = []
    for (let id = from; id < Math.min(from + 500, count); id++) {
      acks.push(js.publish(`events.k${id % 7}`, encoder.encode(JSON.stringify({ id, pad })), { msgID: `n${id}` }))
    }
    await Promise.all(acks)
  }
  await nc.drain()
}

main().catch((err) => { console.error(err); process.exit(1) })
