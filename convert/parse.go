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

// block parses a block piece by piece. What is left at its end is copied, so that
// small blocks come together and what is parsed outlives them.
func (l *lane) block(ctx context.Context, block lake.Block) error {
	for data := block.Data; len(data) > 0; {
		n := wholeLines(data, int(l.dealAt)-len(l.staged.data))
		taken, err := l.piece(ctx, data[:n], block.Arrival)
		if err != nil {
			return err
		}
		data = data[taken:]
	}
	l.staged.keep()
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
func (l *lane) piece(ctx context.Context, lines []byte, arrival time.Time) (int, error) {
	st := l.staged
	from := len(st.data)
	if from == 0 && lines[len(lines)-1] == '\n' {
		st.borrow(lines)
	} else {
		st.copy(lines)
	}
	for i := from; i < len(st.data); {
		end, err := l.shred.record(i)
		if err == nil {
			err = l.row(ctx, arrival)
		}
		if errors.Is(err, errTurn) {
			st.undo()
			return i - from, l.deal()
		}
		if err != nil {
			if err = l.failed(err, st.data[i:end], arrival); err != nil {
				return 0, err
			}
		}
		l.staging += int64(end + 1 - i)
		i = end + 1
		if l.staging >= l.dealAt || st.rows() >= stagedRows {
			return min(i-from, len(lines)), l.deal()
		}
	}
	return len(lines), nil
}

// failed keeps a record that becomes no row, unless the error is not its own.
func (l *lane) failed(err error, record []byte, arrival time.Time) error {
	var syntax *jsonscan.SyntaxError
	var misfit *misfitError
	var key *keyError
	if l.original != nil {
		record = l.original
	}
	if l.spill == nil && lake.IsMalformed(record) {
		raw := lake.DecodeMalformed(nil, record)
		return l.failures.add(raw, arrival, "DataFormatConversion.MalformedData", malformed(raw).Error())
	}
	switch {
	case l.spill != nil && (errors.As(err, &syntax) || errors.As(err, &misfit) || errors.As(err, &key)):
		return l.spill.add(0, record, arrival) // it fails again when it is read back
	case errors.As(err, &syntax):
		if jsonscan.SkipSpace(record, 0) == len(record) {
			return nil // a blank line is no record
		}
		return l.failures.add(record, arrival, "DataFormatConversion.MalformedData", err.Error())
	case errors.As(err, &misfit):
		return l.failures.add(record, arrival, "DataFormatConversion.InvalidSchema", err.Error())
	case errors.As(err, &key):
		return l.transformFailures.add(record, arrival, extractionFailed, err.Error())
	}
	return err
}

// row finds the partition of the record that was parsed last, and adds it. Where the
// error is a *keyError it is in staged no more.
func (l *lane) row(ctx context.Context, arrival time.Time) error {
	s := &l.shred
	if l.settled && (len(s.parts) == 0 && arrival == l.arrival || s.typed && l.low <= s.moment && s.moment < l.high || l.eval.Same(s.parts, arrival)) {
		l.arrival = arrival
		return l.add(l.last)
	}
	l.arrival = arrival
	if err := l.locate(ctx); err != nil {
		l.settled = false
		l.staged.undo()
		return err
	}
	for _, d := range l.drops {
		if d.node.part == 0 {
			continue
		}
		text := s.parts[d.node.part-1]
		switch {
		case len(text) == 0 || text[0] == '{' || text[0] == '[':
		case l.eval.Lost(d.key):
			s.rescueText(d.node, text)
		case s.looksBare(text):
			s.rescueText(d.node, text)
			s.marks++
		}
	}
	p := l.last
	if p == nil || p.path != string(l.path) {
		if l.sorted && p != nil {
			if l.staged.rows() > 1 {
				l.settled = false // this record's fields are not those of l.last
				return errTurn
			}
			l.staged.leave = p
		}
		p = l.part(l.path)
		l.last = p
	}
	l.settled = len(l.drops) == 0 && l.keyed == nil
	l.low, l.high = l.moments()
	return l.add(p)
}

// moments is the range of shredder.moment in which records are of the partition of the
// one that was parsed last; none where both are 0.
func (l *lane) moments() (low, high int64) {
	s, ok := &l.shred, false
	if !l.settled || !s.typed || len(s.fields) != 1 {
		return 0, 0
	}
	if l.schema.find(s.fields[0]).typ.Kind == lake.KindTimestamp {
		low, high, ok = l.eval.RangeOfMicros()
	} else {
		low, high, ok = l.eval.Range(s.moment)
	}
	if !ok {
		return 0, 0
	}
	return low, high
}

// add gives the record that was parsed last to a partition.
func (l *lane) add(p *part) error {
	s := &l.shred
	if l.spill != nil {
		record := s.data[s.start:]
		if l.original != nil {
			record = l.original // it will be rewritten again
		}
		return l.spill.add(p.id, record, l.arrival)
	}
	if (len(s.rescues) > 0 || len(l.schema.leaves) == 0) && l.schema.rescued == nil {
		return errRescue // a file needs a column, even if all records are {}
	}
	if len(s.rescues) > 0 {
		s.putRescues()
	}
	l.staged.own(p)
	l.result.Rows++
	l.result.Rescued += int64(len(s.rescues) - s.marks)
	return nil
}

// part finds or begins a partition.
func (l *lane) part(path []byte) *part {
	p := l.parts[string(path)]
	if p == nil {
		p = &part{path: string(path), id: int32(len(l.parts) + 1)}
		l.parts[p.path] = p
	}
	return p
}
