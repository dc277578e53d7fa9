package checkpoint

import (
	"slices"

	"sluice/internal/lake"
)

// Together parts batches of a table, which all have left the log or been numbered
// otherwise, into those whose rows may be in one object: no checkpoint separates them,
// and no run that is planned later will. Those of one part are in the order of their
// numbers, and the object has to have the id of the last as its name: that one is
// remembered for as long as any. A batch that has no number is alone.
//
// A run's range ends at the latest number when it was planned: at that moment these
// batches have theirs. So only the ends count that there are now: those of the latest
// ranges of the checkpoints, of the runs that are under way, and of pledges.
func (b *Book) Together(table lake.TableName, ids []lake.BatchID) (parts [][]lake.BatchID) {
	// Nobody plans meanwhile: a run's end is known when this is free.
	b.planning <- struct{}{}
	defer func() { <-b.planning }()
	cuts := b.cuts(table.String())
	numbers := b.journal.numbers(ids)
	numbered := slices.DeleteFunc(slices.Clone(ids), func(id lake.BatchID) bool {
		if numbers[id] == 0 {
			parts = append(parts, []lake.BatchID{id})
		}
		return numbers[id] == 0
	})
	slices.SortFunc(numbered, func(x, y lake.BatchID) int {
		if numbers[x] < numbers[y] {
			return -1
		}
		return 1
	})
	begun := false
	for i, id := range numbered {
		separated := i > 0 && slices.ContainsFunc(cuts, func(cut uint64) bool {
			return numbers[numbered[i-1]] <= cut && cut < numbers[id]
		})
		if !begun || separated {
			parts = append(parts, nil)
			begun = true
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], id)
	}
	return parts
}

// cuts are the numbers at which ranges of the table end or begin.
func (b *Book) cuts(table string) (cuts []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.names {
		if r, ok := e.state.Tables[table]; ok {
			cuts = append(cuts, r.From, r.To)
		}
		if e.run != nil && e.run.planned > 0 {
			cuts = append(cuts, e.run.planned)
		}
		if e.pledge != nil {
			for _, s := range []State{e.pledge.Before, e.pledge.After} {
				if r, ok := s.Tables[table]; ok {
					cuts = append(cuts, r.From, r.To)
				}
			}
		}
	}
	return cuts
}

// numbers are those of the batches that have one.
func (j *journal) numbers(ids []lake.BatchID) map[lake.BatchID]uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	want := make(map[key]lake.BatchID, len(ids))
	for _, id := range ids {
		if k, err := keyOf(id); err == nil {
			want[k] = id
		}
	}
	out := make(map[lake.BatchID]uint64, len(ids))
	for i := len(j.keys) - 1; i >= 0 && len(out) < len(want); i-- {
		if id, ok := want[j.keys[i]]; ok {
			out[id] = j.first + uint64(i)
		}
	}
	return out
}
