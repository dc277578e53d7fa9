package firehose

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"sluice/ingest"
)

// TargetPrefix begins the X-Amz-Target of every operation.
const TargetPrefix = "Firehose_20150804."

// receiver names this package in metrics.
const receiver = "firehose"

// Config is what a Handler works with. All but Log must be set.
type Config struct {
	Appender ingest.Appender
	Policy   ingest.Policy
	Memory   *ingest.Memory
	Metrics  *ingest.Metrics
	MaxBody  int64 // bytes of a body, after decompression
	Log      *slog.Logger
}

// A Handler serves the Firehose API.
type Handler struct {
	Config
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	var faults []error
	for _, f := range []struct {
		missing bool
		name    string
	}{
		{cfg.Appender == nil, "Appender"}, {cfg.Policy == nil, "Policy"}, {cfg.Memory == nil, "Memory"},
		{cfg.Metrics == nil, "Metrics"}, {cfg.MaxBody < 1, "MaxBody"},
	} {
		if f.missing {
			faults = append(faults, errors.New("firehose: Config."+f.name+" is not set"))
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: cfg}, errors.Join(faults...)
}

// Serves reports whether a request is one of this API.
func Serves(r *http.Request) bool {
	return r.URL.Path == "/" && strings.HasPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
}

// ServeHTTP serves the operation that the request's X-Amz-Target names.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	var id [16]byte
	rand.Read(id[:]) // never fails
	w.Header().Set("X-Amzn-Requestid", hex.EncodeToString(id[:]))
	status := http.StatusOK
	if err := h.serve(w, r); err != nil {
		f := faultOf(err)
		h.log(r, f)
		f.write(w)
		status = f.status
	}
	h.Metrics.Request(receiver, status, time.Since(begun))
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &fault{status: http.StatusMethodNotAllowed, kind: typeInvalid, message: "the Firehose API takes POST, not " + r.Method}
	}
	switch op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix); op {
	case "PutRecord":
		return h.put(w, r, false)
	case "PutRecordBatch":
		return h.put(w, r, true)
	default:
		return faultf(typeUnknown, "there is no operation %.80q", op)
	}
}

// A query is a request being read.
type query struct {
	body   *ingest.Body
	window *window
}

// open begins to read a request's body, of at most limit bytes. End it.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, limit int64) (*query, error) {
	body, p := ingest.OpenBody(w, r, h.Memory, limit)
	if p != nil {
		return nil, p
	}
	window, err := openWindow(r.Context(), h.Memory, body)
	if err != nil {
		body.Close()
		return nil, err
	}
	return &query{body, window}, nil
}

// end frees what the query holds, and returns who sent it; err is what came of
// reading it.
func (q *query) end(err error) error {
	q.window.free()
	q.body.Close()
	return err
}

// log tells the operator what is the server's fault; back-pressure is none.
func (h *Handler) log(r *http.Request, f *fault) {
	level := slog.LevelDebug
	if f.status >= 500 && f.retryAfter == 0 {
		level = slog.LevelError
	}
	h.Log.LogAttrs(r.Context(), level, "request not served", slog.String("target", r.Header.Get("X-Amz-Target")),
		slog.Int("status", f.status), slog.String("type", f.kind), slog.Any("error", f))
}
