package httpapi_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"sluice/query"
	"sluice/query/httpapi"
)

// listed has these queries.
type listed struct {
	failing
	queries []query.RunningQuery
}

func (l listed) Running() []query.RunningQuery { return l.queries }

// The list says of each query what it is at.
func TestStates(t *testing.T) {
	of := listed{queries: []query.RunningQuery{{ID: "a", Waiting: true}, {ID: "b"}, {ID: "c", Ending: true}, {ID: "d", Waiting: true, Ending: true}}}
	w := httptest.NewRecorder()
	httpapi.NewQueries(httpapi.Config{Querier: of}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/queries", nil))
	var got struct{ Queries []httpapi.RunningQuery }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	states := ""
	for _, q := range got.Queries {
		states += q.ID + " " + q.State + ", "
	}
	if states != "a waiting, b running, c ending, d ending, " {
		t.Error(states)
	}
}
