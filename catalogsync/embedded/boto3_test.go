package embedded_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
)

// boto3Client is what a user of Glue does with boto3, whose models check the
// shape of each answer. It fails by an assertion.
const boto3Client = `
import sys, datetime, boto3
glue = boto3.client("glue", endpoint_url=sys.argv[1], region_name="eu-west-1",
                    aws_access_key_id="id", aws_secret_access_key="secret")
E = glue.exceptions

def raises(kind, call, **args):
    try:
        call(**args)
    except kind as e:
        assert e.response["Error"]["Message"], e.response
    else:
        raise AssertionError(f"{call} did not raise {kind}")

glue.create_database(DatabaseInput={"Name": "Shop", "Description": "d"})
raises(E.AlreadyExistsException, glue.create_database, DatabaseInput={"Name": "shop"})
db = glue.get_database(Name="shop")["Database"]
age = datetime.datetime.now(datetime.timezone.utc) - db["CreateTime"]
assert abs(age) < datetime.timedelta(days=1), age
assert [d["Name"] for d in glue.get_databases()["DatabaseList"]] == ["shop"]

sd = {"Columns": [{"Name": "a", "Type": "array<struct<x:int>>", "Comment": "c", "Parameters": {"k": "v"}}],
      "Location": "s3://b/t/", "InputFormat": "in", "OutputFormat": "out", "Compressed": True, "NumberOfBuckets": 3,
      "SerdeInfo": {"Name": "n", "SerializationLibrary": "lib", "Parameters": {"serialization.format": "1"}},
      "BucketColumns": ["a"], "SortColumns": [{"Column": "a", "SortOrder": 1}], "Parameters": {"p": "q"},
      "SkewedInfo": {"SkewedColumnNames": ["a"], "SkewedColumnValues": [], "SkewedColumnValueLocationMaps": {}},
      "StoredAsSubDirectories": True}
when = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
ti = {"Name": "t", "Owner": "o", "LastAccessTime": when, "Retention": 9, "StorageDescriptor": sd, "TableType": "EXTERNAL_TABLE",
      "PartitionKeys": [{"Name": "dt", "Type": "string"}, {"Name": "hr", "Type": "int"}], "Parameters": {"classification": "parquet"}}
raises(E.EntityNotFoundException, glue.create_table, DatabaseName="nowhere", TableInput=ti)
glue.create_table(CatalogId="123456789012", DatabaseName="shop", TableInput=ti)
raises(E.AlreadyExistsException, glue.create_table, DatabaseName="shop", TableInput=ti)
t = glue.get_table(DatabaseName="shop", Name="T")["Table"]
for k, v in ti.items():
    assert t[k] == v, (k, t[k], v)
assert t["VersionId"] == "0" and t["DatabaseName"] == "shop"

raises(E.ConcurrentModificationException, glue.update_table, DatabaseName="shop", TableInput=ti, VersionId="7")
glue.update_table(DatabaseName="shop", TableInput={**ti, "Description": "new"}, VersionId="0")
versions = glue.get_paginator("get_table_versions").paginate(DatabaseName="shop", TableName="t", PaginationConfig={"PageSize": 1})
assert [v["VersionId"] for p in versions for v in p["TableVersions"]] == ["1", "0"]
tables = glue.get_paginator("get_tables").paginate(DatabaseName="shop", Expression="t.*")
assert [x["Name"] for p in tables for x in p["TableList"]] == ["t"]
assert glue.search_tables(SearchText="t")["TableList"][0]["Name"] == "t"

def part(dt, hr):
    return {"Values": [dt, str(hr)], "StorageDescriptor": {**sd, "Location": f"s3://b/t/dt={dt}/hr={hr}/"}, "LastAccessTime": when}

glue.create_partition(DatabaseName="shop", TableName="t", PartitionInput=part("d0", 0))
raises(E.AlreadyExistsException, glue.create_partition, DatabaseName="shop", TableName="t", PartitionInput=part("d0", 0))
raises(E.InvalidInputException, glue.create_partition, DatabaseName="shop", TableName="t", PartitionInput={"Values": ["x"]})
out = glue.batch_create_partition(DatabaseName="shop", TableName="t", PartitionInputList=[part("d0", h) for h in range(24)])
assert [(e["PartitionValues"], e["ErrorDetail"]["ErrorCode"]) for e in out["Errors"]] == [(["d0", "0"], "AlreadyExistsException")], out
p = glue.get_partition(DatabaseName="shop", TableName="t", PartitionValues=["d0", "3"])["Partition"]
assert p["StorageDescriptor"] == part("d0", 3)["StorageDescriptor"] and p["LastAccessTime"] == when, p
raises(E.EntityNotFoundException, glue.get_partition, DatabaseName="shop", TableName="t", PartitionValues=["d0", "99"])

def hours(**args):
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="shop", TableName="t", PaginationConfig={"PageSize": 5}, **args)
    return sorted(int(p["Values"][1]) for page in pages for p in page["Partitions"])

assert hours() == list(range(24))
assert hours(Expression="(dt = 'd0') AND ((hr = 1) OR (hr > 3 AND hr <= 5))") == [1, 4, 5]
assert hours(Expression="dt in ('d1', 'd2')") == []
assert sorted(sum((hours(Segment={"SegmentNumber": n, "TotalSegments": 3}) for n in range(3)), [])) == list(range(24))
raises(E.InvalidInputException, hours, Expression="nokey = 1")

glue.update_partition(DatabaseName="shop", TableName="t", PartitionValueList=["d0", "0"], PartitionInput=part("d0", 24))
out = glue.batch_update_partition(DatabaseName="shop", TableName="t", Entries=[
    {"PartitionValueList": ["d0", str(h)], "PartitionInput": part("d0", h)} for h in (1, 77)])
assert [e["PartitionValueList"] for e in out["Errors"]] == [["d0", "77"]], out
got = glue.batch_get_partition(DatabaseName="shop", TableName="t", PartitionsToGet=[{"Values": ["d0", "24"]}, {"Values": ["d0", "0"]}])
assert [p["Values"] for p in got["Partitions"]] == [["d0", "24"]], got
glue.delete_partition(DatabaseName="shop", TableName="t", PartitionValues=["d0", "24"])
out = glue.batch_delete_partition(DatabaseName="shop", TableName="t", PartitionsToDelete=[{"Values": ["d0", str(h)]} for h in (1, 24)])
assert [e["PartitionValues"] for e in out["Errors"]] == [["d0", "24"]], out
assert hours() == list(range(2, 24))

assert glue.get_user_defined_functions(DatabaseName="shop", Pattern="*")["UserDefinedFunctions"] == []
assert glue.get_partition_indexes(DatabaseName="shop", TableName="t")["PartitionIndexDescriptorList"] == []
assert glue.get_column_statistics_for_table(DatabaseName="shop", TableName="t", ColumnNames=["a"])["ColumnStatisticsList"] == []
glue.delete_table(DatabaseName="shop", Name="t")
raises(E.EntityNotFoundException, glue.get_table, DatabaseName="shop", Name="t")
glue.delete_database(Name="shop")
raises(E.EntityNotFoundException, glue.get_database, Name="shop")
print("all of it")
`

func TestBoto3(t *testing.T) {
	python := os.Getenv("TEST_PYTHON") // one that has boto3
	if python == "" {
		python = "python3"
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("%s has no boto3 (pip install boto3, or point TEST_PYTHON at one that has): %v %s", python, err, out)
	}
	srv := httptest.NewServer(open(t).server)
	defer srv.Close()
	cmd := exec.CommandContext(t.Context(), python, "-c", boto3Client, srv.URL)
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_MAX_ATTEMPTS=1", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "all of it\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
