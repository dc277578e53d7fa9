package query_test

import (
	"bytes"
	stdsql "database/sql"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"

	"sluice/query"
	"sluice/query/output"
)

// write is the answer in a format.
func (h *house) write(sql string, f output.Format, l query.Limits) ([]byte, query.Stats, error) {
	h.t.Helper()
	r, err := h.engine.Query(h.t.Context(), query.Request{SQL: sql, Dialect: h.dialect, Limits: l})
	if err != nil {
		return nil, query.Stats{}, err
	}
	defer r.Close()
	var b bytes.Buffer
	err = output.Write(&b, f, r)
	return b.Bytes(), r.Stats(), err
}

// Every type, at its edges, null, and nested, over several chunks and row groups.
const everyType = `SELECT i, i % 2 = 0 AS b, i::tinyint AS i8, (-i)::smallint AS i16, i::integer AS i32, 9223372036854775807 - i AS i64,
	200::utinyint AS u8, 60000::usmallint AS u16, 4000000000::uinteger AS u32, 0.1::float AS f4, 1e300 AS f8, 'NaN'::double AS nan,
	-12345.67::decimal(9,2) AS d9, 12345678901234567.8::decimal(18,1) AS d18, -99999999999999999999999999999999999.999::decimal(38,3) AS d38,
	CASE WHEN i % 3 > 0 THEN 'text ü ' || i END AS s, '' AS empty, '\x00\xFF'::blob AS bin, date '1969-12-31' AS dt, time '23:59:59.999999' AS tm,
	timestamp '2026-01-31 12:00:00.123456' AS ts, timestamptz '1900-01-31 12:00:00.1+00' AS tz,
	CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN [] WHEN 2 THEN [i, NULL] ELSE [1, 2, i] END AS l,
	CASE i % 3 WHEN 0 THEN NULL ELSE {'a': i, 'B c': [{'x': 's' || i, 'y': NULL::double}, NULL]} END AS st,
	CASE i % 3 WHEN 0 THEN MAP {} WHEN 1 THEN MAP {'k' || i: [1.5::decimal(3,1)], 'z': NULL} END AS m,
	[[[i], []], NULL, []] AS lll, 'low'::enum('high','low') AS e
	FROM range(%d) t(i) ORDER BY i`

// What Parquet and Arrow say is what JSON says, to readers that are not ours.
func TestColumnar(t *testing.T) {
	h := newHouse(t, nil)
	sql := strings.Replace(everyType, "%d", "100", 1)
	file, stats, err := h.write(sql, output.Parquet, query.Limits{})
	check(t, err)
	if stats.Rows != 100 {
		t.Errorf("%+v", stats)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "answer.parquet")
	check(t, os.WriteFile(path, file, 0o600))
	sameRows(t, strings.TrimSuffix(sql, " ORDER BY i"), "SELECT * FROM '"+path+"'")
	stream, _, err := h.write(sql, output.Arrow, query.Limits{})
	check(t, err)
	in, err := ipc.NewReader(bytes.NewReader(stream))
	check(t, err)
	defer in.Release()
	rows := int64(0)
	for in.Next() {
		rows += in.RecordBatch().NumRows()
	}
	if rows != 100 || in.Err() != nil {
		t.Errorf("%d rows, %v", rows, in.Err())
	}
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		t.Skip("TEST_PYTHON is not set: PyArrow does not read")
	}
	check(t, os.WriteFile(filepath.Join(dir, "answer.arrow"), stream, 0o600))
	out, err := exec.CommandContext(t.Context(), python, "-c", `
import sys, pyarrow as pa, pyarrow.parquet as pq
a = pa.ipc.open_stream(open(sys.argv[1] + "/answer.arrow", "rb")).read_all()
p = pq.read_table(sys.argv[1] + "/answer.parquet")
a.validate(full=True); p.validate(full=True)
for name in a.column_names:
    x, y = a.column(name).to_pylist(), p.column(name).to_pylist()
    assert x == y or name == "nan", (name, x[:5], y[:5])
print(a.schema)`, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const schema = `i: int64
b: bool
i8: int8
i16: int16
i32: int32
i64: int64
u8: int16
u16: int32
u32: int64
f4: float
f8: double
nan: double
d9: decimal128(9, 2)
d18: decimal128(18, 1)
d38: decimal128(38, 3)
s: string
empty: string
bin: binary
dt: date32[day]
tm: time64[us]
ts: timestamp[us]
tz: timestamp[us, tz=UTC]
l: list<item: int64>
  child 0, item: int64
st: struct<a: int64, B c: list<item: struct<x: string, y: double>>>
  child 0, a: int64
  child 1, B c: list<item: struct<x: string, y: double>>
      child 0, item: struct<x: string, y: double>
          child 0, x: string
          child 1, y: double
m: map<string, list<item: decimal128(3, 1)>>
`
	if !strings.HasPrefix(string(out), schema) {
		t.Error(cmp.Diff(schema, string(out)))
	}
}

