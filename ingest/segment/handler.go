package segment

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
)

// receiver names this package in metrics.
const receiver = "segment"

// The codes of this API's errors beside those of package ingest.
const (
	codeMalformed = "malformed_json"
	codeNoKey     = "no_write_key"
	codeBadKey    = "unknown_write_key"
	codeBadSource = "bad_source_name"
)

// Config is what a Handler works with. All but Origins and Log must be set.
type Config struct {
	Appender ingest.Appender
	Policy   ingest.Policy
	Memory   *ingest.Memory
	Metrics  *ingest.Metrics

	// Access says which source a write key belongs to; nil lets everybody write. Then
	// the source is that of the path, or Source.
	Access *access.Guard
	Source string

	Stream string // the stream's name, or what the streams' names begin with
	Tables Tables

	MaxEvent  int64 // bytes of a call
	MaxBatch  int64 // bytes of a batch, at most MaxBatchLimit
	MaxEvents int   // calls in a batch

	Origins string // value of Access-Control-Allow-Origin; empty: browsers may not post from other sites
	Log     *slog.Logger
}

// MaxBatchLimit is what MaxEvent and MaxBatch may be at most, in bytes: a record's limit.
const MaxBatchLimit = ingest.MaxRecord

// A Handler serves the tracking API.
type Handler struct {
	Config
	posts sync.Pool // of *post
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	var faults []error
	for _, f := range []struct {
		wrong bool
		text  string
	}{
		{cfg.Appender == nil, "Appender is not set"}, {cfg.Policy == nil, "Policy is not set"},
		{cfg.Memory == nil, "Memory is not set"}, {cfg.Metrics == nil, "Metrics is not set"},
		{!ValidSource(cfg.Source), "Source is not the name of one"},
		{!ingest.ValidStream(cfg.Stream) || len(cfg.Stream) > maxPrefix, "Stream is not the name of one, or too long"},
		{cfg.Tables != OneTable && cfg.Tables != PerSource && cfg.Tables != PerEvent, "Tables is unknown"},
		{cfg.MaxEvent < 1 || cfg.MaxEvent > MaxBatchLimit, "MaxEvent is out of range"},
		{cfg.MaxBatch < 1 || cfg.MaxBatch > MaxBatchLimit, "MaxBatch is out of range"},
		{cfg.MaxEvents < 1, "MaxEvents is out of range"},
	} {
		if f.wrong {
			faults = append(faults, errors.New("segment: Config."+f.text))
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Access == nil {
		cfg.Access = access.Open()
	}
	return &Handler{Config: cfg}, errors.Join(faults...)
}

// maxPrefix leaves room in a stream's name for a source, and 8 characters and more
// of an event with its checksum.
const maxPrefix = maxStream - maxSource - 12

// letters are the short forms that browsers post to.
var letters = [kinds]string{"i", "t", "p", "s", "g", "a"}

// Register adds the handler's paths to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, root := range []string{"/v1/", "/sources/{source}/v1/"} {
		for k := range kinds {
			serve := h.counted(func(w http.ResponseWriter, r *http.Request) int { return h.post(w, r, form{kind: k}) })
			mux.HandleFunc(root+kindNames[k], serve)
			mux.HandleFunc(root+letters[k], serve)
			mux.HandleFunc(root+"pixel/"+kindNames[k], h.counted(func(w http.ResponseWriter, r *http.Request) int { return h.pixel(w, r, k) }))
		}
		serve := h.counted(func(w http.ResponseWriter, r *http.Request) int { return h.post(w, r, form{batch: true}) })
		for _, name := range []string{"batch", "b", "import"} {
			mux.HandleFunc(root+name, serve)
		}
	}
}

// counted counts a request by the status it was answered with, and lets browsers
// see the answer.
func (h *Handler) counted(serve func(http.ResponseWriter, *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		if h.Origins != "" {
			w.Header()["Access-Control-Allow-Origin"] = []string{h.Origins}
		}
		status := http.StatusNoContent
		if r.Method == http.MethodOptions {
			h.preflight(w)
		} else {
			status = serve(w, r)
		}
		h.Metrics.Request(receiver, status, time.Since(begun))
	}
}

// preflight tells a browser what it may send.
func (h *Handler) preflight(w http.ResponseWriter) {
	head := w.Header()
	head.Set("Allow", "POST, GET, OPTIONS")
	if h.Origins != "" {
		head.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
		head.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, X-Retry-Count")
		head.Set("Access-Control-Max-Age", "86400")
	}
	w.WriteHeader(http.StatusNoContent)
}

// fail answers with a problem, in the form that Segment's SDKs read.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, p *ingest.Problem, rejected *rejections) int {
	level := slog.LevelDebug
	if p.Status >= 500 && p.RetryAfter == 0 {
		level = slog.LevelError // not back-pressure
	}
	h.Log.LogAttrs(r.Context(), level, "request not served", slog.String("path", r.URL.Path),
		slog.Int("status", p.Status), slog.String("code", p.Code), slog.Any("error", p))
	if p.RetryAfter > 0 && h.Origins != "" {
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	}
	p.WriteHead(w)
	body := []byte(`{"success":false,"code":`)
	body = ingest.AppendString(body, p.Code)
	body = append(body, `,"message":`...)
	body = ingest.AppendString(body, p.Message)
	body = rejected.appendMember(body)
	w.Write(append(body, "}\n"...))
	return p.Status
}
