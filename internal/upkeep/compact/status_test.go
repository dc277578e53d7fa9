package compact_test

import (
	"context"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/upkeep/compact"
)

// A watched converter looks at the status whenever a merge tells how far it is.
type watched struct {
	compact.Converter
	look func(done int64)
}

func (w watched) Merge(ctx context.Context, job convert.MergeJob) (convert.MergeResult, error) {
	tell := job.Progress
	job.Progress = func(done int64) {
		tell(done)
		w.look(done)
	}
	return w.Converter.Merge(ctx, job)
}

// The status names the partition that is being compacted and comes to its end; in
// between and afterwards nothing is.
func TestStatus(t *testing.T) {
	h := openHouse(t, dt)
	for i := range 8 {
		_, err := h.deliver(t.Context(), string(rune('a'+i%2)), i*10, 10)
		check(t, err)
	}
	var c *compact.Compactor
	looks, numbers := 0, map[int]string{}
	c = h.compactor(func(cfg *compact.Config) {
		cfg.Layout = func(lake.TableName) convert.Layout { return convert.Layout{Sort: []lake.SortKey{{Path: "id"}}} }
		cfg.Converter = watched{h.converter, func(done int64) {
			looks++
			s, ok := c.Status()
			if !ok || s.Table != events || s.Of != 2 || s.Total == 0 || s.Done != done {
				t.Errorf("status after %d bytes: %+v, %v", done, s, ok)
			}
			numbers[s.Number] = s.Partition[0]
		}}
	})
	report(t, c, compact.Options{})
	if looks == 0 || numbers[1] != "a" || numbers[2] != "b" {
		t.Errorf("%d looks at %v", looks, numbers)
	}
	if s, ok := c.Status(); ok {
		t.Errorf("status at the end: %+v", s)
	}
}
