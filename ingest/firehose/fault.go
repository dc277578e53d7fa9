package firehose

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
)

// The types of errors, as the Firehose API names them.
const (
	typeInvalid       = "InvalidArgumentException"
	typeNotFound      = "ResourceNotFoundException"
	typeInUse         = "ResourceInUseException"
	typeConcurrent    = "ConcurrentModificationException"
	typeLimit         = "LimitExceededException"
	typeUnavailable   = "ServiceUnavailableException"
	typeInternal      = "InternalFailure"
	typeSerialization = "SerializationException"
	typeDenied        = "AccessDeniedException"
	typeUnknown       = "UnknownOperationException"
)

// A fault is an answer other than success.
type fault struct {
	status     int
	kind       string
	message    string
	retryAfter time.Duration
	err        error // the cause, for the log
}

func (f *fault) Error() string {
	if f.err != nil {
		return f.message + ": " + f.err.Error()
	}
	return f.message
}

func (f *fault) Unwrap() error { return f.err }

func faultf(kind, format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, kind: kind, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *fault { return faultf(typeInvalid, format, args...) }

func malformed(format string, args ...any) *fault { return faultf(typeSerialization, format, args...) }

// faultOf is the fault that an error means.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var p *ingest.Problem
	if !errors.As(err, &p) {
		return &fault{status: http.StatusInternalServerError, kind: typeInternal, message: "the request failed; the server's log says why", err: err}
	}
	f = &fault{status: p.Status, kind: typeInvalid, message: p.Message, retryAfter: p.RetryAfter, err: p.Err}
	switch {
	case p.Code == ingest.CodeUnknownStream:
		f.status, f.kind = http.StatusBadRequest, typeNotFound
	case p.Code == access.CodeForbidden:
		f.kind = typeDenied
	case p.Status == http.StatusTooManyRequests:
		f.status, f.kind = http.StatusServiceUnavailable, typeUnavailable // what the API has for a quota
	case p.Status == http.StatusServiceUnavailable, p.Status == ingest.StatusClientGone:
		f.kind = typeUnavailable // 503, since no SDK tries again after a 400
	case p.Code == ingest.CodeTooLarge:
		f.message = "the request is larger than any that is within the limits of its records"
	case p.Status >= http.StatusInternalServerError:
		f.kind = typeInternal
	case p.Code == ingest.CodeCutOff, p.Code == ingest.CodeCorrupt, p.Code == ingest.CodeEncoding, p.Code == ingest.CodeTimeout:
		f.kind = typeSerialization
	}
	return f
}

// write answers in the form of the JSON 1.1 protocol.
func (f *fault) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = contentType
	h.Set("X-Amzn-ErrorType", f.kind)
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	}
	if f.status == http.StatusRequestTimeout || f.status == http.StatusRequestEntityTooLarge {
		h.Set("Connection", "close") // the rest of the body is not read
	}
	status := f.status
	if status == ingest.StatusClientGone {
		status = http.StatusServiceUnavailable
	}
	w.WriteHeader(status)
	body := ingest.AppendString([]byte(`{"__type":`), f.kind)
	body = ingest.AppendString(append(body, `,"message":`...), f.message)
	w.Write(append(body, '}')) // a client that is gone is no fault here
}

var contentType = []string{"application/x-amz-json-1.1"}
