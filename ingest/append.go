package ingest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sluice/internal/lake"
)

// MaxRecord is the largest record in bytes, the limit of the Firehose API
// (1,000 KiB before base64).
const MaxRecord = 1_024_000

// An Appender stores records. Every receiver ends in one.
type Appender interface {
	// Append returns nil once the block is on disk, as far as its records were not
	// there already (see package internal/dedupe). It keeps no reference to
	// block.Data after it has returned, even when ctx ended early: the caller
	// uses those bytes again.
	//
	// An error with the method Full() (reason string, retryAfter time.Duration)
	// asks the client to come back later.
	Append(ctx context.Context, stream string, block lake.Block) error
}

// AppendProblem is the answer to a failed Append. Only the problem's Err tells
// what happened inside; the client is told what to do.
func AppendProblem(err error) *Problem {
	var full interface {
		Full() (reason string, retryAfter time.Duration)
	}
	// Nothing helps here but an operator: until then every append fails.
	var broken interface{ Unavailable() (advice string) }
	switch {
	case errors.As(err, &broken):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeAppendFailed, RetryAfter: time.Minute, Err: err,
			Message: "the records could not be stored: " + broken.Unavailable()}
	case errors.As(err, &full):
		reason, after := full.Full()
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeFull, RetryAfter: max(after, time.Second), Err: err,
			Message: "the buffer takes no more records now: " + reason}
	case errors.Is(err, context.Canceled):
		return &Problem{Status: StatusClientGone, Code: CodeClientGone, Err: err,
			RetryAfter: time.Second, Message: "the request ended before its records were stored"}
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeOverloaded, RetryAfter: time.Second, Err: err,
			Message: "the records could not be stored in time"}
	}
	return &Problem{Status: http.StatusInternalServerError, Code: CodeAppendFailed, Err: err,
		Message: "the records could not be stored; the server's log says why"}
}
