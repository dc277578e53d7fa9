"""PyArrow datasets read the tables by the catalog's columns, and one is written."""
import lake
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs

task = lake.task()
s3 = pyarrow.fs.S3FileSystem(endpoint_override=task["s3"], region="us-east-1", scheme="http", access_key=task["s3_key"], secret_key=task["s3_secret"])


def arrow(t):
    if t.name == "array":
        return pa.list_(arrow(t.args[0]))
    if t.name == "map":
        return pa.map_(arrow(t.args[0]), arrow(t.args[1]))
    if t.name == "struct":
        return pa.struct([(f, arrow(a)) for f, a in zip(t.fields, t.args)])
    if t.name == "decimal":
        return pa.decimal128(*t.args)
    return {"boolean": pa.bool_(), "tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64(), "float": pa.float32(),
            "double": pa.float64(), "string": pa.string(), "binary": pa.binary(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC")}[t.name]


def read(table):
    location, columns, keys = tables[table]
    fields = [(name, arrow(t)) for name, t in columns + keys]
    hive = ds.HivePartitioning(pa.schema([(name, arrow(t)) for name, t in keys]), null_fallback="__HIVE_DEFAULT_PARTITION__", segment_encoding="uri")
    parquet = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
    return ds.dataset(location.removeprefix("s3://"), filesystem=s3, format=parquet, partitioning=hive, schema=pa.schema(fields))


tables = lake.catalog(task["glue"], task["key"], task["secret"], "shop")
for table in task["tables"]:
    types = [t for _, t in tables[table][1] + tables[table][2]]
    rows = read(table).to_table()
    assert [f.type for f in rows.schema] == [arrow(t) for t in types], rows.schema
    values = zip(*([t.json(v) for v in column.to_pylist()] for t, column in zip(types, rows.columns)))
    lake.answer(table, [t.presto() for t in types], [list(row) for row in values])
for c in task["counts"]:
    field = ds.field(c["field"])
    found = {"=": lambda: field == c["value"], ">": lambda: field > c["value"], "IS NULL": field.is_null}[c["op"]]()
    lake.answer(c["sql"], ["bigint"], [[read(c["table"]).count_rows(filter=found)]])
part = ds.partitioning(pa.schema([("part", pa.string())]), flavor="hive")
ds.write_dataset(read("kinds").to_table(), task["write"].removeprefix("s3://"), filesystem=s3, format="parquet", partitioning=part)
