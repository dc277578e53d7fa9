package firehose

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"sluice/ingest"
	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// The limits of PutRecordBatch: entries, and their bytes before base64.
const (
	maxEntries    = 500
	maxBatchBytes = 4 << 20
	// maxPutBody is what that may be in JSON: base64, some of it with escapes.
	maxPutBody = 8 << 20
)

// A put is a PutRecord or PutRecordBatch being read.
type put struct {
	lines  lines
	stream string
	batch  bool
	seen   bool // of the entries
}

// read reads the whole request.
func (p *put) read(w *window) error {
	err := w.object(func(key string) error {
		switch {
		case key == keyStream:
			return p.name(w)
		case key == keyRecord && !p.batch, key == keyRecords && p.batch:
			if p.seen {
				return malformed("the request has the member %s twice", key)
			}
			p.seen = true
			if !p.batch {
				return p.entry(w, keyData)
			}
			return w.array(func() error { return p.entry(w, keyData) })
		}
		_, err := w.value()
		return err
	})
	if err == nil {
		err = w.done()
	}
	switch {
	case err != nil:
		return err
	case !p.seen && !p.batch:
		return invalid("Value null at 'record' failed to satisfy constraint: Member must not be null")
	case p.batch && p.lines.entries == 0:
		return invalid("Value at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	return nil
}

func (p *put) name(w *window) error {
	value, err := w.value()
	if err != nil {
		return err
	}
	if value[0] != '"' {
		return malformed("DeliveryStreamName must be a string")
	}
	p.stream = string(jsonscan.AppendUnquoted(nil, value))
	return nil
}

// entry takes one record; datum is the name of its data.
func (p *put) entry(w *window, datum string) error {
	found := false
	if p.batch && p.lines.entries == maxEntries {
		return invalid("Value at 'records' failed to satisfy constraint: Member must have length less than or equal to %d", maxEntries)
	}
	if done, err := p.plainEntry(w, datum); done || err != nil {
		return err
	}
	err := w.object(func(key string) error {
		if key != datum {
			_, err := w.value()
			return err
		}
		if found {
			return malformed("record %d has the member %s twice", p.lines.entries, datum)
		}
		text, ok, err := w.text()
		if err != nil {
			return err
		}
		if !ok {
			return malformed("the data of record %d must be a string of base64", p.lines.entries+1)
		}
		found = true
		return p.lines.add(text, w.scanner())
	})
	switch {
	case err != nil:
		return err
	case !found:
		return invalid("Value null at 'records.%d.member.data' failed to satisfy constraint: Member must not be null", p.lines.entries+1)
	}
	return p.checkSize()
}

// plainEntry takes an entry that is written as nearly all are, without looking at
// its parts one after the other.
func (p *put) plainEntry(w *window, datum string) (done bool, err error) {
	rest := w.rest()
	begin := len(`{"":`) + len(datum)
	if len(rest) < begin+2 || rest[0] != '{' || rest[1] != '"' || string(rest[2:begin-2]) != datum || rest[begin-2] != '"' || rest[begin-1] != ':' {
		return false, nil
	}
	if rest[begin] == ' ' {
		begin++
	}
	n := bytes.IndexByte(rest[begin+1:], '"')
	end := begin + 1 + n + 1
	if rest[begin] != '"' || n < 0 || end >= len(rest) || rest[end] != '}' {
		return false, nil
	}
	w.start += end + 1
	if err := p.lines.add(rest[begin:end], w.scanner()); err != nil {
		return false, err
	}
	return true, p.checkSize()
}

func (p *put) checkSize() error {
	if p.batch && p.lines.bytes > maxBatchBytes {
		return invalid("Records size exceeds 4 MB limit")
	}
	return nil
}

// store appends the blocks one after the other; it returns how many it stored, and
// why the next one was not.
func (h *Handler) store(ctx context.Context, stream string, l *lines) (stored int, err error) {
	for i, b := range l.blocks {
		if b.records == 0 {
			continue
		}
		data := b.buf.B[:b.size]
		if err := h.Appender.Append(ctx, stream, lake.Block{Data: data, Records: b.records, Arrival: arrival()}); err != nil {
			return i, ingest.AppendProblem(err)
		}
		h.Metrics.Accepted(stream, int64(b.records), int64(len(data)))
	}
	return len(l.blocks), nil
}

func arrival() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// put serves PutRecord and PutRecordBatch.
func (h *Handler) put(w http.ResponseWriter, r *http.Request, batch bool) error {
	q, err := h.open(w, r, min(h.MaxBody, maxPutBody))
	if err != nil {
		return err
	}
	p := &put{batch: batch, lines: lines{ctx: r.Context(), mem: h.Memory}}
	defer p.lines.free()
	who, err := q.end(p.read(q.window))
	if err != nil {
		return err
	}
	if err := h.mayWrite(who, p.stream); err != nil {
		return err
	}
	if err := h.charge(who, p.lines.entries, p.lines.bytes); err != nil {
		return err
	}
	leave, err := h.enter(p.stream)
	if err != nil {
		return err
	}
	stored, err := h.store(r.Context(), p.stream, &p.lines)
	leave()
	if err != nil && (stored == 0 || !batch) {
		return err
	}
	answer := p.answer(stored, err)
	p.lines.free() // the answer may be taken slowly
	if err != nil {
		h.log(r, faultOf(err))
	}
	w.Header()["Content-Type"] = contentType
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.Write(answer)
	return nil
}

// answer is the body of the answer: the entries of blocks from stored on failed.
func (p *put) answer(stored int, err error) []byte {
	var id [8]byte
	rand.Read(id[:]) // never fails
	prefix := base64.RawURLEncoding.EncodeToString(id[:])
	if !p.batch {
		return []byte(`{"RecordId":"` + prefix + `-0","Encrypted":false}`)
	}
	good := p.lines.entries
	failure := []byte(nil)
	if err != nil {
		good = p.lines.blocks[stored].entry
		f := faultOf(err)
		kind := typeInternal
		if f.kind == typeUnavailable {
			kind = typeUnavailable
		}
		failure = append(append(failure, `{"ErrorCode":"`...), kind...)
		failure = append(ingest.AppendString(append(failure, `","ErrorMessage":`...), f.message), '}')
	}
	n := p.lines.entries
	b := make([]byte, 0, 64+good*(len(prefix)+len(`{"RecordId":"-000"},`))+(n-good)*(len(failure)+1))
	b = append(b, `{"FailedPutCount":`...)
	b = strconv.AppendInt(b, int64(n-good), 10)
	b = append(b, `,"Encrypted":false,"RequestResponses":[`...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if i >= good {
			b = append(b, failure...)
			continue
		}
		b = append(append(b, `{"RecordId":"`...), prefix...)
		b = append(b, '-')
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `"}`...)
	}
	return append(b, `]}`...)
}
