"""What a user of awswrangler does with the catalog. Fails by an assertion."""
import os, sys
os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL_GLUE=sys.argv[1],
                  WR_GLUE_ENDPOINT_URL=sys.argv[1])
import awswrangler as wr
c = wr.catalog

c.create_database("shop", description="d")
c.create_database("shop", exist_ok=True)
assert "shop" in [d["Name"] for d in c.get_databases()]
assert list(c.databases()["Database"]) == ["shop"]
columns, keys = {"id": "bigint", "tags": "array<string>", "user": "struct<name:string,n:int>"}, {"dt": "string", "hr": "int"}
c.create_parquet_table("shop", "orders", "s3://b/orders/", columns, partitions_types=keys, description="o", parameters={"p": "q"}, columns_comments={"id": "the id"},
                       compression="snappy")
assert c.does_table_exist("shop", "orders") and not c.does_table_exist("shop", "nosuch")
assert c.get_table_types("shop", "orders") == {**columns, **keys}
assert c.get_table_location("shop", "orders") == "s3://b/orders/"
assert c.get_table_description("shop", "orders") == "o"
assert c.get_columns_comments("shop", "orders")["id"] == "the id"
assert c.get_partitions("shop", "orders") == {}
c.add_parquet_partitions("shop", "orders", {f"s3://b/orders/dt=2026-01-{d:02}/hr={h}/": [f"2026-01-{d:02}", str(h)] for d in range(1, 11) for h in range(24)})
c.add_parquet_partitions("shop", "orders", {"s3://b/orders/dt=2026-01-01/hr=0/": ["2026-01-01", "0"]})    # again
assert len(c.get_partitions("shop", "orders")) == 240
assert len(c.get_parquet_partitions("shop", "orders", expression="dt = '2026-01-03' AND hr > 20")) == 3
c.delete_partitions(database="shop", table="orders", partitions_values=[["2026-01-10", str(h)] for h in range(24)] + [["nosuch", "0"]])
assert len(c.get_partitions("shop", "orders")) == 216
c.add_column("shop", "orders", "price", "double", column_comment="x")
assert c.get_table_types("shop", "orders")["price"] == "double"
c.delete_column("shop", "orders", "price")
assert "price" not in c.get_table_types("shop", "orders")
c.upsert_table_parameters({"p": "r", "s": "t"}, "shop", "orders")
assert c.get_table_parameters("shop", "orders")["p"] == "r" and c.get_table_parameters("shop", "orders")["s"] == "t"
c.overwrite_table_parameters({"only": "1"}, "shop", "orders")
assert c.get_table_parameters("shop", "orders") == {"only": "1"}
assert c.get_table_number_of_versions("shop", "orders") >= 3
c.create_parquet_table("shop", "orders", "s3://b/orders/", {**columns, "more": "date"}, partitions_types=keys, mode="append")
assert c.get_table_types("shop", "orders")["more"] == "date"
c.create_csv_table("shop", "lines", "s3://b/lines/", {"a": "string"}, partitions_types={"y": "string"})
c.add_csv_partitions("shop", "lines", {"s3://b/lines/y=1/": ["1"]})
assert c.get_csv_partitions("shop", "lines") == {"s3://b/lines/y=1/": ["1"]}
c.create_json_table("shop", "docs", "s3://b/docs/", {"a": "string"})
assert sorted(t["Name"] for t in c.get_tables(database="shop")) == ["docs", "lines", "orders"]
assert [t["Name"] for t in c.get_tables(database="shop", name_contains="rder")] == ["orders"]
assert [t["Name"] for t in c.get_tables(database="shop", name_prefix="do")] == ["docs"]
assert [t["Name"] for t in c.get_tables(database="shop", name_suffix="nes")] == ["lines"]
assert [t["Name"] for t in c.search_tables(text="orders")] == ["orders"]
assert len(c.tables(database="shop")) == 3
assert list(c.table(database="shop", table="orders")["Column Name"])[:2] == ["id", "tags"]
c.delete_all_partitions(database="shop", table="orders")
assert c.get_partitions("shop", "orders") == {}
assert c.delete_table_if_exists("shop", "docs") and not c.delete_table_if_exists("shop", "docs")
c.delete_database("shop")
assert not [d for d in c.get_databases()]
print("all of it")
