package records

import (
	"fmt"
	"net/http"
	"time"

	"sluice/ingest"
)

// What a failed flush is answered with.
const (
	codeFlushFailed = "flush_failed"
	flushRetry      = 5 * time.Second
)

// flush seals and delivers: POST /v1/streams/{stream}/flush.
func (h *Handler) flush(w http.ResponseWriter, r *http.Request) int {
	if !ingest.CheckMethod(w, r, http.MethodPost) {
		return http.StatusMethodNotAllowed
	}
	stream := r.PathValue("stream")
	if _, p := h.enter(r, stream, "flush"); p != nil {
		return h.fail(w, r, p)
	}
	if p := ingest.CheckStream(stream, h.Policy); p != nil {
		return h.fail(w, r, p)
	}
	result, err := h.Flusher.Flush(r.Context(), stream)
	switch {
	case r.Context().Err() != nil:
		return h.fail(w, r, ingest.AppendProblem(r.Context().Err()))
	case err != nil:
		// The records are safe in the log and delivery goes on trying, so the
		// caller may as well.
		return h.fail(w, r, &ingest.Problem{Status: http.StatusServiceUnavailable, Code: codeFlushFailed, Err: err, RetryAfter: flushRetry,
			Message: fmt.Sprintf("stream %s is not delivered yet, its records stay buffered: %v", stream, err)})
	}
	ingest.WriteJSON(w, result)
	return http.StatusOK
}

// listStreams tells the state of all streams: GET /v1/streams.
func (h *Handler) listStreams(w http.ResponseWriter, r *http.Request) int {
	if !ingest.CheckMethod(w, r, http.MethodGet) {
		return http.StatusMethodNotAllowed
	}
	who, p := h.Access.Authenticate(r)
	if p != nil {
		return h.fail(w, r, p)
	}
	list := []StreamState{}
	for _, state := range h.Streams.Streams() {
		if who.MayWrite(state.Name) {
			list = append(list, state)
		}
	}
	ingest.WriteJSON(w, struct {
		Streams []StreamState `json:"streams"`
	}{list})
	return http.StatusOK
}

// showStream tells the state of one: GET /v1/streams/{stream}.
func (h *Handler) showStream(w http.ResponseWriter, r *http.Request) int {
	if !ingest.CheckMethod(w, r, http.MethodGet) {
		return http.StatusMethodNotAllowed
	}
	name := r.PathValue("stream")
	if _, p := h.enter(r, name, "watch"); p != nil {
		return h.fail(w, r, p)
	}
	state, ok := h.Streams.Stream(name)
	if !ok {
		return h.fail(w, r, &ingest.Problem{Status: http.StatusNotFound, Code: ingest.CodeUnknownStream,
			Message: fmt.Sprintf("there is no stream %.80q; GET /v1/streams lists those there are", name)})
	}
	ingest.WriteJSON(w, state)
	return http.StatusOK
}
