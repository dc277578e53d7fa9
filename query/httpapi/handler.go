package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"sluice/query"
	"sluice/query/output"
)

// A Querier runs queries.
type Querier interface {
	Query(ctx context.Context, req query.Request) (*query.Rows, error)
	Running() []query.RunningQuery
	Cancel(id, by string) bool
}

// A Caller is who sends a request.
type Caller struct {
	Name string // in the list of queries and the log
	// Visible says which databases there are to the caller; nil: all.
	Visible func(database string) bool
	// MayWrite says in which databases tables may be made and filled; nil: in none.
	MayWrite func(database string) bool
	// Admin sees and cancels everybody's queries, others their own.
	Admin bool
}

// A Config is what a Handler needs.
type Config struct {
	Querier Querier
	MaxBody int64 // of a request; 0: 2 MiB
	// Stall is how long a client may take to read a piece of the answer before
	// the query is ended; 0: 30 s.
	Stall time.Duration
	Log   *slog.Logger
	// Authorize says who sends a request; ok is false where they may not ask at all,
	// and Authorize has answered. Nil: everybody may do everything.
	Authorize func(w http.ResponseWriter, r *http.Request) (who Caller, ok bool)
}

// statsTrailer carries the statistics behind bodies that have no place for them.
const statsTrailer = "Sluice-Stats"

// idHeader carries the query's id in the list of running queries.
const idHeader = "Sluice-Query-Id"

// New makes the handler of POST /v1/query.
func New(cfg Config) http.Handler { return newHandler(cfg) }

func newHandler(cfg Config) *handler {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 2 << 20
	}
	if cfg.Stall == 0 {
		cfg.Stall = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &handler{cfg: cfg}
}

type handler struct{ cfg Config }

// A request is the body of a call.
type request struct {
	SQL      string `json:"sql"`
	Format   string `json:"format,omitempty"`
	Database string `json:"database,omitempty"`
	Dialect  string `json:"dialect,omitempty"`
	// Parameters are query.Request's.
	Parameters []string `json:"parameters,omitempty"`
	Limits     limits   `json:"limits,omitzero"`
	// Checkpoint and Replay are query.Request's; see the package's doc for Confirm.
	Checkpoint string `json:"checkpoint,omitempty"`
	Replay     bool   `json:"replay,omitempty"`
	Confirm    bool   `json:"confirm,omitempty"`
}

// A refusal is an error before a query was begun.
type refusal struct {
	status  int
	code    query.Code
	message string
}

func refuse(status int, code query.Code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

var statuses = map[query.Code]int{
	query.CodeSyntax: http.StatusBadRequest, query.CodeInvalid: http.StatusBadRequest,
	query.CodeForbidden: http.StatusForbidden, query.CodeNotFound: http.StatusNotFound,
	query.CodeQueueFull: http.StatusTooManyRequests, query.CodeResources: http.StatusUnprocessableEntity, query.CodeLimit: http.StatusUnprocessableEntity,
	query.CodeTimeout: http.StatusGatewayTimeout, query.CodeCanceled: 499, query.CodeExists: http.StatusConflict,
	query.CodeInternal: http.StatusInternalServerError, query.CodeDiskFull: http.StatusInsufficientStorage,
	query.CodeLake: http.StatusServiceUnavailable, query.CodeBusy: http.StatusConflict,
	query.CodeNoCheckpoint: http.StatusNotFound, query.CodeExpired: http.StatusGone,
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, ok := h.caller(w, r)
	if !ok {
		return
	}
	req, format, bad := h.read(w, r)
	if bad != nil {
		writeError(w, bad.status, bad.code, bad.message)
		return
	}
	rows, err := h.cfg.Querier.Query(r.Context(), query.Request{SQL: req.SQL, Database: req.Database, Visible: who.Visible, MayWrite: who.MayWrite, Who: who.Name,
		Dialect: query.Dialect(req.Dialect), Parameters: req.Parameters, Limits: req.Limits.query(),
		Checkpoint: req.Checkpoint, Replay: req.Replay})
	if err != nil {
		code, message := explain(err)
		if code == query.CodeInternal || code == query.CodeDiskFull {
			h.cfg.Log.Error("query failed", "err", err)
		}
		writeError(w, statuses[code], code, message)
		return
	}
	defer rows.Close()
	h.answer(w, format, rows, req.Confirm)
}

// caller is who sends the request.
func (h *handler) caller(w http.ResponseWriter, r *http.Request) (Caller, bool) {
	if h.cfg.Authorize == nil {
		return Caller{Admin: true}, true
	}
	return h.cfg.Authorize(w, r)
}

func explain(err error) (query.Code, string) {
	var fault *query.Error
	if errors.As(err, &fault) {
		return fault.Code, fault.Message
	}
	return query.CodeInternal, err.Error()
}

// read reads the request.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (req request, format output.Format, bad *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return req, "", refuse(http.StatusMethodNotAllowed, "method_not_allowed", "a query is a POST with a body such as {\"sql\": \"SELECT 1\"}")
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	d.DisallowUnknownFields()
	err := d.Decode(&req)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("something follows the object")
		}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return req, "", refuse(http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return req, "", refuse(http.StatusBadRequest, "bad_request", "the body must be an object such as {\"sql\": \"SELECT 1\", \"format\": \"json\", \"database\": \"shop\"}: %v", err)
	case strings.TrimSpace(req.SQL) == "":
		return req, "", refuse(http.StatusBadRequest, "bad_request", "\"sql\" is missing")
	}
	if req.Format == "" {
		if format = accepted(r.Header.Get("Accept")); format == "" {
			return req, "", refuse(http.StatusNotAcceptable, "not_acceptable", "Accept can be application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream or application/vnd.apache.parquet")
		}
		return req, format, nil
	}
	if format, err = output.ParseFormat(req.Format); err != nil || format == output.Table {
		return req, "", refuse(http.StatusBadRequest, "bad_request", "\"format\" is json, ndjson, csv, arrow or parquet, not %q", req.Format)
	}
	return req, format, nil
}

