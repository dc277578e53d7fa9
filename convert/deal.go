package convert

import "slices"

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

// deal hands what is staged to the builders, and makes room for more.
func (l *lane) deal() error {
	l.staging = 0
	err := l.dealOut(l.staged)
	l.staged.reset()
	return err
}

// dealOut gives what is staged to the builders, and closes row groups where it is
// time.
func (l *lane) dealOut(st *staged) error {
	if l.spill != nil {
		return nil
	}
	if st.leave != nil {
		if err := l.flush(st.leave); err != nil {
			return err
		}
	}
	if st.rows() == 0 {
		return nil
	}
	if err := l.dealer.deal(l, st); err != nil {
		return err
	}
	l.dealt += int64(len(st.data))
	for _, p := range l.dealer.parts {
		p.dealt = l.dealt
	}
	return l.check()
}

func (d *dealer) deal(l *lane, st *staged) error {
	d.parts = d.parts[:0]
	if len(st.owners) == 1 {
		p := st.owners[0].part
		d.parts = append(d.parts, p)
		if err := l.open(p); err != nil {
			return err
		}
		before := p.build.bytes
		p.build.takeAll(st)
		l.held += p.build.bytes - before
		return nil
	}
	return d.split(l, st)
}

// split deals a staged whose rows are of several partitions.
func (d *dealer) split(l *lane, st *staged) error {
	d.ofRow = d.ofRow[:0]
	for _, o := range st.owners {
		p := o.part
		if p.turn == 0 {
			d.parts = append(d.parts, p)
			p.turn = int32(len(d.parts))
			if err := l.open(p); err != nil {
				return err
			}
			l.held -= p.build.bytes
		}
		for range o.rows {
			d.ofRow = append(d.ofRow, p.turn-1)
		}
	}
	for _, p := range d.parts {
		p.turn = 0
	}
	for space := range st.slots {
		d.space(st, space)
	}
	for _, p := range d.parts {
		l.held += p.build.bytes
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
