package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/query"
	"sluice/query/httpapi"
)

const endless = "SELECT i FROM range(100000000000) t(i)"

// Who is not admin sees and cancels their own queries alone.
func TestQueries(t *testing.T) {
	_, e := serve(t, func(c *query.Config) { c.Concurrent = 2 })
	who := httpapi.Caller{}
	s := httptest.NewServer(httpapi.NewQueries(httpapi.Config{Querier: e, Authorize: func(http.ResponseWriter, *http.Request) (httpapi.Caller, bool) { return who, true }}))
	defer s.Close()
	call := func(method, path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	ann, err := e.Query(t.Context(), query.Request{SQL: endless, Dialect: query.DuckDB, Who: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	defer ann.Close()
	list := func(name string, admin bool) (ids []string) {
		who = httpapi.Caller{Name: name, Admin: admin}
		status, text := call("GET", "/v1/queries")
		var doc struct {
			Queries []struct {
				ID, Who, State, SQL string
				Since               time.Time
			}
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil || status != 200 || doc.Queries == nil {
			t.Fatal(status, text, err)
		}
		for _, q := range doc.Queries {
			if q.Who != "ann" || q.State != "running" || q.SQL != endless || q.Since.IsZero() {
				t.Errorf("%+v", q)
			}
			ids = append(ids, q.ID)
		}
		return ids
	}
	if ids := list("bob", false); len(ids) != 0 {
		t.Errorf("bob sees %v", ids)
	}
	if ids := list("ann", false); len(ids) != 1 || ids[0] != ann.ID() {
		t.Errorf("ann sees %v", ids)
	}
	if ids := list("root", true); len(ids) != 1 {
		t.Errorf("root sees %v", ids)
	}
	who = httpapi.Caller{Name: "bob"}
	if status, text := call("DELETE", "/v1/queries/"+ann.ID()); status != 404 {
		t.Error(status, text)
	}
	who = httpapi.Caller{Name: "root", Admin: true}
	if status, text := call("DELETE", "/v1/queries/"+ann.ID()); status != 204 {
		t.Error(status, text)
	}
	for ann.Next() {
	}
	if err := ann.Err(); err == nil || err.Error() != "the query was canceled by root" {
		t.Error(err)
	}
	ann.Close()
	if status, text := call("DELETE", "/v1/queries/"+ann.ID()); status != 404 {
		t.Error(status, text)
	}
	for n, err := range []error{(&httpapi.Client{Server: s.URL}).Cancel(t.Context(), "a/b"), (&httpapi.Client{Server: s.URL}).Cancel(t.Context(), "none")} {
		var fault *query.Error
		if !errors.As(err, &fault) && n == 1 || err == nil {
			t.Error(err)
		}
	}
	if queries, err := (&httpapi.Client{Server: s.URL}).Queries(t.Context()); err != nil || len(queries) != 0 {
		t.Error(queries, err)
	}
	if status, _ := call("POST", "/v1/queries"); status != 405 {
		t.Error(status)
	}
}

// A request's limits come from JSON, ours from the client's too.
func TestLimitsOfRequest(t *testing.T) {
	s, _ := serve(t)
	for _, tt := range []struct {
		limits string
		status int
		part   string
	}{
		{`{"max_rows": 10}`, 200, ""},
		{`{"max_rows": 9}`, 422, "limits.max_rows"},
		{`{"max_result": "1KiB", "max_scanned": 5, "timeout": "30s", "memory": "64MiB"}`, 200, ""},
		{`{"max_result": "9B"}`, 422, "limits.max_result"},
		{`{"max_result": "nine"}`, 400, "not a size"},
		{`{"timeout": 5}`, 400, "30s"},
		{`{"timeout": "-5s"}`, 400, "negative"},
		{`{"rows": 5}`, 400, "rows"},
	} {
		resp, body, _ := post(t, s, fmt.Sprintf(`{"sql":"SELECT * FROM range(10)","dialect":"duckdb","limits":%s}`, tt.limits))
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.part) {
			t.Errorf("%s: %s %s", tt.limits, resp.Status, body)
		}
		if (resp.Header.Get("Sluice-Query-Id") != "") != (tt.status != 400) {
			t.Errorf("%s: id %q", tt.limits, resp.Header.Get("Sluice-Query-Id"))
		}
	}
	c := &httpapi.Client{Server: s.URL}
	_, err := c.Query(t.Context(), query.Request{SQL: "SELECT 'abc'", Limits: query.Limits{Timeout: time.Minute, Memory: 1 << 26, Scanned: 1, Rows: 1, Result: 2}})
	if err == nil || !strings.Contains(err.Error(), "2 bytes, which is limits.max_result") {
		t.Error(err)
	}
}
