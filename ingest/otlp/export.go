package otlp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/ingest"
	"sluice/internal/lake"
)

// A body is a request in one of its forms. What its functions are given are pieces of
// it.
type body interface {
	groups(fn func(g group) error) error
	each(g group, fn func(record []byte) error) error
	shared(r *row, g group) error
	times(record []byte) (times, error)
	members(r *row, record []byte) error
}

// A group is a list of records with what they share.
type group struct {
	resource, resourceURL []byte
	scope, scopeURL       []byte
	records               []byte // or what they are in
}

// times are nanoseconds since 1970; 0 is none.
type times struct{ event, observed uint64 }

// growth bounds how many bytes of JSON come of one byte of a request: an empty
// attribute of 2 bytes becomes "":null, in a string at worst, and a control character
// \u0000. fixed is for what every row has.
const (
	growth = 8
	fixed  = 1 << 10
)

// An export is one request being stored.
type export struct {
	h       *Handler
	ctx     context.Context
	body    body
	arrival time.Time

	out     *ingest.Buffer // rows to be appended next
	size    int
	records int

	head *ingest.Buffer // what the records of a group share

	accepted, bytes int64
	rejected        int64
	reasons         [ingest.Reasons]int64
	reason          string // of the first
}

func (t *export) free() {
	if t.out != nil {
		t.out.Free()
		t.out = nil
	}
	if t.head != nil {
		t.head.Free()
		t.head = nil
	}
}

// run appends all records.
func (t *export) run() *ingest.Problem {
	err := t.body.groups(func(g group) error {
		head, err := t.shared(g)
		var p *ingest.Problem
		if errors.As(err, &p) {
			return err
		}
		shared := err
		return t.body.each(g, func(record []byte) error {
			if shared != nil {
				t.reject(ingest.Malformed, "in the resource or the scope: "+shared.Error())
				return nil
			}
			return t.record(head, record)
		})
	})
	if err == nil {
		err = t.flush()
	}
	if err == nil {
		return nil
	}
	var p *ingest.Problem
	if !errors.As(err, &p) {
		panic("BUG: a request that was checked cannot be read: " + err.Error())
	}
	return p
}

// shared makes the members that all records of a group have.
func (t *export) shared(g group) ([]byte, error) {
	if t.head != nil {
		t.head.Free()
		t.head = nil
	}
	n := (len(g.resource)+len(g.resourceURL)+len(g.scope)+len(g.scopeURL))*growth + fixed
	if n > ingest.MaxBuffer {
		return nil, fmt.Errorf("they have more than %d bytes together", (ingest.MaxBuffer-fixed)/growth)
	}
	var p *ingest.Problem
	if t.head, p = t.h.Memory.Get(t.ctx, n); p != nil {
		return nil, p
	}
	r := row{dst: t.head.B[:0], mapped: t.h.Mapped}
	err := t.body.shared(&r, g)
	return r.dst, err
}

// record adds a record to the block, or rejects it. Its error is a *ingest.Problem.
func (t *export) record(head, record []byte) error {
	if len(record) > ingest.MaxRecord {
		t.reject(ingest.Oversize, fmt.Sprintf("a record is over the limit of %d bytes", ingest.MaxRecord))
		return nil
	}
	need := len(head) + len(record)*growth + fixed
	if need <= ingest.MaxBuffer {
		if p := t.room(need); p != nil {
			return p
		}
		row, ok := t.make(t.out.B[:t.size], head, record)
		switch {
		case !ok:
		case len(row) > len(t.out.B): // no growth so far was as large
			t.reject(ingest.Oversize, "a record became too large as JSON")
		default:
			t.keep(row)
		}
		return nil
	}
	// It may be larger than a buffer while it is made, and small enough in the end.
	if p := t.h.Memory.Reserve(t.ctx, int64(need)); p != nil {
		return p
	}
	defer t.h.Memory.Release(int64(need))
	row, ok := t.make(make([]byte, 0, need), head, record)
	if !ok {
		return nil
	}
	if p := t.room(len(row)); p != nil {
		return p
	}
	t.keep(append(t.out.B[:t.size], row...))
	return nil
}

// make appends the row of a record to dst; ok is false if it is rejected.
func (t *export) make(dst, head, record []byte) (_ []byte, ok bool) {
	begin := len(dst)
	at, err := t.body.times(record)
	r := row{dst: append(dst, `{"observed_time":`...), mapped: t.h.Mapped}
	if at.observed == 0 {
		at.observed = uint64(t.arrival.UnixNano())
	}
	r.dst = appendTime(r.dst, at.observed)
	if at.event != 0 {
		r.time("time", at.event)
		r.number("time_unix_nano", at.event)
	}
	if err == nil {
		err = t.body.members(&r, record)
	}
	r.dst = append(r.dst, head...)
	r.dst = append(r.dst, "}\n"...)
	switch {
	case err != nil:
		t.reject(ingest.Malformed, err.Error())
		return nil, false
	case len(r.dst)-begin-1 > ingest.MaxRecord:
		t.reject(ingest.Oversize, fmt.Sprintf("a record is over the limit of %d bytes as JSON", ingest.MaxRecord))
		return nil, false
	}
	return r.dst, true
}

// keep takes what make has appended to the block.
func (t *export) keep(block []byte) {
	t.size = len(block)
	t.records++
}

func (t *export) reject(reason ingest.Reason, message string) {
	if t.rejected == 0 {
		t.reason = message
	}
	t.rejected++
	t.reasons[reason]++
}

// room makes n bytes free behind the block, appending it when it is full.
func (t *export) room(n int) *ingest.Problem {
	if t.out != nil && t.size+n <= len(t.out.B) {
		return nil
	}
	if t.out != nil && len(t.out.B) < ingest.MaxBuffer {
		if larger := t.h.Memory.TryGet(min(max(len(t.out.B)*4, t.size+n), ingest.MaxBuffer)); larger != nil {
			copy(larger.B, t.out.B[:t.size])
			t.out.Free()
			t.out = larger
			if t.size+n <= len(t.out.B) {
				return nil
			}
		}
	}
	if err := t.flush(); err != nil {
		return err.(*ingest.Problem)
	}
	if t.out != nil && n <= len(t.out.B) {
		return nil
	}
	if t.out != nil {
		t.out.Free()
		t.out = nil
	}
	var p *ingest.Problem
	t.out, p = t.h.Memory.Get(t.ctx, max(n, 64<<10))
	return p
}

// flush appends the block. Its error is a *ingest.Problem.
func (t *export) flush() error {
	if t.records == 0 {
		return nil
	}
	err := t.h.Appender.Append(t.ctx, t.h.Stream, lake.Block{Data: t.out.B[:t.size], Records: t.records, Arrival: t.arrival})
	if err != nil {
		return ingest.AppendProblem(err)
	}
	t.accepted += int64(t.records)
	t.bytes += int64(t.size)
	t.size, t.records = 0, 0
	return nil
}