var mediaTypes = map[string]output.Format{
	"application/json": output.JSON, "application/*": output.JSON, "*/*": output.JSON,
	"application/x-ndjson": output.NDJSON, "application/ndjson": output.NDJSON, "application/jsonl": output.NDJSON,
	"text/csv": output.CSV, "text/*": output.CSV,
	"application/vnd.apache.arrow.stream": output.Arrow, "application/vnd.apache.parquet": output.Parquet,
}

var contentTypes = map[output.Format]string{
	output.JSON: "application/json", output.NDJSON: "application/x-ndjson", output.CSV: "text/csv; charset=utf-8; header=present",
	output.Arrow: "application/vnd.apache.arrow.stream", output.Parquet: "application/vnd.apache.parquet",
}

// accepted is the first format that an Accept header names.
func accepted(header string) output.Format {
	if strings.TrimSpace(header) == "" {
		return output.JSON
	}
	for part := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err == nil && params["q"] != "0" && mediaTypes[media] != "" {
			return mediaTypes[media]
		}
	}
	return ""
}

// answer streams the rows.
func (h *handler) answer(w http.ResponseWriter, format output.Format, rows *query.Rows, confirm bool) {
	w.Header().Set("Content-Type", contentTypes[format])
	w.Header().Set(idHeader, rows.ID())
	announce(w, rows, confirm)
	if format != output.JSON {
		w.Header().Set("Trailer", statsTrailer)
	}
	p := &patient{w: w, control: http.NewResponseController(w), stall: h.cfg.Stall}
	// A connection that is kept must not keep this answer's deadline.
	defer p.control.SetWriteDeadline(time.Time{})
	b := bufio.NewWriterSize(p, 64<<10)
	if err := output.Write(b, format, rows); err != nil {
		h.fail(w, format, b, p.begun, err)
		return
	}
	if format != output.JSON {
		stats, _ := json.Marshal(rows.Stats())
		w.Header().Set(statsTrailer, string(stats))
	}
	h.finish(b, p.control, rows, confirm)
}

// fail ends an answer with an error: properly while nothing was sent, else by
// cutting the connection, for what was sent must not look like an answer.
func (h *handler) fail(w http.ResponseWriter, format output.Format, b *bufio.Writer, begun bool, err error) {
	code, message := explain(err)
	if !begun {
		w.Header().Del("Trailer")
		writeError(w, statuses[code], code, message)
		return
	}
	h.cfg.Log.Warn("query ended after its rows began", "code", string(code), "err", err)
	text, _ := json.Marshal(map[string]string{"code": string(code), "message": message})
	switch format {
	case output.JSON:
		fmt.Fprintf(b, "\n],\"error\":%s\n", text)
	case output.NDJSON:
		fmt.Fprintf(b, "{\"error\":%s}\n", text)
	}
	b.Flush()
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// patient writes as long as the client reads.
type patient struct {
	w       io.Writer
	control *http.ResponseController
	stall   time.Duration
	begun   bool // something was sent
}

func (p *patient) Write(b []byte) (int, error) {
	p.begun = true
	// Not every ResponseWriter has deadlines; then the server's own hold.
	p.control.SetWriteDeadline(time.Now().Add(p.stall))
	return p.w.Write(b)
}

func writeError(w http.ResponseWriter, status int, code query.Code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": string(code), "message": message}})
}
