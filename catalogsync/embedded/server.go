package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
)

const (
	maxBody      = 16 << 20
	targetPrefix = "AWSGlue."
	contentType  = "application/x-amz-json-1.1"
)

// A Server answers the Glue API from one file. It is safe for concurrent use.
type Server struct {
	// Log is told of faults of the server's own; nil: discard. Set it before the
	// first request.
	Log *slog.Logger

	store *store
}

// Open opens the catalog in the file at path, and makes it if there is none. It
// recovers what was durable when an earlier process ended, however it did.
func Open(path string) (*Server, error) {
	s, err := openStore(path)
	if err != nil {
		return nil, fmt.Errorf("open catalog %s: %w", path, err)
	}
	return &Server{store: s}, nil
}

// Close closes the file. Requests in flight fail.
func (s *Server) Close() error {
	if err := s.store.close(); err != nil {
		return fmt.Errorf("close catalog: %w", err)
	}
	return nil
}

// ServeHTTP answers one request, whatever its path. Which of the requests to
// POST / are for the catalog is for the caller to see: their X-Amz-Target begins
// with "AWSGlue.".
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.answer(w, r)
	var f *fault
	switch {
	case err == nil:
		reply(w, http.StatusOK, out)
	case errors.As(err, &f):
		w.Header().Set("X-Amzn-ErrorType", f.code)
		reply(w, f.status, map[string]string{"__type": f.code, "Message": f.message})
	default:
		// Clients repeat a 500; a request that was cancelled has nobody to hear of it.
		if r.Context().Err() == nil && s.Log != nil {
			s.Log.ErrorContext(r.Context(), "catalog request failed", "operation", r.Header.Get("X-Amz-Target"), "error", err)
		}
		reply(w, http.StatusInternalServerError, map[string]string{"__type": "InternalServiceException", "Message": err.Error()})
	}
}

// answer is what the request asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			if s.Log != nil {
				s.Log.ErrorContext(r.Context(), "catalog request panicked", "panic", p, "stack", string(debug.Stack()))
			}
			err = fmt.Errorf("BUG: panic: %v", p)
		}
	}()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &fault{http.StatusMethodNotAllowed, "UnknownOperationException", "the method is POST"}
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	op := operations[name]
	if !ok || op == nil {
		return nil, &fault{http.StatusBadRequest, "UnknownOperationException",
			fmt.Sprintf("the catalog has no operation %.100q", r.Header.Get("X-Amz-Target"))}
	}
	if restricted(r.Context()) && !reads(name) {
		return nil, denied(name)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &fault{http.StatusRequestEntityTooLarge, "InvalidInputException",
			fmt.Sprintf("the request has more than %d bytes", maxBody)}
	}
	if err != nil {
		return nil, &fault{http.StatusBadRequest, "SerializationException", "read request: " + err.Error()}
	}
	return op(r.Context(), s, body)
}

// An operation answers the body of a request.
type operation func(ctx context.Context, s *Server, body []byte) (any, error)

// operate makes an operation of a method that has its input parsed.
func operate[In, Out any](f func(*Server, context.Context, In) (Out, error)) operation {
	return func(ctx context.Context, s *Server, body []byte) (any, error) {
		var in In
		if len(body) > 0 {
			if err := json.Unmarshal(body, &in); err != nil {
				return nil, &fault{http.StatusBadRequest, "SerializationException", err.Error()}
			}
		}
		return f(s, ctx, in)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	var id [16]byte
	rand.Read(id[:]) // never fails
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-RequestId", hex.EncodeToString(id[:]))
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // array<string> stays readable
	enc.Encode(body)         // the shapes have a JSON; a client that is gone hears nothing
}
