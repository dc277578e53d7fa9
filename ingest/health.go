package ingest

import (
	"net/http"
)

// Readiness says whether the process can take records.
type Readiness interface {
	// Ready is nil, or why not: recovering, shutting down, a disk that is full.
	Ready() error
}

// RegisterHealth serves /healthz (the process lives) and /readyz (it takes
// records; 503 with the reason when it does not).
func RegisterHealth(mux *http.ServeMux, ready Readiness) {
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if CheckMethod(w, r, http.MethodGet) {
			WriteBody(w, []byte(`{"status":"ok"}`+"\n"))
		}
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if !CheckMethod(w, r, http.MethodGet) {
			return
		}
		err := ready.Ready()
		if err == nil {
			WriteBody(w, []byte(`{"status":"ready"}`+"\n"))
			return
		}
		w.Header()["Content-Type"] = jsonType
		w.WriteHeader(http.StatusServiceUnavailable)
		body := AppendString([]byte(`{"status":"not ready","reason":`), err.Error())
		w.Write(append(body, "}\n"...))
	})
}
