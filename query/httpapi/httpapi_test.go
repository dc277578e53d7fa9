package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query"
	"sluice/query/httpapi"
)

// nothing is a catalog and a store without a table.
type nothing struct{}

func (nothing) Databases(context.Context) ([]string, error) { return nil, nil }
func (nothing) Tables(context.Context, string) ([]lake.Table, error) {
	return nil, catalogsync.ErrNotFound
}
func (nothing) Table(context.Context, lake.TableName) (lake.Table, error) {
	return lake.Table{}, catalogsync.ErrNotFound
}
func (nothing) List(context.Context, string) iter.Seq2[store.Object, error] {
	return func(func(store.Object, error) bool) {}
}
func (nothing) Key(string) (string, bool)       { return "", false }
func (nothing) LocalPath(string) (string, bool) { return "", false }
func (nothing) Partitions(context.Context, lake.TableName, string) ([]lake.Partition, error) {
	return nil, nil
}
func (nothing) GetVersion(context.Context, store.Object, int64, int64) (io.ReadCloser, error) {
	return nil, errors.New("no such object")
}

func serve(t *testing.T, adjust ...func(*query.Config)) (*httptest.Server, *query.Engine) {
	t.Helper()
	cfg := query.Config{Catalog: nothing{}, Store: nothing{}, Dir: t.TempDir(), Cache: 1 << 28, Memory: 1 << 28, Threads: 1, Concurrent: 1, Queue: 1, Timeout: time.Minute}
	for _, a := range adjust {
		a(&cfg)
	}
	e, err := query.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(httpapi.New(httpapi.Config{Querier: e, MaxBody: 10_000}))
	s.Config.ErrorLog = nil
	t.Cleanup(func() { s.Close(); e.Close() })
	return s, e
}

