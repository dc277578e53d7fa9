package vacuum_test

import (
	"testing"
	"time"

	"sluice/internal/upkeep/vacuum"
)

// The status counts what was looked at and removed; before and afterwards there is none.
func TestStatus(t *testing.T) {
	h := newHouse(t)
	other := h.make("shop", "visits", "shop/visits", "dt")
	for _, key := range []string{"shop/sales/dt=1/" + batch, "shop/visits/dt=1/" + batch, "shop/visits/dt=1/" + another} {
		h.put(key)
	}
	v := h.open()
	none := func(when string) {
		t.Helper()
		if s, ok := v.Status(); ok {
			t.Errorf("%s: %+v", when, s)
		}
	}
	run := func() {
		t.Helper()
		if _, err := v.Do(t.Context(), vacuum.Request{Unregistered: true}); err != nil {
			t.Fatal(err)
		}
	}
	h.store.now = h.store.now.Add(time.Minute)
	none("before")
	run()
	none("between")
	h.store.now = h.store.now.Add(25 * time.Hour)
	var seen []vacuum.Status
	h.store.fail = func(string) error {
		s, ok := v.Status()
		if !ok {
			t.Error("no status while objects are removed")
		}
		seen = append(seen, s)
		return nil
	}
	run()
	none("afterwards")
	last := vacuum.Status{Table: other.Name, Number: 2, Of: 2, Listed: 3, Removed: 2, Bytes: int64(len("shop/sales/dt=1/"+batch) + len("shop/visits/dt=1/"+batch))}
	if len(seen) != 3 || seen[2] != last {
		t.Errorf("status: %+v, want the last to be %+v", seen, last)
	}
}
