"""boto3: batches, of which failed entries are sent again, and single records."""
import json
import sys

import boto3

url, count = sys.argv[1], int(sys.argv[2])
client = boto3.client("firehose", endpoint_url=url, region_name="eu-central-1")


def data(i):
    return json.dumps({"i": i, "title": f"Émile {i}", "price": i / 100}, ensure_ascii=False).encode()


for i in range(0, count, 100):
    if i == 0:
        for k in range(i, i + 100):
            assert client.put_record(Record={"Data": data(k)}, DeliveryStreamName="events")["RecordId"]
        continue
    records = [{"Data": data(k)} for k in range(i, i + 100)]
    while records:
        answer = client.put_record_batch(Records=records, DeliveryStreamName="events")
        results = answer["RequestResponses"]
        assert len(results) == len(records)
        records = [r for r, result in zip(records, results) if "ErrorCode" in result]
        assert len(records) == answer["FailedPutCount"]
