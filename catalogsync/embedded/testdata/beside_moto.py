"""Does the same to the catalog and to moto's Glue, and compares every answer.

What moto answers, the catalog must answer too; it may say more. Errors must have
the same code. Where the two are known to differ, AWS's documentation decides, and
the call stands in KNOWN with the reason.
"""
import os, random, sys
os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="eu-west-1")
import logging
logging.getLogger("werkzeug").setLevel(logging.ERROR)
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

moto_server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
moto_server.start()
host, port = moto_server.get_host_and_port()
config = Config(retries={"max_attempts": 1}, parameter_validation=False)
ours = boto3.client("glue", endpoint_url=sys.argv[1], config=config)
moto = boto3.client("glue", endpoint_url=f"http://{host}:{port}", config=config)

IGNORED = {"ResponseMetadata", "CreateTime", "UpdateTime", "CreationTime", "CreatedBy", "CatalogId", "VersionId", "NextToken", "IsRegisteredWithLakeFormation",
           "CreateTableDefaultPermissions", "IsMultiDialectView", "LastAccessTime", "LastAnalyzedTime"}

# (operation, ours, moto's): why ours is right.
KNOWN = {
    ("get_resource_policy", "EntityNotFoundException", "ok"): "AWS has an error where there is no policy",
    ("get_partition_indexes", "EntityNotFoundException", "ok"): "AWS looks whether the table is there, moto does not",
    ("get_partitions", "InvalidInputException", "ok"): "moto does not read the expression where there are no partitions",
    ("get_partitions", "ok", "InvalidInputException"): "moto does not parse NOT before a parenthesis",
}

def call(client, op, args):
    try:
        return "ok", getattr(client, op)(**args)
    except ClientError as e:
        return e.response["Error"]["Code"], e.response["Error"]["Message"]

def lacks(want, got, path=""):
    """What of moto's answer is not in ours."""
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return f"{path}: {got!r} for {want!r}"
        for k, v in want.items():
            if k in IGNORED or v in (None, {}, [], "") and not got.get(k):
                continue
            if k not in got:
                return f"{path}.{k} is missing, moto has {v!r}"
            if why := lacks(v, got[k], f"{path}.{k}"):
                return why
        return None
    if isinstance(want, list):
        if not isinstance(got, list) or len(want) != len(got):
            return f"{path}: {got!r} for {want!r}"
        order = lambda l: sorted(l, key=lambda e: str(e.get("Values") or e.get("PartitionValues") or e.get("PartitionValueList") or e.get("Name") or e) if isinstance(e, dict) else "")
        for i, (w, g) in enumerate(zip(order(want), order(got))):
            if why := lacks(w, g, f"{path}[{i}]"):
                return why
        return None
    if path.endswith("Message") or path.endswith("ErrorMessage"):
        return None
    return None if want == got else f"{path}: {got!r} for {want!r}"

compared, differ = 0, []

def both(op, **args):
    global compared
    a, b = call(ours, op, args), call(moto, op, args)
    compared += 1
    why = f"{a[0]} ({a[1]}) for {b[0]} ({b[1]})" if a[0] != b[0] else lacks(b[1], a[1]) if a[0] == "ok" else None
    if why and (op, a[0], b[0]) not in KNOWN:
        differ.append(f"{op}({str(args)[:300]}): {str(why)[:600]}")
    return a

def sd(location, columns=("a", "b")):
    return {"Columns": [{"Name": c, "Type": "array<struct<x:int>>" if c == "b" else "int", "Comment": c} for c in columns], "Location": location,
            "InputFormat": "in", "OutputFormat": "out", "SerdeInfo": {"SerializationLibrary": "lib", "Parameters": {"serialization.format": "1"}},
            "Compressed": False, "NumberOfBuckets": -1, "BucketColumns": [], "SortColumns": [], "Parameters": {"p": "q"}, "StoredAsSubDirectories": False}

def table(name, **more):
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"}, "StorageDescriptor": sd(f"s3://b/{name}/"), "Retention": 0,
            "PartitionKeys": [{"Name": "dt", "Type": "string"}, {"Name": "hr", "Type": "int"}], **more}

def part(*values):
    return {"Values": list(values), "StorageDescriptor": sd("s3://b/t/" + "/".join(values) + "/"), "Parameters": {"k": values[0]}}

