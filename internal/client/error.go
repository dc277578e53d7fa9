package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An Error is an answer other than success.
type Error struct {
	Status     int    // of HTTP
	Code       string // such as unknown_stream; empty from what is not Sluice
	Message    string
	RetryAfter time.Duration // 0: not said
}

// Error is the server's message, with what identifies it.
func (e *Error) Error() string {
	if e.Code != "" {
		return fmt.Sprintf("%s (%d %s)", e.Message, e.Status, e.Code)
	}
	return fmt.Sprintf("the server answered %d %s: %s", e.Status, http.StatusText(e.Status), e.Message)
}

// An UnreachableError means that no answer came.
type UnreachableError struct {
	Server string
	// Unsent is true if nothing can have reached the server; if false, the
	// request may have been carried out.
	Unsent bool
	Err    error
}

// Error says what to look at.
func (e *UnreachableError) Error() string {
	cause := rootCause(e.Err)
	var dns *net.DNSError
	switch {
	case errors.As(e.Err, &dns):
		return fmt.Sprintf("cannot reach %s: the host %s is not known: %s", e.Server, dns.Name, dns.Err)
	case strings.Contains(e.Err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("cannot reach %s: it speaks http, not https", e.Server)
	case e.Unsent:
		return fmt.Sprintf("cannot reach %s: is `sluice serve` running there? (%v)", e.Server, cause)
	case errors.Is(e.Err, context.DeadlineExceeded):
		return fmt.Sprintf("%s did not answer in time (%v)", e.Server, cause)
	}
	return fmt.Sprintf("the connection to %s broke before an answer came (%v)", e.Server, cause)
}

// Unwrap is the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

func (c *Client) unreachable(err error) error {
	var op *net.OpError
	return &UnreachableError{Server: c.server, Unsent: errors.As(err, &op) && op.Op == "dial", Err: err}
}

// rootCause takes away what http.Client says of the request: the address is in
// our message already.
func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if _, ok := err.(*net.OpError); ok || next == nil {
			return err
		}
		err = next
	}
}

// readError reads the error that an answer is, and closes it.
func readError(resp *http.Response) error {
	defer resp.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what there is
	return parseError(resp, data)
}

func parseError(resp *http.Response, data []byte) *Error {
	e := &Error{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
	var answer struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(data, &answer) == nil && answer.Error.Message != "" {
		e.Code, e.Message = answer.Error.Code, answer.Error.Message
		return e
	}
	const most = 200
	text := strings.TrimSpace(strings.ToValidUTF8(string(data[:min(len(data), most)]), ""))
	if text == "" {
		text = "nothing more was said"
	}
	e.Message = text
	return e
}

// retryAfter reads the header of that name: seconds, or a time.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.Atoi(s); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
