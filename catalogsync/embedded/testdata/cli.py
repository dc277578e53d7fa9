"""Runs the AWS CLI, version 1, over every operation of the catalog that it has."""
import json, os, sys
os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL_GLUE=sys.argv[1],
                  AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_MAX_ATTEMPTS="1", AWS_PAGER="")
import contextlib, io
import awscli.clidriver

driver = awscli.clidriver.create_clidriver()
called = set()

def aws(operation, *args, fails=None, **options):
    """The answer, or the error when it is to fail. In one process: each start of aws takes a second."""
    called.add(operation)
    argv = ["glue", operation, "--output", "json", *args]
    for k, v in options.items():
        argv += ["--" + k.replace("_", "-"), v if isinstance(v, str) else json.dumps(v)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = driver.main(argv)
    if fails:
        assert code != 0 and fails in err.getvalue(), (argv, code, err.getvalue())
        return None
    assert code == 0, (argv, code, err.getvalue())
    return json.loads(out.getvalue()) if out.getvalue().strip() else None

T = {"database_name": "d", "table_name": "t"}
sd = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://b/t/", "SerdeInfo": {"SerializationLibrary": "lib"}}
table = {"Name": "t", "PartitionKeys": [{"Name": "dt", "Type": "string"}], "StorageDescriptor": sd}
aws("create-database", database_input={"Name": "d"})
aws("create-database", database_input={"Name": "d"}, fails="AlreadyExistsException")
aws("update-database", name="d", database_input={"Name": "d", "Description": "new"})
assert aws("get-database", name="d")["Database"]["Description"] == "new"
assert len(aws("get-databases")["DatabaseList"]) == 1
aws("create-table", database_name="d", table_input=table)
aws("create-table", database_name="d", table_input={**table, "Name": "u"})
aws("update-table", "--skip-archive", database_name="d", table_input={**table, "Description": "x"})
aws("update-table", database_name="d", table_input={**table, "Description": "y"})
aws("update-table", database_name="d", table_input=table, version_id="0", fails="ConcurrentModificationException")
assert aws("get-table", database_name="d", name="t")["Table"]["VersionId"] == "2"
assert [t["Name"] for t in aws("get-tables", "--page-size", "1", database_name="d")["TableList"]] == ["t", "u"]
assert [t["Name"] for t in aws("search-tables", search_text="u")["TableList"]] == ["u"]
assert [v["VersionId"] for v in aws("get-table-versions", **T)["TableVersions"]] == ["2", "1"]
assert aws("get-table-version", version_id="1", **T)["TableVersion"]["Table"]["Description"] == "x"
aws("delete-table-version", version_id="1", **T)
assert len(aws("batch-delete-table-version", version_ids=["1", "2"], **T)["Errors"]) == 2
part = lambda v: {"Values": [v], "StorageDescriptor": {**sd, "Location": f"s3://b/t/dt={v}/"}}
aws("create-partition", partition_input=part("a"), **T)
assert len(aws("batch-create-partition", partition_input_list=[part(v) for v in "abcd"], **T)["Errors"]) == 1
aws("get-partition", partition_values=["a"], **T)
aws("get-partition", partition_values=["z"], fails="EntityNotFoundException", **T)
assert len(aws("batch-get-partition", partitions_to_get=[{"Values": ["a"]}, {"Values": ["z"]}], **T)["Partitions"]) == 1
assert len(aws("get-partitions", "--page-size", "1", expression="dt > 'a' and dt < 'd'", **T)["Partitions"]) == 2
assert sum(len(aws("get-partitions", "--exclude-column-schema", segment={"SegmentNumber": n, "TotalSegments": 4}, **T)["Partitions"]) for n in range(4)) == 4
aws("get-partitions", expression="nokey = 1", fails="InvalidInputException", **T)
aws("update-partition", partition_value_list=["a"], partition_input=part("e"), **T)
assert len(aws("batch-update-partition", entries=[{"PartitionValueList": [v], "PartitionInput": part(v)} for v in "ae"], **T)["Errors"]) == 1
stats = {"ColumnName": "a", "ColumnType": "int", "AnalyzedTime": "2026-01-01T00:00:00Z",
         "StatisticsData": {"Type": "LONG", "LongColumnStatisticsData": {"NumberOfNulls": 0, "NumberOfDistinctValues": 5, "MinimumValue": 1, "MaximumValue": 9}}}
for kind, of in (("table", T), ("partition", {**T, "partition_values": ["e"]})):
    aws(f"update-column-statistics-for-{kind}", column_statistics_list=[stats], **of)
    got = aws(f"get-column-statistics-for-{kind}", column_names=["a", "dt"], **of)["ColumnStatisticsList"]
    assert [s["StatisticsData"] for s in got] == [stats["StatisticsData"]], got
    aws(f"delete-column-statistics-for-{kind}", column_name="a", **of)
    assert aws(f"get-column-statistics-for-{kind}", column_names=["a"], **of)["ColumnStatisticsList"] == []
aws("delete-partition", partition_values=["e"], **T)
assert len(aws("batch-delete-partition", partitions_to_delete=[{"Values": ["b"]}, {"Values": ["z"]}], **T)["Errors"]) == 1
function = {"FunctionName": "f", "ClassName": "c", "OwnerName": "o", "OwnerType": "USER", "ResourceUris": []}
aws("create-user-defined-function", database_name="d", function_input=function)
aws("update-user-defined-function", database_name="d", function_name="f", function_input={**function, "ClassName": "new"})
assert aws("get-user-defined-function", database_name="d", function_name="f")["UserDefinedFunction"]["ClassName"] == "new"
assert len(aws("get-user-defined-functions", database_name="d", pattern="*")["UserDefinedFunctions"]) == 1
aws("delete-user-defined-function", database_name="d", function_name="f")
aws("get-partition-indexes", **T)
aws("get-resource-policy", fails="EntityNotFoundException")
aws("get-resource-policies")
aws("get-data-catalog-encryption-settings")
aws("get-catalog-import-status")
aws("get-tags", resource_arn="arn:aws:glue:eu-west-1:000000000000:database/d")
assert len(aws("batch-delete-table", database_name="d", tables_to_delete=["u", "z"])["Errors"]) == 1
aws("delete-table", database_name="d", name="t")
aws("delete-database", name="d")
print(" ".join(sorted(called)))
