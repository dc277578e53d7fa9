package convert

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// errTurn ends what is staged: the record that was parsed last is the first of
// another partition, and no more will come of the one before.
var errTurn = errors.New("another partition begins")

// lines are the newline-terminated records of a block.
func lines(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := bytes.IndexByte(data, '\n')
			if n < 0 {
				n = len(data)
			}
			if !yield(data[:n]) {
				return
			}
			data = data[min(n+1, len(data)):]
		}
	}
}

// block parses a block piece by piece. What is left at its end is copied, and
// all of it where it is dealt out beside the parsing, so that small blocks come
// together and what is parsed outlives them.
func (r *run) block(ctx context.Context, block lake.Block) error {
	for data := block.Data; len(data) > 0; {
		n := wholeLines(data, int(r.dealAt)-len(r.staged.data))
		taken, err := r.piece(ctx, data[:n], block.Arrival)
		if err != nil {
			return err
		}
		data = data[taken:]
	}
	r.staged.keep()
	return nil
}

// wholeLines is how many bytes at the beginning of data make whole lines, about
// limit of them and one line at least.
func wholeLines(data []byte, limit int) int {
	if limit >= len(data) {
		return len(data)
	}
	if n := bytes.LastIndexByte(data[:max(limit, 0)], '\n'); n >= 0 {
		return n + 1
	}
	return min(lineEnd(data, 0)+1, len(data))
}

// piece parses whole lines up to the next deal, and returns how many bytes it
// took.
func (r *run) piece(ctx context.Context, lines []byte, arrival time.Time) (int, error) {
	st := r.staged
	from := len(st.data)
	if from == 0 && r.pipe == nil && lines[len(lines)-1] == '\n' {
		st.borrow(lines)
	} else {
		st.copy(lines)
	}
	for i := from; i < len(st.data); {
		end, err := r.shred.record(i)
		if err == nil {
			err = r.row(ctx, arrival)
		}
		if errors.Is(err, errTurn) {
			st.undo()
			return i - from, r.deal()
		}
		if err != nil {
			if err = r.failed(err, st.data[i:end], arrival); err != nil {
				return 0, err
			}
		}
		r.staging += int64(end + 1 - i)
		i = end + 1
		if r.staging >= r.dealAt || st.rows() >= stagedRows {
			return min(i-from, len(lines)), r.deal()
		}
	}
	return len(lines), nil
}

// failed keeps a record that becomes no row, unless the error is not its own.
func (r *run) failed(err error, record []byte, arrival time.Time) error {
	var syntax *jsonscan.SyntaxError
	var misfit *misfitError
	var key *keyError
	if r.original != nil {
		record = r.original
	}
	if r.spill == nil && lake.IsMalformed(record) {
		raw := lake.DecodeMalformed(nil, record)
		return r.failures.add(raw, arrival, "DataFormatConversion.MalformedData", malformed(raw).Error())
	}
	switch {
	case r.spill != nil && (errors.As(err, &syntax) || errors.As(err, &misfit) || errors.As(err, &key)):
		return r.spill.add(0, record, arrival) // it fails again when it is read back
	case errors.As(err, &syntax):
		if jsonscan.SkipSpace(record, 0) == len(record) {
			return nil // a blank line is no record
		}
		return r.failures.add(record, arrival, "DataFormatConversion.MalformedData", err.Error())
	case errors.As(err, &misfit):
		return r.failures.add(record, arrival, "DataFormatConversion.InvalidSchema", err.Error())
	case errors.As(err, &key):
		return r.transformFailures.add(record, arrival, extractionFailed, err.Error())
	}
	return err
}

// row finds the partition of the record that was parsed last, and adds it. Where the
// error is a *keyError it is in staged no more.
func (r *run) row(ctx context.Context, arrival time.Time) error {
	s := &r.shred
	r.arrival = arrival
	if r.settled && r.eval.Same(s.parts, arrival) {
		return r.add(r.last)
	}
	if err := r.locate(ctx); err != nil {
		r.settled = false
		r.staged.undo()
		return err
	}
	for _, d := range r.drops {
		if d.node.part == 0 {
			continue
		}
		text := s.parts[d.node.part-1]
		switch {
		case len(text) == 0 || text[0] == '{' || text[0] == '[':
		case r.eval.Lost(d.key):
			s.rescueText(d.node, text)
		case s.looksBare(text):
			s.rescueText(d.node, text)
			s.marks++
		}
	}
	p := r.last
	if p == nil || p.path != string(r.path) {
		if r.sorted && p != nil {
			if r.staged.rows() > 1 {
				r.settled = false // this record's fields are not those of r.last
				return errTurn
			}
			r.staged.leave = p
		}
		p = r.part(r.path)
		r.last = p
	}
	r.settled = len(r.drops) == 0 && r.keyed == nil
	return r.add(p)
}

// add gives the record that was parsed last to a partition.
func (r *run) add(p *part) error {
	s := &r.shred
	if r.spill != nil {
		record := s.data[s.start:]
		if r.original != nil {
			record = r.original // it will be rewritten again
		}
		return r.spill.add(p.id, record, r.arrival)
	}
	if (len(s.rescues) > 0 || len(r.schema.leaves) == 0) && r.schema.rescued == nil {
		return errRescue // a file needs a column, even if all records are {}
	}
	if len(s.rescues) > 0 {
		s.putRescues()
	}
	r.staged.own(p)
	r.result.Rows++
	r.result.Rescued += int64(len(s.rescues) - s.marks)
	return nil
}

// part finds or begins a partition.
func (r *run) part(path []byte) *part {
	p := r.parts[string(path)]
	if p == nil {
		p = &part{path: string(path), id: int32(len(r.parts) + 1)}
		r.parts[p.path] = p
	}
	return p
}
