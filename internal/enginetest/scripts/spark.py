"""Spark reads the tables over S3A, by the catalog's columns, and writes one."""
import os, time

os.environ["TZ"] = "UTC"
time.tzset()
import lake
from pyspark.sql import SparkSession

task = lake.task()
settings = dict(line.split("=", 1) for line in task["settings"].splitlines())
builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "2g")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def read(table):
    location, columns, keys = tables[table]

    def spelled(t):
        if t.name == "struct":
            return "struct<" + ",".join(f"`{f}`:{spelled(a)}" for f, a in zip(t.fields, t.args)) + ">"
        if t.args and t.name != "decimal":
            return t.name + "<" + ",".join(spelled(a) for a in t.args) + ">"
        return "decimal(%d,%d)" % tuple(t.args) if t.args else t.name

    ddl = ", ".join(f"`{name}` {spelled(t)}" for name, t in columns + keys)
    return spark.read.schema(ddl).parquet(location.replace("s3://", "s3a://"))


tables = lake.catalog(task["glue"], task["key"], task["secret"], "shop")
for table in task["tables"]:
    df = read(table)
    types = [lake.Type.parse(f.dataType.simpleString()) for f in df.schema.fields]
    lake.answer(table, [t.presto() for t in types], [[t.json(v) for t, v in zip(types, row)] for row in df.collect()])
for c in task["counts"]:
    df = read(c["table"])
    column = df[c["field"]]
    found = {"=": lambda: column == c["value"], ">": lambda: column > c["value"], "IS NULL": column.isNull}[c["op"]]()
    lake.answer(c["sql"], ["bigint"], [[df.where(found).count()]])
read("kinds").write.partitionBy("part").parquet(task["write"].replace("s3://", "s3a://"))
spark.stop()
