package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A delivery is one chunk on its way to the server.
type delivery struct {
	*sending
	body    []byte // what is not done with
	line    int64  // the number of its first line
	backoff backoff
	failing time.Time // since when no answer was good; zero when the last was
}

// deliver sends a chunk until every line of it is answered for good.
func (w *sending) deliver(ctx context.Context, c chunk) error {
	d := &delivery{sending: w, body: c.body, line: c.first}
	for {
		// The server skips blank lines too; here they would hide what the
		// first line of a request looks like.
		d.advance(len(d.body) - len(bytes.TrimLeft(d.body, " \t\r\n")))
		if len(d.body) == 0 {
			return nil
		}
		if d.body[0] == '[' {
			d.rejectLine(d.line, "a record must be a JSON object, not an array")
			d.advance(len(d.body) - len(afterLine(d.body)))
			continue
		}
		if err := d.attempt(ctx); err != nil {
			return err
		}
	}
}

// afterLine is what follows the first line.
func afterLine(body []byte) []byte {
	_, rest, _ := bytes.Cut(body, []byte("\n"))
	return rest
}

// advance passes over n bytes that are done with.
func (d *delivery) advance(n int) {
	d.line += int64(bytes.Count(d.body[:n], []byte("\n")))
	d.body = d.body[n:]
	d.tally.update(func(s *Summary) { s.Bytes += int64(n) })
	d.Bar.Add(int64(n))
}

// attempt makes one request of what is not done with, and waits if it must be
// made again. Its error is final.
func (d *delivery) attempt(ctx context.Context) error {
	piece := d.body[:lineFramed(d.body)]
	begun := time.Now()
	actx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	result, err := d.Client.SendOnce(actx, d.Stream, d.key(), bytes.NewReader(piece))
	took := time.Since(begun)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *Error
	var gone *UnreachableError
	final := err == nil || errors.As(err, &answer) && answer.Code == "no_record_accepted"
	if !final && d.run != "" {
		result = Result{ResumeFrom: -1} // all of it comes again, and is answered again
	} else if answer != nil && answer.Status == http.StatusRequestTimeout {
		result = result.stopped()
	}
	d.count(piece, result)
	switch {
	case final:
		d.tally.answered(took)
		d.advance(len(piece))
		d.backoff, d.failing = backoff{}, time.Time{}
		return nil
	case errors.As(err, &gone):
		return d.disconnected(ctx, gone)
	case answer == nil:
		return err
	}
	return d.refused(ctx, piece, result, answer)
}

// key is that of the request that begins here, the same whenever it is made: what is
// not done with begins at a line, and where a request with a key ends follows from
// that.
func (d *delivery) key() string {
	if d.run == "" {
		return ""
	}
	return fmt.Sprintf("%s-%d", d.run, d.line)
}

// count adds what an answer says of records.
func (d *delivery) count(piece []byte, r Result) {
	if r.Accepted == 0 && r.Rejected == 0 {
		return
	}
	d.tally.update(func(s *Summary) {
		s.Accepted += r.Accepted
		s.Rejected += r.Rejected
	})
	for i, rej := range r.Rejections {
		if i == maxRejections {
			break
		}
		line := d.line
		if at, ok := offsetOf(piece, rej.Index); ok {
			line += int64(bytes.Count(piece[:at], []byte("\n")))
		}
		d.tally.reject(line, rej.Error)
	}
}

// refused settles an answer that is an error: wait and go on, or give up.
func (d *delivery) refused(ctx context.Context, piece []byte, r Result, answer *Error) error {
	switch {
	case answer.Status == http.StatusTooManyRequests, answer.Status == http.StatusServiceUnavailable:
		d.tally.update(func(s *Summary) { s.Retries.Busy++ })
		d.failing = time.Time{} // it is there, and asks for patience
		d.note("the server is busy, waiting: %v", answer)
	case answer.Status >= 500:
		// What the server was storing when it failed may be stored.
		d.tally.update(func(s *Summary) {
			s.Retries.Failed++
			if d.run == "" {
				s.Uncertain++
			}
		})
		if d.givenUp() {
			return answer
		}
		d.note("the server failed, trying again: %v", answer)
	case answer.Status == http.StatusRequestTimeout:
		d.tally.update(func(s *Summary) { s.Retries.Failed++ })
		if d.givenUp() {
			return answer
		}
		d.note("the server did not get the request in time, trying again: %v", answer)
	default:
		return answer
	}
	if r.ResumeFrom > 0 {
		if at, ok := offsetOf(piece, r.ResumeFrom); ok {
			d.advance(at)
			d.backoff = backoff{}
		} else if r.Accepted > 0 {
			d.tally.update(func(s *Summary) { s.Uncertain++ })
		}
	}
	return sleep(ctx, d.backoff.next(answer.RetryAfter))
}

// disconnected settles that no answer came.
func (d *delivery) disconnected(ctx context.Context, gone *UnreachableError) error {
	d.tally.update(func(s *Summary) {
		s.Retries.Disconnected++
		if !gone.Unsent && d.run == "" {
			s.Uncertain++
		}
	})
	if d.givenUp() {
		return gone
	}
	switch {
	case gone.Unsent:
		d.note("waiting for the server: %v", gone)
	case d.run != "":
		d.note("trying again, nothing is stored twice: %v", gone)
	default:
		d.note("trying again, so that some records may be stored twice: %v", gone)
	}
	return sleep(ctx, d.backoff.next(0))
}

// givenUp reports whether the server has been failing for longer than Outage.
func (d *delivery) givenUp() bool {
	if d.failing.IsZero() {
		d.failing = time.Now()
	}
	return time.Since(d.failing) >= d.Outage
}
