package convert

import (
	"errors"
	"slices"
	"sync/atomic"
)

// A dealer gives the rows of a staged to the builders of their partitions.
type dealer struct {
	parts  []*part // those that have rows, in the order of their first
	slots  []int   // of each how many slots
	counts []int   // of each how many entries, then where its entries end
	ofRow  []int32 // of each row the index of its partition
	ofSlot []int32 // of each slot of a space
	number []int32 // of each slot its number among its partition's
	groups []entry // a column's entries, partition by partition
}

// A pipe takes what is staged to a goroutine that deals it out, while the next
// records are parsed.
type pipe struct {
	full  chan *staged // the parsing sends and closes
	empty chan *staged // the dealing sends
	done  chan error   // of one: the dealing's first error, when it is over
	wrong atomic.Bool  // it has one
}

// pipeDepth is how many staged there are: one being parsed into, one being dealt,
// and some between, as neither takes the same time for each.
const pipeDepth = 5

// errDealt ends the parsing, as the dealing has an error to tell.
var errDealt = errors.New("BUG: an error of the dealing is lost")

// startPipe begins to deal beside the parsing. The function it returns waits for
// the end and gives the dealing's error, or else the parsing's.
func (r *run) startPipe() (stop func(error) error) {
	if r.cfg.Threads == 1 {
		return func(err error) error { return err }
	}
	p := &pipe{full: make(chan *staged, pipeDepth), empty: make(chan *staged, pipeDepth), done: make(chan error, 1)}
	for range pipeDepth - 1 {
		p.empty <- newStaged(r.schema)
	}
	r.pipe = p
	go func() {
		var first error
		for st := range p.full {
			if first == nil {
				if first = r.dealOut(st); first != nil {
					p.wrong.Store(true)
				}
			}
			st.reset()
			p.empty <- st
		}
		p.done <- first
	}()
	return func(err error) error {
		close(p.full)
		r.pipe = nil
		if first := <-p.done; first != nil {
			return first
		}
		return err
	}
}

// deal hands what is staged to the builders, and makes room for more.
func (r *run) deal() error {
	r.staging = 0
	if r.pipe == nil {
		err := r.dealOut(r.staged)
		r.staged.reset()
		return err
	}
	r.pipe.full <- r.staged
	r.staged = <-r.pipe.empty
	r.shred.out = r.staged
	if r.pipe.wrong.Load() {
		return errDealt
	}
	return nil
}

// dealOut gives what is staged to the builders, and closes row groups where it is
// time.
func (r *run) dealOut(st *staged) error {
	if r.spill != nil {
		return nil
	}
	if st.leave != nil {
		if err := r.flush(st.leave); err != nil {
			return err
		}
	}
	if st.rows() == 0 {
		return nil
	}
	if err := r.dealer.deal(r, st); err != nil {
		return err
	}
	r.dealt += int64(len(st.data))
	for _, p := range r.dealer.parts {
		p.dealt = r.dealt
	}
	return r.check()
}

func (d *dealer) deal(r *run, st *staged) error {
	d.parts = d.parts[:0]
	if !st.mixed {
		p := st.parts[0]
		d.parts = append(d.parts, p)
		if err := r.open(p); err != nil {
			return err
		}
		before := p.build.bytes
		p.build.takeAll(st)
		r.held += p.build.bytes - before
		return nil
	}
	return d.split(r, st)
}

// split deals a staged whose rows are of several partitions.
func (d *dealer) split(r *run, st *staged) error {
	d.ofRow = d.ofRow[:0]
	for _, p := range st.parts {
		if p.turn == 0 {
			d.parts = append(d.parts, p)
			p.turn = int32(len(d.parts))
			if err := r.open(p); err != nil {
				return err
			}
			r.held -= p.build.bytes
		}
		d.ofRow = append(d.ofRow, p.turn-1)
	}
	for _, p := range d.parts {
		p.turn = 0
	}
	for space := range st.slots {
		d.space(st, space)
	}
	for _, p := range d.parts {
		r.held += p.build.bytes
	}
	return nil
}

// space deals the columns of a space.
func (d *dealer) space(st *staged, space int) {
	of := d.ofRow
	if space > 0 {
		d.ofSlot = d.ofSlot[:0]
		for _, row := range st.rowOf[space] {
			d.ofSlot = append(d.ofSlot, d.ofRow[row])
		}
		of = d.ofSlot
	}
	d.slots = zeros(d.slots, len(d.parts))
	d.number = d.number[:0]
	for _, k := range of {
		d.number = append(d.number, int32(d.slots[k]))
		d.slots[k]++
	}
	for id, in := range st.columns {
		n := st.schema.nodes[id]
		if n.space != space || len(in) == 0 {
			continue
		}
		d.group(in, of)
		from := 0
		for k, to := range d.counts {
			if group := d.groups[from:to]; len(group) > 0 {
				d.parts[k].build.take(n, st, group, len(group) == d.slots[k])
			}
			from = to
		}
	}
	for k, n := range d.slots {
		d.parts[k].build.slots[space] += n
	}
}

// group brings a column's entries into groups, one a partition, with the slots'
// numbers in it, and leaves in counts where each ends.
func (d *dealer) group(in []entry, of []int32) {
	d.counts = zeros(d.counts, len(d.parts))
	for k := range in {
		d.counts[of[in[k].slot]]++
	}
	at := 0
	for k, n := range d.counts {
		d.counts[k] = at
		at += n
	}
	d.groups = slices.Grow(d.groups[:0], len(in))[:len(in)]
	for k := range in {
		p := of[in[k].slot]
		d.groups[d.counts[p]] = entry{in[k].value, d.number[in[k].slot]}
		d.counts[p]++
	}
}

// zeros is a slice of n zeros in the memory of s, if it is large enough.
func zeros(s []int, n int) []int {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}
