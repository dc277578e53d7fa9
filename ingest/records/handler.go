package records

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
)

// receiver names this package in metrics.
const receiver = "records"

// A Flusher seals and delivers what a stream has buffered.
type Flusher interface {
	// Flush returns when all records of the stream that were accepted before it
	// was called are in the lake and registered.
	Flush(ctx context.Context, stream string) (FlushResult, error)
}

// A FlushResult is what a flush delivered; all zero when there was nothing.
type FlushResult struct {
	Batches int    `json:"batches"`
	Records int64  `json:"records"`
	Files   int    `json:"files"`
	Table   string `json:"table,omitempty"` // database.table
}

// A StreamLister knows the state of the streams.
type StreamLister interface {
	Streams() []StreamState // by name
	Stream(name string) (StreamState, bool)
}

// A StreamState is what there is to know of a stream. Accepted = Delivered +
// Failed + Filtered + Deduplicated + BufferedRecords, since the stream began.
type StreamState struct {
	Name            string `json:"name"`
	Table           string `json:"table"` // database.table
	BufferedRecords int64  `json:"buffered_records"`
	BufferedBytes   int64  `json:"buffered_bytes"`
	// Held are those of the buffered records that wait for others of their partition, and
	// the bytes of their files.
	HeldRecords   int64      `json:"held_records"`
	HeldBytes     int64      `json:"held_bytes"`
	OldestArrival *time.Time `json:"oldest_arrival"` // of a buffered record; null if there is none
	OpenBatches   int        `json:"open_batches"`
	SealedBatches int        `json:"sealed_batches"` // not yet delivered
	Accepted      int64      `json:"accepted"`       // records
	Delivered     int64      `json:"delivered"`      // to the table
	Failed        int64      `json:"failed"`         // to the error prefix
	Filtered      int64      `json:"filtered"`       // left out by the stream's transform
	Deduplicated  int64      `json:"deduplicated"`   // dropped because they were there already
	LastDelivery  *time.Time `json:"last_delivery"`
	LastError     string     `json:"last_error,omitempty"` // of delivery; empty after one that succeeded
}

// Access says who calls and what they may do; see package access.
type Access interface {
	Authenticate(r *http.Request) (*access.Principal, *ingest.Problem)
	Forbidden(p *access.Principal, what string) *ingest.Problem
	Limit(p *access.Principal, records int, bytes int64) (retryAfter time.Duration, ok bool)
	Charge(p *access.Principal, records, bytes int64)
}

// Config is what a Handler works with. All but Access and Log must be set.
type Config struct {
	Access   Access // nil: everybody may do everything
	Appender ingest.Appender
	Policy   ingest.Policy
	Flusher  Flusher
	Streams  StreamLister
	Memory   *ingest.Memory
	Metrics  *ingest.Metrics
	MaxBody  int64 // bytes of a body, after decompression
	Log      *slog.Logger
}

// A Handler serves the generic HTTP API.
type Handler struct {
	Config
	splitters sync.Pool // of *splitter
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	var faults []error
	for _, f := range []struct {
		missing bool
		name    string
	}{
		{cfg.Appender == nil, "Appender"}, {cfg.Policy == nil, "Policy"}, {cfg.Flusher == nil, "Flusher"},
		{cfg.Streams == nil, "Streams"}, {cfg.Memory == nil, "Memory"}, {cfg.Metrics == nil, "Metrics"},
		{cfg.MaxBody < 1, "MaxBody"},
	} {
		if f.missing {
			faults = append(faults, errors.New("records: Config."+f.name+" is not set"))
		}
	}
	if cfg.Access == nil {
		cfg.Access = access.Open()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: cfg}, errors.Join(faults...)
}

// Register adds the handler's paths to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("/v1/streams", h.counted(h.listStreams))
	mux.HandleFunc("/v1/streams/{stream}", h.counted(h.showStream))
	mux.HandleFunc("/v1/streams/{stream}/flush", h.counted(h.flush))
	mux.HandleFunc("/v1/streams/{stream}/records", h.counted(h.post))
}

// counted counts a request by the status it was answered with.
func (h *Handler) counted(serve func(http.ResponseWriter, *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		status := serve(w, r)
		h.Metrics.Request(receiver, status, time.Since(begun))
	}
}

// enter says who calls, and turns away who may not write to the stream.
func (h *Handler) enter(r *http.Request, stream, what string) (*access.Principal, *ingest.Problem) {
	who, p := h.Access.Authenticate(r)
	switch {
	case p != nil:
		return nil, p
	case !who.MayWrite(stream):
		return nil, h.Access.Forbidden(who, fmt.Sprintf("%s the stream %.80q", what, stream))
	}
	return who, nil
}

// fail answers with a problem.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, p *ingest.Problem) int {
	h.log(r, p)
	p.Write(w)
	return p.Status
}

// log tells the operator what is the server's fault; back-pressure is none.
func (h *Handler) log(r *http.Request, p *ingest.Problem) {
	level := slog.LevelDebug
	if p.Status >= 500 && p.RetryAfter == 0 {
		level = slog.LevelError
	}
	h.Log.LogAttrs(r.Context(), level, "request not served", slog.String("path", r.URL.Path),
		slog.Int("status", p.Status), slog.String("code", p.Code), slog.Any("error", p))
}
