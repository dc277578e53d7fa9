package prestotest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// An Answer is what an engine says to a statement: rows with the types of their
// columns, or an error.
type Answer struct {
	SQL   string              `json:"sql"`
	Types []string            `json:"types,omitempty"`
	Rows  [][]json.RawMessage `json:"rows,omitempty"`
	Error string              `json:"error,omitempty"`
}

func (a Answer) String() string {
	if a.Error != "" {
		return a.Error
	}
	b, _ := json.Marshal(a.Rows)
	return fmt.Sprintf("%.300s %v", b, a.Types)
}

// A Server is a running coordinator.
type Server struct {
	URL             string // http://127.0.0.1:8080
	Trino           bool   // it is Trino: the headers have other names
	Catalog, Schema string
}

// Ask speaks the protocol of /v1/statement, with UTC as the session's zone. The
// engine's own error is in the answer.
func (s Server) Ask(ctx context.Context, sql string) (Answer, error) {
	a := Answer{SQL: sql}
	method, body := http.MethodPost, sql
	for url := s.URL + "/v1/statement"; url != ""; method, body = http.MethodGet, "" {
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return a, err
		}
		for name, value := range s.headers() {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return a, err
		}
		var page struct {
			NextURI string                               `json:"nextUri"`
			Columns []struct{ Type string }              `json:"columns"`
			Data    [][]json.RawMessage                  `json:"data"`
			Error   *struct{ ErrorName, Message string } `json:"error"`
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			return a, fmt.Errorf("%s: %w", res.Status, err)
		}
		if page.Error != nil {
			a.Types, a.Rows = nil, nil
			a.Error = page.Error.ErrorName + ": " + page.Error.Message
			return a, nil
		}
		if a.Types == nil {
			for _, c := range page.Columns {
				a.Types = append(a.Types, c.Type)
			}
		}
		a.Rows = append(a.Rows, page.Data...)
		url = page.NextURI
	}
	return a, nil
}

func (s Server) headers() map[string]string {
	prefix := "X-Presto-"
	if s.Trino {
		prefix = "X-Trino-"
	}
	h := map[string]string{prefix + "User": "test", prefix + "Time-Zone": "UTC", prefix + "Catalog": s.Catalog, prefix + "Schema": s.Schema}
	if s.Trino {
		h[prefix+"Client-Capabilities"] = "PARAMETRIC_DATETIME" // else timestamps lose what is past the millisecond
	} else {
		h[prefix+"Session"] = "legacy_timestamp=false"
	}
	return h
}
