"""boto3: delivery streams with dynamic partitioning, and records for them."""
import json
import sys

import boto3

client = boto3.client("firehose", endpoint_url=sys.argv[1], region_name="eu-central-1")


def create(name, prefix, query):
    return client.create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/x",
            "BucketARN": "arn:aws:s3:::any",
            "Prefix": prefix,
            "ErrorOutputPrefix": name + "/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{
                    "Type": "MetadataExtraction",
                    "Parameters": [
                        {"ParameterName": "MetadataExtractionQuery", "ParameterValue": query},
                        {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
                    ],
                }],
            },
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": {"DatabaseName": "sales", "TableName": name, "RoleARN": "arn:aws:iam::123456789012:role/x"},
            },
        },
    )


def records(name, *values):
    answer = client.put_record_batch(DeliveryStreamName=name, Records=[{"Data": json.dumps(v).encode()} for v in values])
    assert answer["FailedPutCount"] == 0, answer


folders = "customer_id=!{partitionKeyFromQuery:customer_id}/hour=!{partitionKeyFromQuery:hour}/"
query = """{customer_id: .customer.id, hour: .ts|strftime("%H"),
    size: (if .total > 100 then "large" elif .total == null then error("no size") else "small" end)}"""
for wrong, why in (
    ("{customer_id: .customer.id, hour: (if .ts then 1}", "unexpected token"),
    ("{customer_id: .customer.id, hour: now}", "now cannot be used"),
    ("{customer_id: (.customer.id|ascii_upcase)}", 'the partition key "hour"'),
):
    try:
        create("orders", folders, wrong)
    except client.exceptions.InvalidArgumentException as e:
        assert why in str(e), e
    else:
        raise AssertionError("taken: " + wrong)
create("orders", folders + "size=!{partitionKeyFromQuery:size}/", query)
create("plain", folders, '{customer_id:.customer.id, hour:.ts|strftime("%H")}')
parameters = client.describe_delivery_stream(DeliveryStreamName="orders")["DeliveryStreamDescription"]["Destinations"][0][
    "ExtendedS3DestinationDescription"]["ProcessingConfiguration"]["Processors"][0]["Parameters"]
assert parameters[0]["ParameterValue"] == query, parameters
good = [
    {"n": 1, "customer": {"id": "a/b"}, "ts": 1769861109, "total": 250},
    {"n": 2, "customer": {"id": 7}, "ts": 1769861109, "total": 5},
    {"n": 3, "customer": {"id": True}, "ts": 0, "total": 0},
]
bad = [
    {"n": 4, "ts": 0, "total": 1},
    {"n": 5, "customer": {"id": ""}, "ts": 0, "total": 1},
    {"n": 6, "customer": {"id": [1]}, "ts": 0, "total": 1},
]
records("orders", *good, *bad, {"n": 7, "customer": {"id": "c"}, "ts": 0})
records("plain", *good, *bad)
