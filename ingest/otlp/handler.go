package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
	"sluice/internal/jsonscan"
)

// receiver names this package in metrics.
const receiver = "otlp"

// Config is what a Handler works with. All but Access and Log must be set.
type Config struct {
	Access   *access.Guard // says who calls; nil lets everybody in
	Appender ingest.Appender
	Policy   ingest.Policy
	Memory   *ingest.Memory
	Metrics  *ingest.Metrics
	Stream   string // that the rows go to
	Mapped   bool   // attributes are text, see the package
	MaxBody  int64  // bytes of a body, after decompression
	Log      *slog.Logger
}

// A Handler serves OTLP/HTTP.
type Handler struct{ Config }

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	var faults []error
	for _, f := range []struct {
		missing bool
		name    string
	}{
		{cfg.Appender == nil, "Appender"}, {cfg.Policy == nil, "Policy"}, {cfg.Memory == nil, "Memory"},
		{cfg.Metrics == nil, "Metrics"}, {cfg.Stream == "", "Stream"}, {cfg.MaxBody < 1, "MaxBody"},
	} {
		if f.missing {
			faults = append(faults, errors.New("otlp: Config."+f.name+" is not set"))
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Access == nil {
		cfg.Access = access.Open()
	}
	return &Handler{cfg}, errors.Join(faults...)
}

// Register adds the handler's path to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("/v1/logs", func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		status := h.serve(w, r)
		h.Metrics.Request(receiver, status, time.Since(begun))
	})
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) int {
	if !ingest.CheckMethod(w, r, http.MethodPost) {
		return http.StatusMethodNotAllowed
	}
	f := formOf(r)
	who, p := h.enter(r)
	if p != nil {
		return h.fail(w, r, f, p)
	}
	whole, p := h.read(w, r)
	if p != nil {
		return h.fail(w, r, f, p)
	}
	defer whole.Free()
	if f == anyForm {
		f = protobuf
		if bytes.HasPrefix(bytes.TrimLeft(whole.B, " \t\r\n"), []byte{'{'}) {
			f = jsonForm
		}
	}
	b, p := f.body(whole.B)
	if p != nil {
		return h.fail(w, r, f, p)
	}
	t := export{h: h, ctx: r.Context(), body: b, arrival: time.Now().UTC().Truncate(time.Millisecond)}
	p = t.run()
	t.free()
	h.count(&t)
	if p != nil {
		h.Access.Charge(who, t.accepted, t.bytes)
		return h.fail(w, r, f, p)
	}
	h.Access.Charge(who, t.accepted+t.rejected, int64(len(whole.B)))
	f.succeed(w, t.rejected, t.reason)
	return http.StatusOK
}

// enter says who calls, if they may write now.
func (h *Handler) enter(r *http.Request) (*access.Principal, *ingest.Problem) {
	who, p := h.Access.Authenticate(r)
	switch {
	case p != nil:
		return nil, p
	case !who.MayWrite(h.Stream):
		return nil, h.Access.Forbidden(who, "write to the stream "+h.Stream)
	}
	if p := ingest.CheckStream(h.Stream, h.Policy); p != nil {
		return nil, p
	}
	// What comes is counted when it is stored; until it is paid for, the next one waits.
	if wait, ok := h.Access.Limit(who, 0, 0); !ok {
		return nil, access.Limited(who, wait)
	}
	return who, nil
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*ingest.Whole, *ingest.Problem) {
	body, p := ingest.OpenBody(w, r, h.Memory, h.MaxBody)
	if p != nil {
		return nil, h.tooLarge(p)
	}
	defer body.Close()
	hint := r.ContentLength
	if r.Header.Get("Content-Encoding") != "" {
		hint = -1
	}
	whole, p := h.Memory.ReadAll(r.Context(), body, hint)
	return whole, h.tooLarge(p)
}

// tooLarge names the setting that is this protocol's.
func (h *Handler) tooLarge(p *ingest.Problem) *ingest.Problem {
	if p == nil || p.Code != ingest.CodeTooLarge {
		return p
	}
	told := *p
	told.Message = fmt.Sprintf("the request is larger than otlp.max_body, %d bytes; nothing of it was stored: send fewer records at once", h.MaxBody)
	return &told
}

func (h *Handler) count(t *export) {
	if t.accepted > 0 {
		h.Metrics.Accepted(h.Stream, t.accepted, t.bytes)
	}
	for reason, n := range t.reasons {
		if n > 0 {
			h.Metrics.Rejected(receiver, ingest.Reason(reason), n)
		}
	}
}

// fail answers with a problem.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, f form, p *ingest.Problem) int {
	level := slog.LevelDebug
	if p.Status >= 500 && p.RetryAfter == 0 {
		level = slog.LevelError // not back-pressure
	}
	h.Log.LogAttrs(r.Context(), level, "request not served", slog.String("path", r.URL.Path),
		slog.Int("status", p.Status), slog.String("code", p.Code), slog.Any("error", p))
	if p.Status == http.StatusInternalServerError {
		// Exporters send again at 502, 503 and 504, and lose what they have at 500.
		told := *p
		told.Status = http.StatusServiceUnavailable
		p = &told
	}
	f.fail(w, p)
	return p.Status
}

// A form is how requests and answers are written.
type form uint8

const (
	anyForm form = iota // to be told by the content
	protobuf
	jsonForm
)

func formOf(r *http.Request) form {
	switch t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t {
	case "application/x-protobuf", "application/protobuf":
		return protobuf
	case "application/json":
		return jsonForm
	}
	return anyForm
}

// body checks that a body is a request, down to where its records are.
func (f form) body(b []byte) (body, *ingest.Problem) {
	var req body
	var err error
	if f == jsonForm {
		b = bytes.Trim(b, " \t\r\n")
		n, bad := jsonscan.Object(b)
		if bad == nil && n < len(b) {
			bad = errors.New("there is more after the object")
		}
		req, err = jsonBody(b), bad
	} else {
		req = protoBody(b)
	}
	if err == nil {
		err = req.groups(func(g group) error { return req.each(g, func([]byte) error { return nil }) })
	}
	if err != nil {
		return nil, &ingest.Problem{Status: http.StatusBadRequest, Code: codeMalformed, Message: "the body is no ExportLogsServiceRequest: " + err.Error()}
	}
	return req, nil
}

const codeMalformed = "malformed_request"
