package main

import "sync"

// A fate is what is known of a record that was made.
type fate uint8

const (
	refused   fate = iota // not sent, or certainly not taken: it must be nowhere
	uncertain             // no answer, or one that does not tell: at most once
	acked                 // exactly once
)

// A journal knows the fate of every record of a round.
type journal struct {
	mu    sync.Mutex
	fates [numStreams][][]fate // by client and seq; guarded by mu
	rows  [numStreams]tally    // guarded by mu
	all   tally                // misfits too; guarded by mu
	taken [numStreams]tally    // every time a record was sent, duplicates too; guarded by mu
}

// A tally counts fates.
type tally struct{ acked, uncertain int }

func newJournal(clients int) *journal {
	j := &journal{}
	for s := range j.fates {
		j.fates[s] = make([][]fate, clients)
	}
	return j
}

// take makes n new records of the client.
func (j *journal) take(stream, client, n int) []record {
	j.mu.Lock()
	defer j.mu.Unlock()
	recs := make([]record, n)
	for i := range recs {
		recs[i] = record{stream, client, len(j.fates[stream][client])}
		j.fates[stream][client] = append(j.fates[stream][client], refused)
	}
	return recs
}

// set notes the fate of records; of those that were acknowledged before it stays.
func (j *journal) set(f fate, recs ...record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range recs {
		at := &j.fates[r.stream][r.client][r.seq]
		if *at == acked {
			continue
		}
		j.countLocked(r, *at, -1)
		*at = f
		j.countLocked(r, f, 1)
	}
}

func (j *journal) countLocked(r record, f fate, n int) {
	count := func(t *tally) {
		switch f {
		case acked:
			t.acked += n
		case uncertain:
			t.uncertain += n
		}
	}
	count(&j.all)
	if !r.misfit() {
		count(&j.rows[r.stream])
	}
}

// took notes that so many records of a request were accepted, and so many may be.
func (j *journal) took(stream, accepted, perhaps int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.taken[stream].acked += accepted
	j.taken[stream].uncertain += perhaps
}

// accepted is what the stream's counter of accepted records says at least and at most.
func (j *journal) accepted(stream int) (least, most int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.taken[stream]
	return int64(t.acked), int64(t.acked + t.uncertain)
}

// bounds are how many rows the stream's table has at least and at most, now.
func (j *journal) bounds(stream int) (least, most int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.rows[stream]
	return t.acked, t.acked + t.uncertain
}

// totals counts all records.
func (j *journal) totals() tally {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all
}

// A count compares what is found somewhere with the journal.
type count struct {
	j       *journal
	stream  int
	belongs func(record) bool // records of the stream that should be there
	seen    [][]uint8
	n       int
}

func (j *journal) newCount(stream int, belongs func(record) bool) *count {
	c := &count{j: j, stream: stream, belongs: belongs, seen: make([][]uint8, len(j.fates[stream]))}
	for i, f := range j.fates[stream] {
		c.seen[i] = make([]uint8, len(f))
	}
	return c
}

// found counts an id; the text says what is wrong with its being there, if
// anything.
func (c *count) found(id string) (r record, wrong string) {
	c.n++
	r, ok := parseRecord(c.stream, id)
	if !ok || r.client >= len(c.seen) || r.seq >= len(c.seen[r.client]) {
		return r, "was never sent"
	}
	if s := &c.seen[r.client][r.seq]; *s < 255 {
		*s++
	}
	switch {
	case c.j.fates[c.stream][r.client][r.seq] == refused:
		return r, "was refused, or never sent"
	case !c.belongs(r):
		return r, "does not belong there"
	}
	return r, ""
}

// missing are the acknowledged records that were not found, and those of any fate
// that were found more than once.
func (c *count) missing() (lost, doubled []string) {
	for client, fates := range c.j.fates[c.stream] {
		for seq, f := range fates {
			r := record{c.stream, client, seq}
			switch n := c.seen[client][seq]; {
			case n == 0 && f == acked && c.belongs(r):
				lost = append(lost, r.id())
			case n > 1:
				doubled = append(doubled, r.id())
			}
		}
	}
	return lost, doubled
}
