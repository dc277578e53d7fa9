"""Sends calls with segment-analytics-python: python FILE HOST COUNT"""
import sys

import segment.analytics as analytics

host, count = sys.argv[1], int(sys.argv[2])
failed = []
analytics.write_key = "key"
analytics.host = host
analytics.gzip = True
analytics.max_queue_size = count + 10
analytics.on_error = lambda error, batch: failed.append(error)

calls = [
    lambda user: analytics.track(user, "Order Completed", {"total": 12.5}),
    lambda user: analytics.identify(user, {"plan": "é"}),
    lambda user: analytics.page(user, "Shop", "Home"),
    lambda user: analytics.screen(user, "App", "Start"),
    lambda user: analytics.group(user, "g"),
    lambda user: analytics.alias("before", user),
]
for i in range(count):
    calls[i % len(calls)]("n%d" % i)
analytics.shutdown()
if failed:
    sys.exit("%d batches failed: %s" % (len(failed), failed[0]))