random.seed(int(sys.argv[2]))
days, hours = [f"2026-01-{d:02}" for d in range(1, 5)], ["1", "5", "10"]
EXPRESSIONS = ["dt = '2026-01-01'", "dt = '2026-01-01' AND hr = 5", "hr > 3", "hr in (1, 10)", "dt in ('2026-01-02', '2026-01-03')", "dt <> '2026-01-01'",
               "dt between '2026-01-02' and '2026-01-03'", "dt like '2026-01-0%'", "not (hr = 1)", "(dt = '2026-01-01') or (hr >= 10)", "dt >= '2026-01-02' and dt < '2026-01-04'",
               "hr is null", "hr is not null", "((dt = '2026-01-01')) AND ((hr = 1) OR (hr > 3 AND hr <= 5))", "nokey = 1", "dt ="]
name = lambda: random.choice(["t", "t", "t", "u"])
db = lambda: random.choice(["d", "d", "d", "d", "e"])
values = lambda: [random.choice(days), random.choice(hours)]
# moto loses a partition whose update fails because its new values are taken, so they never are.
counter = iter(range(100, 10**6))
fresh = lambda: [random.choice(days), str(next(counter))]
where = lambda: {"DatabaseName": db(), "TableName": name()}

STEPS = [
    lambda: both("create_database", DatabaseInput={"Name": db(), "Description": "x", "Parameters": {"a": "b"}}),
    lambda: both("get_database", Name=db()),
    lambda: both("get_databases"),
    lambda: both("update_database", Name=(n := db()), DatabaseInput={"Name": n, "Description": random.choice("xyz")}),
    lambda: random.random() < 0.1 and both("delete_database", Name=db()),
    lambda: both("create_table", DatabaseName=db(), TableInput=table(name())),
    lambda: both("get_table", DatabaseName=db(), Name=name()),
    lambda: both("get_tables", DatabaseName=db()),
    lambda: both("get_tables", DatabaseName=db(), Expression=random.choice(["t", "u", "t|u", ".*", "x.*"])),
    lambda: both("update_table", DatabaseName=db(), TableInput=table(name(), Description=random.choice("xyz"))),
    lambda: both("get_table_versions", DatabaseName=db(), TableName=name()),
    lambda: random.random() < 0.2 and both("delete_table", DatabaseName=db(), Name=name()),
    lambda: random.random() < 0.05 and both("batch_delete_table", DatabaseName="d", TablesToDelete=[name()]),
    lambda: both("create_partition", **where(), PartitionInput=part(*values())),
    lambda: both("create_partition", **where(), PartitionInput=part(*values())),
    lambda: both("batch_create_partition", **where(), PartitionInputList=[part(d, random.choice(hours)) for d in days]),
    lambda: both("get_partition", **where(), PartitionValues=values()),
    lambda: both("batch_get_partition", **where(), PartitionsToGet=[{"Values": [d, random.choice(hours)]} for d in days]),
    lambda: both("get_partitions", **where()),
    lambda: both("get_partitions", **where(), Expression=random.choice(EXPRESSIONS)),
    lambda: both("get_partitions", **where(), Expression=random.choice(EXPRESSIONS)),
    lambda: both("get_partitions", **where(), Expression=random.choice(EXPRESSIONS)),
    lambda: both("update_partition", **where(), PartitionValueList=(v := values()), PartitionInput=part(*random.choice([v, fresh()]))),
    lambda: both("batch_update_partition", **where(), Entries=[{"PartitionValueList": (v := [d, random.choice(hours)]), "PartitionInput": part(*v)} for d in days]),
    lambda: both("delete_partition", **where(), PartitionValues=values()),
    lambda: both("batch_delete_partition", **where(), PartitionsToDelete=[{"Values": [d, random.choice(hours)]} for d in days[:2]]),
    lambda: both("get_partition_indexes", **where()),
    lambda: both("get_data_catalog_encryption_settings"),
    lambda: both("get_resource_policy"),
]
both("create_database", DatabaseInput={"Name": "d"})
both("create_table", DatabaseName="d", TableInput=table("t"))
for _ in range(int(sys.argv[3])):
    random.choice(STEPS)()
moto_server.stop()
seen = set()
for d in differ:
    if (key := d.split("(")[0] + d.split("): ", 1)[1][:60]) not in seen:
        seen.add(key)
        print(d)
print(f"{compared > int(sys.argv[3]) / 2}, {len(differ)} differ")
