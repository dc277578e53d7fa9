package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/query"
	"sluice/query/httpapi"
)

// failing fails every query.
type failing struct{ err error }

func (f failing) Query(context.Context, query.Request) (*query.Rows, error) { return nil, f.err }
func (f failing) Running() []query.RunningQuery                             { return nil }
func (f failing) Cancel(id, by string) bool                                 { return false }

// What an operator or time has to mend has a status of its own, with the reason.
func TestStatusOfOutages(t *testing.T) {
	for code, want := range map[query.Code]struct {
		status int
		retry  string
	}{query.CodeDiskFull: {507, ""}, query.CodeLake: {503, "5"}, query.CodeInternal: {500, ""}} {
		s := httptest.NewServer(httpapi.New(httpapi.Config{Querier: failing{&query.Error{Code: code, Message: "the reason"}}}))
		resp, err := http.Post(s.URL, "application/json", strings.NewReader(`{"sql":"select 1"}`))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		s.Close()
		if resp.StatusCode != want.status || resp.Header.Get("Retry-After") != want.retry || !strings.Contains(string(text), string(code)) || !strings.Contains(string(text), "the reason") {
			t.Errorf("%s: %d, Retry-After %q, %s", code, resp.StatusCode, resp.Header.Get("Retry-After"), text)
		}
	}
}
