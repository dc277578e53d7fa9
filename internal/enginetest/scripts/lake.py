"""What the scripts of engines share: types as Hive and Presto write them, and values as JSON."""
import base64, datetime, decimal, json, re, sys


class Type:
    """A type, parsed from Hive's text of it."""

    def __init__(self, name, args=(), fields=()):
        self.name, self.args, self.fields = name, list(args), list(fields)

    @staticmethod
    def parse(text):
        tokens = re.findall(r"[A-Za-z_0-9]+|[<>(),:]", text)

        def one():
            name = tokens.pop(0)
            if name in ("array", "map", "struct"):
                assert tokens.pop(0) == "<", text
                args, fields = [], []
                while True:
                    if name == "struct":
                        fields.append(tokens.pop(0))
                        assert tokens.pop(0) == ":", text
                    args.append(one())
                    if tokens.pop(0) == ">":
                        return Type(name, args, fields)
            if name == "decimal":
                _, precision, _, scale, _ = (tokens.pop(0) for _ in range(5))
                return Type(name, [int(precision), int(scale)])
            return Type(name)

        return one()

    def presto(self):
        simple = {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary"}
        if self.name == "struct":
            return "row(" + ",".join(f"{f} {t.presto()}" for f, t in zip(self.fields, self.args)) + ")"
        if self.name in ("array", "map"):
            return self.name + "(" + ",".join(t.presto() for t in self.args) + ")"
        if self.name == "decimal":
            return "decimal(%d,%d)" % tuple(self.args)
        return simple.get(self.name, self.name)

    def json(self, v):
        """A value as Presto's protocol has it."""
        if v is None:
            return None
        if self.name == "array":
            return [self.args[0].json(x) for x in v]
        if self.name == "map":
            return {str(k): self.args[1].json(x) for k, x in (v.items() if isinstance(v, dict) else v)}
        if self.name == "struct":
            return [t.json(v[f]) for f, t in zip(self.fields, self.args)]
        if isinstance(v, decimal.Decimal):
            return format(v, "f")
        if isinstance(v, datetime.datetime):
            return v.replace(tzinfo=None).isoformat(" ", "microseconds")  # strftime writes the year 1 as 1
        if isinstance(v, datetime.date):
            return v.isoformat()
        if isinstance(v, (bytes, bytearray)):
            return base64.b64encode(v).decode()
        return v


def catalog(endpoint, key, secret, database):
    """The tables of a database: name to (location, columns, keys), both lists of (name, Type)."""
    import boto3
    glue = boto3.client("glue", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
    tables = {}
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
        for t in page["TableList"]:
            both = [[(c["Name"], Type.parse(c["Type"])) for c in of] for of in (t["StorageDescriptor"]["Columns"], t["PartitionKeys"])]
            tables[t["Name"]] = (t["StorageDescriptor"]["Location"], *both)
    return tables


def answer(name, types, rows):
    print(json.dumps({"sql": name, "types": types, "rows": rows}, ensure_ascii=False), flush=True)


def task():
    return json.load(open(sys.argv[1]))
