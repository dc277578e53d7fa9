package firehose

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
)

// TargetPrefix begins the X-Amz-Target of every operation.
const TargetPrefix = "Firehose_20150804."

// receiver names this package in metrics.
const receiver = "firehose"

// Config is what a Handler works with. All but Access, Log and what delivery streams
// are managed with must be set.
type Config struct {
	Access   Access // nil: everybody may do everything
	Appender ingest.Appender
	Policy   ingest.Policy
	Memory   *ingest.Memory
	Metrics  *ingest.Metrics
	MaxBody  int64 // bytes of a body, after decompression
	Log      *slog.Logger

	Definitions *Definitions // nil: delivery streams are not managed
	Streams     Streams
	Bucket      string // of the lake; empty where it is none
	MaxStreams  int    // that may be created
}

// A Handler serves the Firehose API.
type Handler struct {
	Config
	gate sync.RWMutex // held for reading while records are stored: remove waits for them
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
	if cfg.Access == nil {
		cfg.Access = access.Open()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: cfg}, errors.Join(faults...)
}

// Register adds the path of deliveries from AWS to mux. The API itself shares its
// path with others: see Serves.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("/v1/firehose/{stream}", h.receive)
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
		return h.control(w, r, op)
	}
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
