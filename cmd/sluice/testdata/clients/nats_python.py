"""Publishes events to JetStream, each until it is acknowledged: url, how many."""
import asyncio
import json
import sys

import nats


async def main():
    url, count = sys.argv[1], int(sys.argv[2])
    nc = await nats.connect(url)
    js = nc.jetstream()
    pad = "x" * 900

    async def publish(i):
        body = json.dumps({"id": i, "pad": pad}).encode()
        await js.publish(f"events.k{i % 7}", body, timeout=30, headers={"Nats-Msg-Id": f"p{i}"})

    for start in range(0, count, 500):
        await asyncio.gather(*(publish(i) for i in range(start, min(start + 500, count))))
    await nc.drain()


asyncio.run(main())