func post(t *testing.T, s *httptest.Server, body string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/query", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

var elapsed = regexp.MustCompile(`"elapsed_ms":[0-9.]+`)

const values = `SELECT * FROM (VALUES (9007199254740993, 'a\"b', 1.50::decimal(9,2), [1,NULL], timestamp '2026-01-31 12:00:00', 'NaN'::double), (NULL, NULL, NULL, NULL, NULL, NULL)) t(i, s, d, l, ts, f)`

func TestAnswers(t *testing.T) {
	s, _ := serve(t)
	text, err := json.Marshal(query.Stats{Rows: 2})
	if err != nil {
		t.Fatal(err)
	}
	stats := string(text)
	const ndjson = `{"i":9007199254740993,"s":"a\"b","d":1.50,"l":[1,null],"ts":"2026-01-31 12:00:00.000","f":"NaN"}
{"i":null,"s":null,"d":null,"l":null,"ts":null,"f":null}
`
	const csv = "i,s,d,l,ts,f\r\n9007199254740993,\"a\"\"b\",1.50,\"[1,null]\",2026-01-31 12:00:00.000,NaN\r\n,,,,,\r\n"
	doc := `{"columns":[{"name":"i","type":"bigint"},{"name":"s","type":"varchar"},{"name":"d","type":"decimal(9,2)"},{"name":"l","type":"array(integer)"},{"name":"ts","type":"timestamp"},{"name":"f","type":"double"}],"rows":[
[9007199254740993,"a\"b",1.50,[1,null],"2026-01-31 12:00:00.000","NaN"],
[null,null,null,null,null,null]
],"stats":` + stats + `}
`
	for _, tt := range []struct{ format, accept, media, want string }{
		{"", "", "application/json", doc}, {"json", "text/csv", "application/json", doc}, {"", "*/*", "application/json", doc},
		{"ndjson", "", "application/x-ndjson", ndjson}, {"", "application/x-ndjson", "application/x-ndjson", ndjson},
		{"CSV", "", "text/csv; charset=utf-8; header=present", csv}, {"", "text/html, text/csv;q=0.5", "text/csv; charset=utf-8; header=present", csv},
	} {
		resp, body, err := post(t, s, fmt.Sprintf(`{"sql":"%s","format":%q,"dialect":"duckdb"}`, values, tt.format), "Accept", tt.accept)
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != tt.media {
			t.Errorf("%+v: %v %s %v", tt, resp.Status, resp.Header.Get("Content-Type"), err)
		}
		if diff := cmp.Diff(tt.want, elapsed.ReplaceAllString(body, `"elapsed_ms":0`)); diff != "" {
			t.Errorf("%s%s (-want +got):\n%s", tt.format, tt.accept, diff)
		}
		if tt.want != doc {
			if got := elapsed.ReplaceAllString(resp.Trailer.Get("Sluice-Stats"), `"elapsed_ms":0`); got != stats {
				t.Errorf("trailer %q", got)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	s, _ := serve(t)
	for _, tt := range []struct {
		body   string
		status int
		code   string
		part   string
	}{
		{`{"sql":"SELEC 1"}`, 400, "syntax_error", "line 1: SELEC 1"},
		{`{"sql":"SELECT 'x'::int","dialect":"duckdb"}`, 400, "invalid_query", "Could not convert"},
		{`{"sql":"SELECT CAST('x' AS int)"}`, 400, "invalid_query", "Cannot cast 'x' to integer"},
		{`{"sql":"SELECT 1","dialect":"sql92"}`, 400, "invalid_query", "presto and duckdb"},
		{`{"sql":"SELECT ?","parameters":["1; DROP"]}`, 400, "invalid_query", "no constant"},
		{`{"sql":"SELECT a"}`, 400, "invalid_query", `"a" was not found`},
		{`{"sql":"SELECT getenv('HOME')"}`, 403, "forbidden", "getenv"},
		{`{"sql":"SELECT * FROM '/etc/passwd'"}`, 404, "table_not_found", "there is no table default./etc/passwd"},
		{`{"sql":"DROP TABLE x"}`, 403, "forbidden", "statements only read"},
		{`{"sql":"SELECT 1","format":"xml"}`, 400, "bad_request", "xml"},
		{`{"sql":"SELECT 1","format":"table"}`, 400, "bad_request", "table"},
		{`{"sql":" "}`, 400, "bad_request", "missing"},
		{`{"query":"SELECT 1"}`, 400, "bad_request", "query"},
		{`{"sql":"SELECT 1"} {}`, 400, "bad_request", "follows"},
		{`SELECT 1`, 400, "bad_request", "must be an object"},
		{``, 400, "bad_request", "must be an object"},
		{`{"sql":"SELECT '` + strings.Repeat("x", 20_000) + `'"}`, 413, "body_too_large", "10000"},
	} {
		resp, body, _ := post(t, s, tt.body)
		var doc struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(body), &doc); err != nil || resp.StatusCode != tt.status || doc.Error.Code != tt.code || !strings.Contains(doc.Error.Message, tt.part) {
			t.Errorf("%.60s: %s %s", tt.body, resp.Status, body)
		}
	}
	if resp, _, _ := post(t, s, `{"sql":"SELECT 1"}`, "Accept", "text/html"); resp.StatusCode != 406 {
		t.Error(resp.Status)
	}
	resp, err := s.Client().Get(s.URL)
	if err != nil || resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Error(resp.Status, err)
	}
	resp.Body.Close()
}

const failsLate = "SELECT CASE WHEN i < 500000 THEN i ELSE CAST('x' || i AS bigint) END FROM range(1000000) t(i)"

// An error after rows were sent cannot be taken for an answer.
func TestErrorAfterRows(t *testing.T) {
	s, _ := serve(t)
	for _, format := range []string{"json", "ndjson", "csv"} {
		resp, body, err := post(t, s, fmt.Sprintf(`{"sql":%q,"format":%q,"dialect":"duckdb"}`, failsLate, format))
		if resp.StatusCode != 200 || len(body) < 1000 {
			t.Fatalf("%s: %s, %d bytes: the test does not test", format, resp.Status, len(body))
		}
		if err == nil {
			t.Errorf("%s: the body ended as if whole", format)
		}
		if resp.Trailer.Get("Sluice-Stats") != "" {
			t.Errorf("%s: a trailer", format)
		}
		if json.Valid([]byte(body)) {
			t.Errorf("%s: valid JSON", format)
		}
	}
	// An error before the first piece was sent has its status.
	if resp, _, _ := post(t, s, `{"sql":"SELECT CASE WHEN i < 5 THEN i ELSE CAST('x' || i AS bigint) END FROM range(10) t(i)","dialect":"duckdb"}`); resp.StatusCode != 400 {
		t.Error(resp.Status)
	}
}

func TestClient(t *testing.T) {
	s, e := serve(t)
	c := &httpapi.Client{Server: s.URL + "/"}
	for _, sql := range []string{"SELECT 1 AS a WHERE false", "SHOW TABLES", strings.ReplaceAll(values, `\"`, `"`),
		"SELECT {'a': 'x' || chr(10), 'b': [1.5]} AS r, map{'k': NULL} AS m, 'ü' AS u, 1e300 AS f, 18446744073709551615::ubigint AS big FROM range(3)"} {
		remote, err := c.Query(t.Context(), query.Request{SQL: sql, Dialect: query.DuckDB})
		if err != nil {
			t.Fatal(err)
		}
		local, err := e.Query(t.Context(), query.Request{SQL: sql, Dialect: query.DuckDB})
		for err != nil { // the remote one may still hold the only place
			local, err = e.Query(t.Context(), query.Request{SQL: sql, Dialect: query.DuckDB})
		}
		if diff := cmp.Diff(local.Columns(), remote.Columns()); diff != "" {
			t.Error(diff)
		}
		for local.Next() {
			if !remote.Next() {
				t.Fatal(remote.Err())
			}
			if diff := cmp.Diff(local.Values(), remote.Values()); diff != "" {
				t.Error(diff)
			}
		}
		if remote.Next() || remote.Err() != nil || remote.Stats().Rows != local.Stats().Rows || remote.Stats().Elapsed == 0 {
			t.Errorf("end: %v %+v", remote.Err(), remote.Stats())
		}
		remote.Close()
		local.Close()
	}
	var fault *query.Error
	if _, err := c.Query(t.Context(), query.Request{SQL: "SELECT * FROM nope"}); !errors.As(err, &fault) || fault.Code != query.CodeNotFound {
		t.Error(err)
	}
	rows, err := c.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: failsLate})
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if !errors.As(rows.Err(), &fault) || fault.Code != query.CodeInvalid {
		t.Error(rows.Err())
	}
	rows.Close()
}

