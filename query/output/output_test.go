package output_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/query/output"
	"sluice/query/result"
)

// An answer is one in memory.
type answer struct {
	columns []result.Column
	rows    [][]result.Value
	err     error
	at      int
}

func (a *answer) Columns() []result.Column { return a.columns }
func (a *answer) Next() bool               { a.at++; return a.at <= len(a.rows) }
func (a *answer) Values() []result.Value   { return a.rows[a.at-1] }
func (a *answer) Err() error               { return a.err }
func (a *answer) Close() error             { return nil }
func (a *answer) Stats() result.Stats {
	return result.Stats{Rows: int64(len(a.rows)), Elapsed: 12 * time.Millisecond, ElapsedMillis: 12, Files: 3, Bytes: 1234567, Partitions: 10, PartitionsPruned: 7, LiveRows: 1}
}

func text(s string) result.Value { return result.Value{Text: s, Form: result.String} }
func lit(s string) result.Value  { return result.Value{Text: s, Form: result.Literal} }

func sample() *answer {
	return &answer{
		columns: []result.Column{{Name: "n", Type: "bigint"}, {Name: "a b", Type: "varchar"}, {Name: "n", Type: "array(integer)"}},
		rows: [][]result.Value{
			{lit("9223372036854775807"), text("plain"), lit("[1,2]")},
			{lit("-1"), text("a,\"b\"\n\x1b[31m"), {}},
			{{}, text(""), lit("[]")},
			{lit("5"), text("日本 é"), lit("[null]")},
		},
	}
}

func TestFormats(t *testing.T) {
	stats, err := json.Marshal(sample().Stats())
	if err != nil {
		t.Fatal(err)
	}
	want := map[output.Format]string{
		output.JSON: `{"columns":[{"name":"n","type":"bigint"},{"name":"a b","type":"varchar"},{"name":"n","type":"array(integer)"}],"rows":[
[9223372036854775807,"plain",[1,2]],
[-1,"a,\"b\"\n\u001b[31m",null],
[null,"",[]],
[5,"日本 é",[null]]
],"stats":` + string(stats) + "}\n",
		output.NDJSON: `{"n":9223372036854775807,"a b":"plain","n_2":[1,2]}
{"n":-1,"a b":"a,\"b\"\n\u001b[31m","n_2":null}
{"n":null,"a b":"","n_2":[]}
{"n":5,"a b":"日本 é","n_2":[null]}
`,
		output.CSV: "n,a b,n\r\n9223372036854775807,plain,\"[1,2]\"\r\n-1,\"a,\"\"b\"\"\n\x1b[31m\",\r\n,\"\",[]\r\n5,日本 é,[null]\r\n",
		output.Table: `                   n | a b               | n
---------------------+-------------------+--------
 9223372036854775807 | plain             | [1,2]
                  -1 | a,"b"\n\u001b[31m | NULL
                NULL |                   | []
                   5 | 日本 é            | [null]
`,
	}
	for f, want := range want {
		var b strings.Builder
		if err := output.Write(&b, f, sample()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
}

func TestNoRows(t *testing.T) {
	var b strings.Builder
	a := &answer{}
	if err := output.Write(&b, output.JSON, a); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Columns []result.Column
		Rows    [][]any
	}
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil || doc.Columns == nil || doc.Rows == nil {
		t.Errorf("%s: %v", b.String(), err)
	}
}

// An error in the middle is returned, and JSON is not valid.
func TestErrorInTheMiddle(t *testing.T) {
	boom := errors.New("boom")
	for _, f := range output.Formats {
		if f.Binary() {
			continue // see query's tests
		}
		a := sample()
		a.err = boom
		var b strings.Builder
		if err := output.Write(&b, f, a); !errors.Is(err, boom) {
			t.Errorf("%s: error %v", f, err)
		}
		if f == output.JSON && json.Valid([]byte(b.String())) {
			t.Errorf("valid: %s", b.String())
		}
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestWriterFails(t *testing.T) {
	for _, f := range output.Formats {
		if f.Binary() {
			continue
		}
		a := sample()
		for range 10000 {
			a.rows = append(a.rows, a.rows[0])
		}
		if err := output.Write(closedPipe{}, f, a); err == nil {
			t.Errorf("%s: no error", f)
		}
		if a.at > 5000 {
			t.Errorf("%s: read %d rows for nobody", f, a.at)
		}
	}
}

func TestFooter(t *testing.T) {
	if got, want := output.Footer(sample().Stats()), "4 rows in 12 ms · 3 files scanned · 1.2 MB · 7 of 10 partitions pruned · 1 live row"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 99_499: "99 kB", 999_600: "1.0 MB", 5e12: "5.0 TB", 5e15: "5000 TB"} {
		if got := output.Size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
