package dedupe

import (
	"bytes"
	"errors"

	"sluice/internal/lake"
)

// A claim is a key of a record.
type claim struct {
	key    Key
	record int32
	set    *set
	held   bool // it is in stream.pending, as ours
}

// A work is the memory of one append, used again by others.
type work struct {
	ends    []int32 // of the records in the block
	claims  []claim // in the order of the records
	drop    []bool  // records that are duplicates
	indexes []uint64
	request *requestKey
	attr    lake.RequestAttr
	scratch []byte
	data    []byte // the records that are left, where some were dropped
	attrs   []byte
}

// keepData bounds the memory that a work keeps between appends.
const keepData = 1 << 20

func newWork() any { return &work{request: newRequestKey()} }

var errBlock = errors.New("its records do not end in newlines")

// identify finds the records of a block and their keys.
func (w *work) identify(s *stream, block lake.Block) error {
	w.ends, w.claims, w.indexes = w.ends[:0], w.claims[:0], w.indexes[:0]
	var asked bool
	if w.attr, asked = lake.ParseRequest(block.Attrs); asked {
		w.request.begin(w.attr)
	}
	at := 0
	for at < len(block.Data) {
		n := bytes.IndexByte(block.Data[at:], '\n')
		if n < 0 {
			break
		}
		record := block.Data[at : at+n]
		at += n + 1
		i := int32(len(w.ends))
		w.ends = append(w.ends, int32(at))
		if s.field != nil && len(record) > 0 {
			k, ok, scratch := s.field.of(record, w.scratch)
			w.scratch = scratch
			if ok {
				w.claims = append(w.claims, claim{key: k, record: i, set: s.fields})
			}
		}
		if asked {
			k, index := w.request.next(record)
			w.claims = append(w.claims, claim{key: k, record: i, set: s.requests})
			w.indexes = append(w.indexes, index)
		}
	}
	if at != len(block.Data) || len(w.ends) != block.Records {
		return errBlock
	}
	w.drop = append(w.drop[:0], make([]bool, len(w.ends))...)
	return nil
}

// kept counts the records that are no duplicates.
func (w *work) kept() int {
	n := 0
	for _, d := range w.drop {
		if !d {
			n++
		}
	}
	return n
}

// record is the bytes of a record, its newline included.
func (w *work) record(block lake.Block, i int) []byte {
	from := int32(0)
	if i > 0 {
		from = w.ends[i-1]
	}
	return block.Data[from:w.ends[i]]
}

// next makes a block of the records from index from on that are no duplicates: of
// all of them, unless the attribute that tells their places gets too long. It
// returns the index of the record after those it looked at. The block refers to
// the work's memory.
func (w *work) next(block lake.Block, from int) (out lake.Block, to int) {
	w.data, w.attrs = w.data[:0], w.attrs[:0]
	out = block
	out.Records = 0
	var last, run uint64
	for to = from; to < len(w.ends); to++ {
		if w.drop[to] {
			continue
		}
		if len(w.indexes) > 0 {
			index := w.indexes[to]
			switch {
			case out.Records == 0:
				w.attrs = lake.AppendRequest(w.attrs, w.attr.Key, index)
			case index != last+1:
				if len(w.attrs) > lake.MaxAttrs-32 {
					return w.finish(out, nil), to
				}
				w.attrs = lake.AppendGap(w.attrs, 0, run, index-last-1)
				run = 0
			}
			run++
			last = index
		}
		w.data = append(w.data, w.record(block, to)...)
		out.Records++
	}
	return w.finish(out, lake.OtherAttrs(block.Attrs)), to
}

// finish is the block. What the other attributes say is true of the whole block
// only, so they go with the last part, if there is room.
func (w *work) finish(out lake.Block, others []byte) lake.Block {
	out.Data = w.data
	if len(w.indexes) > 0 {
		if len(w.attrs)+len(others) <= lake.MaxAttrs {
			w.attrs = append(w.attrs, others...)
		}
		out.Attrs = w.attrs
	}
	return out
}

// reset lets go of what refers to others' memory, and of memory that is large.
func (w *work) reset() {
	w.attr = lake.RequestAttr{}
	if cap(w.data) > keepData {
		w.data = nil
	}
	if cap(w.scratch) > keepData {
		w.scratch = nil
	}
	if cap(w.claims) > 1<<15 {
		w.claims, w.ends, w.drop, w.indexes = nil, nil, nil, nil
	}
}
