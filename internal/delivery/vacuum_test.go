package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sluice/catalogsync"
	"sluice/configs"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/vacuum"
	"sluice/partitioner"
)

// ahead is a store whose clock is ahead by days.
type ahead struct {
	store.Store
	days int
}

func (a ahead) Now(context.Context) (time.Time, error) {
	return time.Now().Add(time.Duration(a.days) * 24 * time.Hour), nil
}

// vacuum is that of another node, which knows nothing of this one's log, shelf and
// journals: two runs, days apart, that remove all that they may.
func (r *rig) vacuum() vacuum.Report {
	r.t.Helper()
	var rep vacuum.Report
	for _, days := range []int{2, 4} {
		v, err := vacuum.Open(vacuum.Config{
			Catalog: r.catalog, NotFound: catalogsync.ErrNotFound, Store: ahead{r.store, days}, Dir: filepath.Join(r.dir, "vacuum"), Grace: 24 * time.Hour,
			Values: func(t lake.Table, folder string) ([]string, error) {
				return partitioner.ParsePath(t.PartitionKeys, folder)
			},
			Busy: func(string) bool { return false },
		})
		if err != nil {
			r.t.Fatal(err)
		}
		if rep, err = v.Do(r.t.Context(), vacuum.Request{Unregistered: true}); err != nil || len(rep.Faults) > 0 {
			r.t.Fatal(err, rep.Faults)
		}
	}
	return rep
}

// swept puts objects, and has another node vacuum after one of them; then the attempt
// ends with a fault.
type swept struct {
	store.Store
	at    int // which put
	after func()
	puts  *int
}

func (s swept) Put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	if err := s.Store.Put(ctx, key, body, size); err != nil {
		return err
	}
	if *s.puts++; *s.puts-1 == s.at {
		s.after()
		return errInjected
	}
	return nil
}

// A delivery, or a join of held rows, that is interrupted after any of its puts, and
// whose objects another node then takes for orphans and removes, is complete when it is
// done again: here, or by the process that comes after.
func TestVacuumBetweenAttempts(t *testing.T) {
	for _, hold := range []configs.Bytes{0, configs.MiB} {
		for at := range 4 {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("hold=%d put=%d restart=%v", hold, at, restart), func(t *testing.T) {
					t.Parallel()
					vacuumAfter(t, hold, at, restart)
				})
			}
		}
	}
}

func vacuumAfter(t *testing.T, hold configs.Bytes, at int, restart bool) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}, Hold: configs.Hold{Under: hold, For: time.Hour}}
	removed, puts := 0, 0
	open := func(s delivery.Store) *delivery.Deliverer {
		return r.deliverer(func(cfg *delivery.Config) { cfg.Held, cfg.Store, cfg.Uploads = r.shelf(), s, 1 })
	}
	d := open(swept{r.store, at, func() { removed = r.vacuum().ObjectsRemoved }, &puts})
	stop := start(t, d)
	for i := range int64(9) {
		r.append("s", record(i))
	}
	if _, err := d.Flush(context.Background(), "s"); err != nil && !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	if restart {
		stop()
		if err := r.buffer.Close(); err != nil {
			t.Fatal(err)
		}
		r.openBuffer()
		d = open(r.store)
		stop = start(t, d)
	}
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	stop()
	r.vacuum()
	if ids := r.ids("s"); !slices.Equal(ids, upTo(9)) {
		t.Errorf("in the lake: %v", ids)
	}
	if at < 3 && removed == 0 {
		t.Error("the vacuum removed nothing, so this shows nothing")
	}
}

// What a node that is lost with its disk put and never registered is told of, and goes
// when that is asked for; what it registered stays.
func TestVacuumOfLostNode(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}}
	r.append("s", record(0))
	r.deliver()
	r.append("s", record(1), record(2), record(3))
	r.crash(4, true) // one of the uploads
	if rep := r.vacuum(); rep.ObjectsRemoved == 0 {
		t.Errorf("removed: %+v", rep)
	}
	if ids := r.ids("s"); !slices.Contains(ids, 0) || slices.Contains(ids, 1) {
		t.Errorf("in the lake: %v", ids)
	}
}
