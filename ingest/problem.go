package ingest

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The codes of an error answer.
const (
	CodeBadStream     = "bad_stream_name"
	CodeUnknownStream = "unknown_stream"
	CodeNotFound      = "not_found"
	CodeBadMethod     = "method_not_allowed"
	CodeEmpty         = "empty_body"
	CodeNoneAccepted  = "no_record_accepted"
	CodeNotRead       = "body_not_read"
	CodeCutOff        = "body_cut_off"
	CodeTimeout       = "body_too_slow"
	CodeTooLarge      = "body_too_large"
	CodeEncoding      = "unsupported_encoding"
	CodeCorrupt       = "corrupt_encoding"
	CodeOverloaded    = "overloaded"
	CodeFull          = "buffer_full"
	CodeAppendFailed  = "append_failed"
	CodeClientGone    = "client_gone"
)

// StatusClientGone stands in metrics for the answer that probably nobody was
// there to take; it is sent as 503. Nginx counts the same case under this number.
const StatusClientGone = 499

// A Problem is an answer other than success.
type Problem struct {
	Status     int // of HTTP
	Code       string
	Message    string        // for the person who runs the client
	RetryAfter time.Duration // 0: no such header
	Err        error         // the cause, for the log; may be nil
}

func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Message + ": " + p.Err.Error()
	}
	return p.Message
}

// Unwrap is the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Retryable reports whether the same request may succeed later.
func (p *Problem) Retryable() bool {
	return p.Status >= 500 || p.Status == http.StatusTooManyRequests || p.Status == StatusClientGone
}

// Write answers with {"error":{"code","message"}}.
func (p *Problem) Write(w http.ResponseWriter) {
	p.WriteHead(w)
	body := append([]byte{'{'}, p.AppendMember(nil)...)
	w.Write(append(body, "}\n"...)) // a client that is gone is no fault here
}

// WriteHead sends the status and the headers that go with it.
func (p *Problem) WriteHead(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = jsonType
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="sluice"`) // RFC 9110, section 11.6.1
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip, zstd") // RFC 9110, section 12.5.3
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // the rest of the body is not read
	}
	status := p.Status
	if status == StatusClientGone {
		// It may still be there after all, and silence would mean 200.
		status = http.StatusServiceUnavailable
	}
	w.WriteHeader(status)
}

// AppendMember appends "error":{"code":…,"message":…}, a member of an object.
func (p *Problem) AppendMember(dst []byte) []byte {
	dst = append(dst, `"error":{"code":`...)
	dst = AppendString(dst, p.Code)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, p.Message)
	return append(dst, '}')
}

// AppendString appends s as a JSON string.
func AppendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string cannot fail, nor can a bytes.Buffer
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}

// jsonType is shared so that an answer does not allocate it.
var jsonType = []string{"application/json"}

// WriteJSON answers 200 with v in compact JSON.
func WriteJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("BUG: an answer that is no JSON: " + err.Error())
	}
	WriteBody(w, append(body, '\n'))
}

// WriteBody answers 200 with a body that is JSON already.
func WriteBody(w http.ResponseWriter, body []byte) {
	w.Header()["Content-Type"] = jsonType
	w.Write(body)
}

// CheckMethod answers 405 and returns false unless the request's method is one
// of those allowed. HEAD goes where GET goes.
func CheckMethod(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	for _, m := range allowed {
		if r.Method == m || m == http.MethodGet && r.Method == http.MethodHead {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	p := Problem{Status: http.StatusMethodNotAllowed, Code: CodeBadMethod,
		Message: r.URL.Path + " takes " + strings.Join(allowed, " or ") + ", not " + r.Method}
	p.Write(w)
	return false
}

// NotFound answers 404 for a path that nobody serves.
func NotFound(w http.ResponseWriter, r *http.Request) {
	p := Problem{Status: http.StatusNotFound, Code: CodeNotFound, Message: "nothing is served at " + r.URL.Path}
	p.Write(w)
}
