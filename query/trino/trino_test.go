package trino_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/query/output"
	"sluice/query/trino"
)

// A fake speaks Trino's REST protocol: a statement is posted, and each answer names
// where the next one is.
type fake struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	posted  []string      // guarded by mu
	headers http.Header   // of the last statement; guarded by mu
	deleted int           // guarded by mu
	pages   []string      // what the answers say besides nextUri
	stuck   chan struct{} // closed when a client waits for a page that never comes
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	page := 0
	switch {
	case r.Method == http.MethodDelete:
		f.mu.Lock()
		f.deleted++
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.posted, f.headers = append(f.posted, string(body)), r.Header.Clone()
		f.mu.Unlock()
	default:
		fmt.Sscanf(r.URL.Path, "/v1/statement/executing/q1/%d", &page)
	}
	if f.stuck != nil && page == 1 {
		close(f.stuck)
		<-r.Context().Done()
		return
	}
	next := ""
	if page+1 < len(f.pages) {
		next = fmt.Sprintf(`"nextUri":"%s/v1/statement/executing/q1/%d",`, f.url, page+1)
	}
	fmt.Fprintf(w, `{"id":"q1","infoUri":"%s/ui/q1",%s%s}`, f.url, next, f.pages[page])
}

const stats = `"stats":{"state":"%s","processedBytes":5000,"physicalInputBytes":%d,"processedRows":2}`

func column(name, raw string, args string) string {
	display := raw
	return fmt.Sprintf(`{"name":%q,"type":%q,"typeSignature":{"rawType":%q,"arguments":[%s]}}`, name, display, raw[:strings.IndexByte(raw+"(", '(')], args)
}

func long(n int) string { return fmt.Sprintf(`{"kind":"LONG","value":%d}`, n) }

func typ(raw, args string) string {
	return fmt.Sprintf(`{"kind":"TYPE","value":{"rawType":%q,"arguments":[%s]}}`, raw, args)
}

func named(name, raw string) string {
	return fmt.Sprintf(`{"kind":"NAMED_TYPE","value":{"fieldName":{"name":%q},"typeSignature":{"rawType":%q,"arguments":[]}}}`, name, raw)
}

func newFake(t *testing.T) *fake {
	columns := `"columns":[` + strings.Join([]string{
		column("n", "bigint", ""), column("price", "decimal(10,2)", long(10)+","+long(2)), column("d", "double", ""), column("ok", "boolean", ""),
		column("name", "varchar", long(2147483647)), column("day", "date", ""), column("at", "timestamp(6)", long(6)), column("z", "timestamp(3) with time zone", long(3)),
		column("tags", "array(varchar)", typ("varchar", "")), column("attrs", "map(varchar, bigint)", typ("varchar", "")+","+typ("bigint", "")),
		column("who", `row("id" bigint, "name" varchar)`, named("id", "bigint")+","+named("name", "varchar")), column("raw", "varbinary", ""),
	}, ",") + `]`
	columns = strings.ReplaceAll(columns, `"rawType":"timestamp","arguments":[{"kind":"LONG","value":3}]`, `"rawType":"timestamp with time zone","arguments":[{"kind":"LONG","value":3}]`)
	return &fake{t: t, pages: []string{
		fmt.Sprintf(stats, "QUEUED", 0),
		columns + "," + fmt.Sprintf(stats, "RUNNING", 100),
		columns + `,"data":[[9223372036854775807,"1.50",1.5,true,"a","2026-01-31","2026-01-31 12:00:00.123456","2026-01-31 12:00:00.000 UTC",["x",null],{"k":1,"a":9007199254740993},[7,"Ann"],"AP8="],
			[null,null,"NaN",null,null,null,null,null,null,null,null,null]],` + fmt.Sprintf(stats, "RUNNING", 1000),
		columns + "," + fmt.Sprintf(stats, "FINISHED", 1234),
	}}
}

func (f *fake) serve(t *testing.T) {
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL
}

func ask(t *testing.T, cfg trino.Config) *trino.Client {
	t.Helper()
	c, err := trino.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The client library passes statistics on where its goroutine waits for them just then,
// and drops them otherwise: so one query of some tells the bytes of the last answer.
func TestBytesOfTheLastAnswer(t *testing.T) {
	f := newFake(t)
	f.serve(t)
	c := ask(t, trino.Config{Server: f.url, User: "ann"})
	var seen []int64
	for range 50 {
		rows, err := c.Query(t.Context(), "select * from t")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, rows.Stats().Bytes); seen[len(seen)-1] == 1234 {
			return
		}
	}
	t.Errorf("bytes %v, want 1234", seen)
}