// sameRows checks with a DuckDB of the test's own that two relations have the same
// rows.
func sameRows(t *testing.T, a, b string) {
	t.Helper()
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	var rows, missing, added int
	check(t, db.QueryRow("SELECT (SELECT count(*) FROM ("+b+")), (SELECT count(*) FROM ("+a+" EXCEPT ALL "+b+")), (SELECT count(*) FROM ("+b+" EXCEPT ALL "+a+"))").Scan(&rows, &missing, &added))
	if rows == 0 || missing != 0 || added != 0 {
		t.Errorf("%d rows, %d are missing, %d too many", rows, missing, added)
	}
}

// A file of several row groups holds every row, in bounded memory.
func TestParquetRowGroups(t *testing.T) {
	h := newHouse(t, nil)
	file, _, err := h.write("SELECT i, repeat('x' || i, 100) AS s FROM range(100000) t(i)", output.Parquet, query.Limits{})
	check(t, err)
	path := filepath.Join(t.TempDir(), "answer.parquet")
	check(t, os.WriteFile(path, file, 0o600))
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	var groups, rows, sum int64
	check(t, db.QueryRow("SELECT count(DISTINCT row_group_id) FROM parquet_metadata('"+path+"')").Scan(&groups))
	check(t, db.QueryRow("SELECT count(*), sum(i) FROM '"+path+"' WHERE s = repeat('x' || i, 100)").Scan(&rows, &sum))
	if groups < 3 || rows != 100000 || sum != 99999*100000/2 {
		t.Errorf("%d groups, %d rows, sum %d", groups, rows, sum)
	}
}

// An error, a limit or a client that is gone ends a columnar answer without its end.
func TestColumnarErrors(t *testing.T) {
	h := newHouse(t, nil)
	h.dialect = query.DuckDB
	for _, f := range []output.Format{output.Arrow, output.Parquet} {
		for sql, part := range map[string]string{
			failsLate: "Could not convert", "SELECT 170141183460469231731687303715884105727::hugeint AS h": "decimal(38,0)",
			"SELECT 'infinity'::timestamp AS t": "infinite", "SELECT '-infinity'::date AS t": "infinite", "SELECT i FROM range(10000) t(i)": "max_rows",
		} {
			text, _, err := h.write(sql, f, query.Limits{Rows: 9999})
			var fault *query.Error
			if !errors.As(err, &fault) || !strings.Contains(fault.Message, part) {
				if !(sql == failsLate && errors.As(err, &fault) && fault.Code == query.CodeLimit) {
					t.Errorf("%s, %s: %v", f, sql, err)
				}
			}
			if f == output.Parquet && bytes.HasSuffix(text, []byte("PAR1")) && len(text) > 4 || f == output.Arrow && bytes.HasSuffix(text, []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}) {
				t.Errorf("%s, %s: looks whole", f, sql)
			}
		}
		if _, _, err := h.write("SELECT repeat('x', 2000) AS x", f, query.Limits{Result: 1000}); err == nil || !strings.Contains(err.Error(), "max_result") {
			t.Error(f, err)
		}
	}
	// What the catalog answers can be written too, and no row at all.
	for _, sql := range []string{"SHOW DATABASES", "SELECT 1 AS a WHERE false", "SELECT 1 AS a, 2 AS a"} {
		for _, f := range []output.Format{output.Arrow, output.Parquet} {
			text, _, err := h.write(sql, f, query.Limits{})
			if err != nil || len(text) == 0 {
				t.Errorf("%s, %s: %v", f, sql, err)
			}
		}
	}
	h.dialect = query.Presto
	r, err := h.engine.Query(t.Context(), query.Request{SQL: "SELECT sum(x) FROM (VALUES 9223372036854775807, 1) t(x)"})
	check(t, err)
	defer r.Close()
	if err := output.Write(io.Discard, output.Arrow, r); err == nil || !strings.Contains(err.Error(), "bigint overflow") {
		t.Error(err)
	}
}

const failsLate = "SELECT CASE WHEN i < 500000 THEN i ELSE CAST('x' || i AS bigint) END AS i FROM range(1000000) t(i)"
