package athena_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/query/athena"
	"sluice/query/output"
)

// A fake answers as Athena's API does, to one statement at a time.
type fake struct {
	t *testing.T

	mu        sync.Mutex
	calls     []string       // guarded by mu
	start     map[string]any // the last StartQueryExecution; guarded by mu
	tokens    map[string]bool
	states    []string // one a look, the last for ever; guarded by mu
	statement string   // DML, DDL or UTILITY
	reason    string
	columns   string
	pages     []string // rows, as JSON
	throttle  int      // calls to refuse first; guarded by mu
	looked    chan struct{}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena.")
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, op)
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/athena/") {
		f.t.Errorf("%s is signed by %q", op, r.Header.Get("Authorization"))
	}
	if f.throttle > 0 {
		f.throttle--
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		return
	}
	switch op {
	case "StartQueryExecution":
		f.start = in
		f.tokens[in["ClientRequestToken"].(string)] = true
		fmt.Fprint(w, `{"QueryExecutionId":"q-1"}`)
	case "GetQueryExecution":
		state := f.states[0]
		if len(f.states) > 1 {
			f.states = f.states[1:]
		}
		fmt.Fprintf(w, `{"QueryExecution":{"QueryExecutionId":"q-1","StatementType":%q,"Status":{"State":%q,"StateChangeReason":%q},"Statistics":{"DataScannedInBytes":52428801}}}`, f.statement, state, f.reason)
		if f.looked != nil {
			close(f.looked)
			f.looked = nil
		}
	case "GetQueryResults":
		page := 0
		if token, ok := in["NextToken"].(string); ok {
			fmt.Sscan(token, &page)
		}
		next := ""
		if page+1 < len(f.pages) {
			next = fmt.Sprintf(`"NextToken":"%d",`, page+1)
		}
		fmt.Fprintf(w, `{%s"ResultSet":{"Rows":[%s],"ResultSetMetadata":{"ColumnInfo":[%s]}}}`, next, f.pages[page], f.columns)
	case "StopQueryExecution":
		fmt.Fprint(w, `{}`)
	default:
		f.t.Errorf("call of %s", op)
	}
}

func column(name, typ string, extra string) string {
	return fmt.Sprintf(`{"CatalogName":"hive","Name":%q,"Type":%q%s}`, name, typ, extra)
}

func cells(texts ...string) string {
	var b []string
	for _, t := range texts {
		if t == "NULL" {
			b = append(b, `{}`)
			continue
		}
		b = append(b, fmt.Sprintf(`{"VarCharValue":%q}`, t))
	}
	return `{"Data":[` + strings.Join(b, ",") + `]}`
}

func newFake(t *testing.T) (*fake, *athena.Client) {
	t.Helper()
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	f := &fake{t: t, tokens: map[string]bool{}, states: []string{"QUEUED", "RUNNING", "SUCCEEDED"}, statement: "DML"}
	f.columns = strings.Join([]string{
		column("n", "bigint", ""), column("price", "decimal", `,"Precision":10,"Scale":2`), column("d", "double", ""), column("ok", "boolean", ""),
		column("name", "varchar", ""), column("day", "date", ""), column("at", "timestamp", ""), column("tags", "array", ""), column("raw", "varbinary", ""),
	}, ",")
	f.pages = []string{
		cells("n", "price", "d", "ok", "name", "day", "at", "tags", "raw") + "," +
			cells("9223372036854775807", "1.50", "1.0E10", "true", "a,\"b\"", "2026-01-31", "2026-01-31 12:00:00.000", "[a, b]", "00 ff"),
		cells("-1", "NULL", "NaN", "NULL", "", "NULL", "NULL", "NULL", "NULL"),
	}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	c, err := athena.New(t.Context(), athena.Config{
		Workgroup: "analysts", Output: "s3://bucket/answers/", Catalog: "AwsDataCatalog", Database: "shop", Region: "eu-central-1", Endpoint: s.URL, PricePerTB: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func TestQuery(t *testing.T) {
	f, c := newFake(t)
	f.throttle = 1
	rows, err := c.Query(t.Context(), "select * from t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out bytes.Buffer
	if err := output.Write(&out, output.NDJSON, rows); err != nil {
		t.Fatal(err)
	}
	want := `{"n":9223372036854775807,"price":1.50,"d":10000000000.0,"ok":true,"name":"a,\"b\"","day":"2026-01-31","at":"2026-01-31 12:00:00.000","tags":"[a, b]","raw":"AP8="}
{"n":-1,"price":null,"d":"NaN","ok":null,"name":"","day":null,"at":null,"tags":null,"raw":null}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	var types []string
	for _, col := range rows.Columns() {
		types = append(types, col.Type)
	}
	if diff := cmp.Diff([]string{"bigint", "decimal(10,2)", "double", "boolean", "varchar", "date", "timestamp", "array", "varbinary"}, types); diff != "" {
		t.Error(diff)
	}
	s := rows.Stats()
	// 50 MB and a byte are charged as 51.
	if s.Rows != 2 || s.Bytes != 52428801 || s.Cost != 51*float64(1<<20)*5/1e12 || s.Elapsed <= 0 {
		t.Errorf("statistics %+v", s)
	}
	if f.start["WorkGroup"] != "analysts" || f.start["QueryString"] != "select * from t" || f.start["ResultConfiguration"].(map[string]any)["OutputLocation"] != "s3://bucket/answers/" {
		t.Errorf("started %v", f.start)
	}
	if diff := cmp.Diff(map[string]any{"Catalog": "AwsDataCatalog", "Database": "shop"}, f.start["QueryExecutionContext"]); diff != "" {
		t.Error(diff)
	}
	if len(f.tokens) != 1 {
		t.Errorf("%d tokens of one statement", len(f.tokens))
	}
}

// Statements that are no queries have no row with the columns' names: a table that is
// named like the column is shown.
func TestUtilityStatement(t *testing.T) {
	f, c := newFake(t)
	f.statement, f.columns, f.pages = "UTILITY", column("tab_name", "string", ""), []string{cells("tab_name") + "," + cells("t")}
	rows, err := c.Query(t.Context(), "show tables")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if n != 2 || rows.Err() != nil || rows.Stats().Cost != 0 {
		t.Errorf("%d rows, %v, %+v", n, rows.Err(), rows.Stats())
	}
}

func TestFailedQuery(t *testing.T) {
	f, c := newFake(t)
	f.states, f.reason = []string{"FAILED"}, "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved"
	_, err := c.Query(t.Context(), "select x from t")
	var fault *athena.Error
	if !errors.As(err, &fault) || fault.State != "FAILED" || fault.ID != "q-1" || !strings.Contains(err.Error(), "Column 'x'") {
		t.Errorf("error %v", err)
	}
}

// Ctrl-C stops the query at Athena, which else goes on and is charged.
func TestCancel(t *testing.T) {
	f, c := newFake(t)
	f.states, f.looked = []string{"RUNNING"}, make(chan struct{})
	looked := f.looked
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-looked; cancel() }()
	if _, err := c.Query(ctx, "select * from t"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[len(f.calls)-1] != "StopQueryExecution" {
		t.Errorf("calls %v", f.calls)
	}
}

func TestParquet(t *testing.T) {
	_, c := newFake(t)
	rows, err := c.Query(t.Context(), "select * from t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out bytes.Buffer
	if err := output.Write(&out, output.Parquet, rows); err != nil || !bytes.HasPrefix(out.Bytes(), []byte("PAR1")) || !bytes.HasSuffix(out.Bytes(), []byte("PAR1")) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}
