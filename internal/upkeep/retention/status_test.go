package retention_test

import (
	"slices"
	"testing"
	"time"

	"sluice/internal/upkeep/retention"
)

// The status tells of the table that is looked at, of the partitions that are dropped, and
// of the objects that are deleted; before and afterwards of nothing.
func TestStatus(t *testing.T) {
	h := newHouse(t)
	for _, day := range []string{"2020-01-01", "2020-01-02", "2026-01-30"} {
		h.deliver("a.parquet", day)
	}
	h.wait(objectAge)
	var r *retention.Reaper
	var seen []retention.Status
	look := func() {
		s, ok := r.Status()
		if !ok || s.Table != name {
			t.Errorf("status: %+v, %v", s, ok)
		}
		if !slices.Contains(seen, s) {
			seen = append(seen, s)
		}
	}
	h.store.fault = func(op, _ string) (error, bool) {
		look()
		return nil, false
	}
	r = h.meddled(meddling{before: func(string) error { look(); return nil }})
	if s, ok := r.Status(); ok {
		t.Errorf("before: %+v", s)
	}
	h.drop(r)
	want := []retention.Status{{Table: name}, {Table: name, Of: 2}}
	if !slices.Equal(seen, want) {
		t.Errorf("while partitions are dropped: %+v, want %+v", seen, want)
	}
	h.wait(25 * time.Hour)
	seen = nil
	h.delete(r)
	want = []retention.Status{{Table: name, Of: 2}, {Table: name, Partitions: 1, Of: 2, Objects: 1, Bytes: int64(len("a.parquet"))}}
	if !slices.Equal(seen, want) {
		t.Errorf("while objects are deleted: %+v, want %+v", seen, want)
	}
	if s, ok := r.Status(); ok {
		t.Errorf("afterwards: %+v", s)
	}
}
