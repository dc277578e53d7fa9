"""Reads a Parquet file with PyArrow and writes a JSON object a row, in which
timestamps are microseconds, dates days, decimals unscaled integers and maps
objects, whatever Python would make of them."""
import datetime
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(t, v):
    if v is None:
        return None
    if pa.types.is_struct(t):
        return {f.name: plain(f.type, v[f.name]) for f in t}
    if pa.types.is_map(t):
        return {k: plain(t.item_type, x) for k, x in v}
    if pa.types.is_list(t):
        return [plain(t.value_type, x) for x in v]
    if pa.types.is_timestamp(t):
        # INT96 says nothing of a time zone.
        return (v.replace(tzinfo=datetime.timezone.utc) - epoch) // datetime.timedelta(microseconds=1)
    if pa.types.is_date(t):
        return (v - epoch.date()).days
    if pa.types.is_decimal(t):
        return int(v.scaleb(t.scale))
    if pa.types.is_binary(t):
        return v.decode()
    return v


# Without a unit, INT96 is read as nanoseconds, which end in 2262.
table = pq.ParquetFile(sys.argv[1], page_checksum_verification=True, coerce_int96_timestamp_unit="us").read()
for row in table.to_pylist():
    print(json.dumps({f.name: plain(f.type, row[f.name]) for f in table.schema}))