func TestQuery(t *testing.T) {
	f := newFake(t)
	f.serve(t)
	c := ask(t, trino.Config{Server: f.url, User: "ann", Catalog: "hive", Schema: "shop"})
	rows, err := c.Query(t.Context(), "select * from t where a = '?'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out bytes.Buffer
	if err := output.Write(&out, output.NDJSON, rows); err != nil {
		t.Fatal(err)
	}
	want := `{"n":9223372036854775807,"price":1.50,"d":1.5,"ok":true,"name":"a","day":"2026-01-31","at":"2026-01-31 12:00:00.123456","z":"2026-01-31 12:00:00.000 UTC","tags":["x",null],"attrs":{"a":9007199254740993,"k":1},"who":{"id":7,"name":"Ann"},"raw":"AP8="}
{"n":null,"price":null,"d":"NaN","ok":null,"name":null,"day":null,"at":null,"z":null,"tags":null,"attrs":null,"who":null,"raw":null}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	var types []string
	for _, col := range rows.Columns() {
		types = append(types, col.Type)
	}
	if diff := cmp.Diff([]string{"bigint", "decimal(10,2)", "double", "boolean", "varchar", "date", "timestamp", "timestamp with time zone", "array(varchar)", "map(varchar,bigint)", "row(id bigint,name varchar)", "varbinary"}, types); diff != "" {
		t.Error(diff)
	}
	if s := rows.Stats(); s.Rows != 2 || s.Cost != 0 {
		t.Errorf("statistics %+v", s)
	}
	if diff := cmp.Diff([]string{"select * from t where a = '?'"}, f.posted); diff != "" {
		t.Error(diff)
	}
	for header, want := range map[string]string{"X-Trino-User": "ann", "X-Trino-Catalog": "hive", "X-Trino-Schema": "shop", "X-Trino-Source": "sluice", "X-Trino-Time-Zone": "UTC"} {
		if got := f.headers.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func TestFailedQuery(t *testing.T) {
	f := newFake(t)
	f.serve(t)
	f.pages = []string{fmt.Sprintf(stats, "QUEUED", 0), fmt.Sprintf(stats, "FAILED", 0) + `,"error":{"message":"line 1:8: Column 'x' cannot be resolved","errorCode":47,"errorName":"COLUMN_NOT_FOUND","errorType":"USER_ERROR"}`}
	_, err := ask(t, trino.Config{Server: f.url, User: "ann"}).Query(t.Context(), "select x")
	var fault *trino.Error
	if !errors.As(err, &fault) || fault.Name != "COLUMN_NOT_FOUND" || !strings.Contains(err.Error(), "Column 'x'") {
		t.Errorf("error %v", err)
	}
}

// Ctrl-C cancels the query at the server.
func TestCancel(t *testing.T) {
	f := newFake(t)
	f.serve(t)
	f.stuck = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-f.stuck; cancel() }()
	rows, err := ask(t, trino.Config{Server: f.url, User: "ann"}).Query(ctx, "select 1")
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
		rows.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deleted == 0 {
		t.Error("the query goes on at the server")
	}
}

// A password goes over https alone, and is in no error.
func TestPassword(t *testing.T) {
	const password = "hunter2-secret"
	if _, err := trino.New(trino.Config{Server: "http://127.0.0.1:1", User: "ann", Password: password}); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("over http: %v", err)
	}
	f := newFake(t)
	s := httptest.NewTLSServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	rows, err := ask(t, trino.Config{Server: s.URL, User: "ann", Password: password, CAFile: ca}).Query(t.Context(), "select 1")
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if user, pass, _ := (&http.Request{Header: f.headers}).BasicAuth(); user != "ann" || pass != password {
		t.Errorf("user %q, %d bytes of password", user, len(pass))
	}
	_, err = ask(t, trino.Config{Server: s.URL, User: "ann", Password: password, Retry: time.Millisecond}).Query(t.Context(), "select 1")
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("without the authority: %v", err)
	}
	_, err = ask(t, trino.Config{Server: "https://127.0.0.1:1", User: "ann", Password: password, Retry: time.Millisecond}).Query(t.Context(), "select 1")
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestParquet(t *testing.T) {
	f := newFake(t)
	f.serve(t)
	rows, err := ask(t, trino.Config{Server: f.url, User: "ann"}).Query(t.Context(), "select 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out bytes.Buffer
	if err := output.Write(&out, output.Parquet, rows); err != nil || !bytes.HasSuffix(out.Bytes(), []byte("PAR1")) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}