// A client that goes away ends its query.
func TestClientGone(t *testing.T) {
	s, e := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := (&httpapi.Client{Server: s.URL}).Query(ctx, query.Request{Dialect: query.DuckDB, SQL: "SELECT i FROM range(100000000000) t(i)"})
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	cancel()
	rows.Close()
	// The only place is free again as soon as the query has ended.
	r, err := e.Query(t.Context(), query.Request{SQL: "SELECT 1"})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestQueueAndTimeout(t *testing.T) {
	s, e := serve(t, func(c *query.Config) { c.Timeout = 300 * time.Millisecond; c.Queue = 1 })
	resp, body, _ := post(t, s, `{"sql":"SELECT count(*) FROM range(100000000000) a(i), range(1000) b(j) WHERE hash(i + j) = 7","dialect":"duckdb"}`)
	if resp.StatusCode != 504 || !strings.Contains(body, `"timeout"`) {
		t.Errorf("%s %s", resp.Status, body)
	}
	held, err := e.Query(t.Context(), query.Request{SQL: "SELECT 1"})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan int, 3)
	for range 3 {
		go func() {
			resp, _, _ := post(t, s, `{"sql":"SELECT 1"}`)
			answers <- resp.StatusCode
		}()
	}
	counts := map[int]int{}
	for range 3 {
		counts[<-answers]++
	}
	if counts[429] != 2 || counts[504] != 1 {
		t.Errorf("statuses %v", counts)
	}
	held.Close()
}
