package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// A Result is what became of the records of one request.
type Result struct {
	Accepted int64
	Rejected int64 // all of them, not just those in Rejections
	// Rejections are the first ones, with the index of the record in the request.
	Rejections []IndexedRejection
	// ResumeFrom is the index of the first record that nothing was done with, if
	// the answer was an error that says so; -1 if not.
	ResumeFrom int64
}

// An IndexedRejection says why a record was not accepted.
type IndexedRejection struct {
	Index int64  `json:"index"` // from 0
	Error string `json:"error"`
}

// Send sends records in one request: a JSON object, an array of objects, or
// NDJSON. Records may have been accepted although the answer is an *Error; the
// result tells.
func (c *Client) Send(ctx context.Context, stream string, body io.Reader) (Result, error) {
	return c.SendOnce(ctx, stream, "", body)
}

// SendOnce is Send with an Idempotency-Key, of 1 to 255 visible ASCII characters:
// the same body sent again with the same key is not stored twice. The answer to such
// a request does not say from where to resume: it is sent again as a whole.
func (c *Client) SendOnce(ctx context.Context, stream, key string, body io.Reader) (Result, error) {
	none := Result{ResumeFrom: -1}
	path, err := streamPath(stream, "/records")
	if err != nil {
		return none, err
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	resp, err := c.stream(ctx, http.MethodPost, path, header, body)
	if err != nil {
		return none, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return none, &UnreachableError{Server: c.server, Err: fmt.Errorf("read answer: %w", err)}
	}
	result, err := parseResult(data)
	if resp.StatusCode != http.StatusOK {
		return result, parseError(resp, data)
	}
	if err != nil {
		return none, fmt.Errorf("read answer of %s: %w; is that a Sluice server?", c.server+path, err)
	}
	return result, nil
}

func parseResult(data []byte) (Result, error) {
	var answer struct {
		Accepted      *int64             `json:"accepted"`
		Rejected      []IndexedRejection `json:"rejected"`
		RejectedTotal int64              `json:"rejected_total"`
		ResumeFrom    *int64             `json:"resume_from"`
	}
	result := Result{ResumeFrom: -1}
	if err := json.Unmarshal(data, &answer); err != nil {
		return result, fmt.Errorf("%w in %q", err, bytes.TrimSpace(data[:min(len(data), 100)]))
	}
	if answer.Accepted == nil {
		return result, fmt.Errorf("there is no count of accepted records in %q", bytes.TrimSpace(data[:min(len(data), 100)]))
	}
	result.Accepted, result.Rejections = *answer.Accepted, answer.Rejected
	result.Rejected = max(answer.RejectedTotal, int64(len(answer.Rejected)))
	if answer.ResumeFrom != nil {
		result.ResumeFrom = *answer.ResumeFrom
	}
	return result, nil
}

// stopped is the result of an answer whose last rejection is not of a record,
// but tells where reading stopped.
func (r Result) stopped() Result {
	if r.Rejected > 0 {
		r.Rejected--
		r.Rejections = r.Rejections[:min(int64(len(r.Rejections)), r.Rejected)]
	}
	r.ResumeFrom = r.Accepted + r.Rejected
	return r
}
