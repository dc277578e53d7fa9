package firehose

import (
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
	"sluice/ingest/sigv4"
)

// Access says who calls and what they may do; see package access.
type Access interface {
	IsOpen() bool
	CheckSigV4(r *http.Request, service string) (*access.Pending, *sigv4.Error)
	FirehoseAccessKey(key string) (p *access.Principal, ok bool)
	Forbidden(p *access.Principal, what string) *ingest.Problem
	Limit(p *access.Principal, records int, bytes int64) (retryAfter time.Duration, ok bool)
	Charge(p *access.Principal, records, bytes int64)
}

// service is the name that requests are signed for.
const service = "firehose"

// A query is a signed request being read.
type query struct {
	body    *ingest.Body
	window  *window
	pending *access.Pending
	sum     hash.Hash // of the body as it is sent; nil where nobody asks
}

// open begins to read a request's body, of at most limit bytes. End it.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, limit int64) (*query, error) {
	q := &query{}
	var bad *sigv4.Error
	if q.pending, bad = h.Access.CheckSigV4(r, service); bad != nil {
		return nil, refused(bad)
	}
	if !h.Access.IsOpen() && sigv4.Signed(r) {
		q.sum = sha256.New()
		r.Body = &summed{r.Body, q.sum}
	}
	var p *ingest.Problem
	if q.body, p = ingest.OpenBody(w, r, h.Memory, limit); p != nil {
		return nil, p
	}
	var err error
	if q.window, err = openWindow(r.Context(), h.Memory, q.body); err != nil {
		q.body.Close()
		return nil, err
	}
	return q, nil
}

// end frees what the query holds, and returns who sent it: nothing that it asks for
// may be done before. err is what came of reading it to its end.
func (q *query) end(err error) (*access.Principal, error) {
	q.window.free()
	q.body.Close()
	if err != nil {
		return nil, err
	}
	var sum [sha256.Size]byte
	if q.sum != nil {
		q.sum.Sum(sum[:0])
	}
	who, bad := q.pending.Verify(sum)
	if bad != nil {
		return nil, refused(bad)
	}
	return who, nil
}

func refused(e *sigv4.Error) *fault {
	return &fault{status: http.StatusForbidden, kind: e.Code, message: e.Message}
}

// mayWrite turns away who may not write to the stream, and streams that take
// nothing.
func (h *Handler) mayWrite(who *access.Principal, stream string) error {
	if !who.MayWrite(stream) {
		return h.Access.Forbidden(who, "write to the stream "+shorten(stream))
	}
	if p := ingest.CheckStream(stream, h.Policy); p != nil {
		return p
	}
	return nil
}

// enter lets records be stored until leave is called, unless the stream is being
// deleted.
func (h *Handler) enter(stream string) (leave func(), err error) {
	h.gate.RLock()
	if h.Definitions != nil && h.Definitions.closed(stream) {
		h.gate.RUnlock()
		return nil, faultf(typeNotFound, "Firehose %s is being deleted", stream)
	}
	return h.gate.RUnlock, nil
}

// charge turns away who sends more than it may.
func (h *Handler) charge(who *access.Principal, records int, bytes int64) error {
	if wait, ok := h.Access.Limit(who, records, bytes); !ok {
		return access.Limited(who, wait)
	}
	return nil
}

func shorten(s string) string { return s[:min(len(s), 80)] }

// summed hashes what is read.
type summed struct {
	io.ReadCloser
	sum hash.Hash
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.sum.Write(p[:n])
	return n, err
}
