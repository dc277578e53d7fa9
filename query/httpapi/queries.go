package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"sluice/query"
)

// A RunningQuery is one of GET /v1/queries.
type RunningQuery struct {
	ID    string    `json:"id"`
	Who   string    `json:"who"`
	State string    `json:"state"` // waiting, running, or ending: see query.RunningQuery
	Since time.Time `json:"since"`
	// ElapsedMillis is the time since then.
	ElapsedMillis int64  `json:"elapsed_ms"`
	SQL           string `json:"sql"` // shortened
}

// NewQueries makes the handler of GET /v1/queries and DELETE /v1/queries/{id}.
func NewQueries(cfg Config) http.Handler {
	h := newHandler(cfg)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/queries", h.list)
	mux.HandleFunc("DELETE /v1/queries/{id}", h.cancel)
	return mux
}

// list answers the queries that the caller may see.
func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	who, ok := h.caller(w, r)
	if !ok {
		return
	}
	queries := []RunningQuery{}
	for _, q := range h.cfg.Querier.Running() {
		if !who.Admin && q.Who != who.Name {
			continue
		}
		l := RunningQuery{ID: q.ID, Who: q.Who, State: "running", Since: q.Since.UTC(), ElapsedMillis: time.Since(q.Since).Milliseconds(), SQL: q.SQL}
		switch {
		case q.Ending:
			l.State = "ending"
		case q.Waiting:
			l.State = "waiting"
		}
		queries = append(queries, l)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"queries": queries})
}

// cancel ends a query of the caller's; of others' it knows nothing.
func (h *handler) cancel(w http.ResponseWriter, r *http.Request) {
	who, ok := h.caller(w, r)
	if !ok {
		return
	}
	id := strings.ToLower(r.PathValue("id"))
	for _, q := range h.cfg.Querier.Running() {
		if q.ID == id && (who.Admin || q.Who == who.Name) && h.cfg.Querier.Cancel(id, who.Name) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	writeError(w, http.StatusNotFound, codeNoQuery, "no query with this id waits or runs; GET /v1/queries lists those that do")
}

const codeNoQuery query.Code = "query_not_found"
