package retention_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/retention"
	"sluice/partitioner"
)

var name = lake.TableName{Database: "shop", Table: "sales"}

const objectAge = 2 * time.Hour // of what was put before the clock was turned

// A house is a lake with a catalog, whose store's clock the test turns.
type house struct {
	t       *testing.T
	store   *clocked
	catalog *catalogsync.Catalog
	table   lake.Table
	dir     string
	rule    retention.Rule
}

// clocked is a store with a clock, which says when objects were put, and faults.
type clocked struct {
	store.Store
	now time.Time
	put map[string]time.Time
	// fault is called before each operation that changes something or that retention
	// does: an error ends it, applied or not.
	fault func(op, key string) (err error, applied bool)
}

func (c *clocked) Put(ctx context.Context, key string, body *bytes.Reader) error {
	c.put[key] = c.now
	return c.Store.Put(ctx, key, body, body.Size())
}

func (c *clocked) Now(context.Context) (time.Time, error) { return c.now, nil }

func (c *clocked) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		if err, _ := c.fault("list", prefix); err != nil {
			yield(store.Object{}, err)
			return
		}
		for o, err := range c.Store.List(ctx, prefix) {
			o.Modified = c.put[o.Key]
			if !yield(o, err) {
				return
			}
		}
	}
}

func (c *clocked) Remove(ctx context.Context, o store.Object) error {
	err, applied := c.fault("remove", o.Key)
	if err == nil || applied {
		err = errors.Join(err, c.Store.Remove(ctx, o))
	}
	return err
}

func newHouse(t *testing.T, partitionBy ...string) *house {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	catalog, err := catalogsync.New(t.Context(), catalogsync.Config{Transport: server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{
		t: t, catalog: catalog, dir: t.TempDir(), rule: retention.Rule{After: 10 * 24 * time.Hour, By: []string{"dt"}},
		store: &clocked{Store: s, now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), put: map[string]time.Time{}, fault: func(string, string) (error, bool) { return nil, false }},
	}
	if len(partitionBy) == 0 {
		partitionBy = []string{"dt=day(ts)"}
	}
	rules, err := partitioner.Parse(partitionBy)
	if err != nil {
		t.Fatal(err)
	}
	h.table = lake.Table{
		Name: name, Location: s.URI("shop/sales") + "/", Columns: []lake.Column{{Name: "a", Type: lake.Int}}, PartitionKeys: rules.Keys(),
		Parameters: rules.Projection(s.URI("shop/sales") + "/"),
	}
	if h.table, err = catalog.Ensure(t.Context(), h.table); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) open() *retention.Reaper {
	h.t.Helper()
	r, err := retention.Open(retention.Config{
		Catalog: h.catalog, NotFound: catalogsync.ErrNotFound, Store: h.store, Rules: map[lake.TableName]retention.Rule{name: h.rule},
		Dir: h.dir, Grace: 24 * time.Hour, Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) folder(values ...string) string {
	return "shop/sales/" + partitioner.Path(h.table.PartitionKeys, values)
}

// upload puts an object of a partition.
func (h *house) upload(object string, values ...string) {
	h.t.Helper()
	if err := h.store.Put(h.t.Context(), h.folder(values...)+"/"+object, bytes.NewReader([]byte(object))); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) register(values ...string) {
	h.t.Helper()
	p := lake.Partition{Values: values, Location: h.store.URI(h.folder(values...)) + "/"}
	if err := h.catalog.AddPartitions(h.t.Context(), h.table, []lake.Partition{p}); err != nil {
		h.t.Fatal(err)
	}
}

// deliver is what a delivery does.
func (h *house) deliver(object string, values ...string) {
	h.t.Helper()
	h.upload(object, values...)
	h.register(values...)
}

// partitions are the registered ones.
func (h *house) partitions() (list []string) {
	h.t.Helper()
	parts, err := h.catalog.Partitions(h.t.Context(), name, "")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range parts {
		list = append(list, strings.Join(p.Values, "/"))
	}
	slices.Sort(list)
	return list
}

func (h *house) objects() (list []string) {
	h.t.Helper()
	for o, err := range h.store.Store.List(h.t.Context(), "") {
		if err != nil {
			h.t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(o.Key, "shop/sales/"))
	}
	return list
}

// visible are the objects of registered partitions that this node's queries see.
func (h *house) visible(r *retention.Reaper) (list []string) {
	h.t.Helper()
	parts, err := h.catalog.Partitions(h.t.Context(), name, "")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range parts {
		key, _ := h.store.Key(p.Location)
		for o, err := range h.store.Store.List(h.t.Context(), strings.TrimSuffix(key, "/")) {
			if err != nil {
				h.t.Fatal(err)
			}
			if !r.Hides(o.Key, h.store.put[o.Key]) {
				list = append(list, strings.TrimPrefix(o.Key, "shop/sales/"))
			}
		}
	}
	slices.Sort(list)
	return list
}

func (h *house) is(what string, got []string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (h *house) drop(r *retention.Reaper) retention.Report {
	h.t.Helper()
	rep, err := r.Drop(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return rep
}

func (h *house) delete(r *retention.Reaper) retention.Deleted {
	h.t.Helper()
	d, err := r.Delete(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

// wait turns the clock.
func (h *house) wait(d time.Duration) { h.store.now = h.store.now.Add(d) }

func TestLife(t *testing.T) {
	h := newHouse(t)
	for _, day := range []string{"2026-01-19", "2026-01-20", "2026-01-21", "2026-01-31", "2026-02-09"} {
		h.deliver("a.parquet", day)
	}
	h.wait(objectAge)
	r := h.open()
	plan, err := r.Plan(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Expired) != 2 || plan.Kept != 3 || plan.PassedCount != 0 || plan.Expired[0].Objects != 1 || plan.Dropped != 0 {
		t.Errorf("plan: %+v", plan)
	}
	h.is("a plan changes nothing", h.partitions(), "2026-01-19", "2026-01-20", "2026-01-21", "2026-01-31", "2026-02-09")
	if rep := h.drop(r); rep.Dropped != 2 {
		t.Errorf("dropped: %+v", rep)
	}
	h.is("partitions", h.partitions(), "2026-01-21", "2026-01-31", "2026-02-09")
	if d := h.delete(r); d.Objects != 0 || d.Waiting != 2 {
		t.Errorf("before the grace period is over: %+v", d)
	}
	r = h.open() // the journal is read again
	h.wait(24 * time.Hour)
	if d := h.delete(r); d.Objects != 2 || d.Waiting != 0 {
		t.Errorf("deleted %+v", d)
	}
	h.is("objects", h.objects(), "dt=2026-01-21/a.parquet", "dt=2026-01-31/a.parquet", "dt=2026-02-09/a.parquet")
	if files, _ := filepath.Glob(h.dir + "/*"); len(files) != 0 {
		t.Errorf("the journal still has %v", files)
	}
}

// What cannot be dated, and what lies where others do, is left alone.
func TestPassedOver(t *testing.T) {
	h := newHouse(t)
	old := "2020-01-01"
	for _, v := range []string{old, lake.NullPartition, "2020-02-30", "yesterday", "2020-02-01", "2020-03-01", "2020-04-01"} {
		h.deliver("a.parquet", v)
	}
	add := func(location string, values ...string) {
		t.Helper()
		if err := h.catalog.AddPartitions(t.Context(), h.table, []lake.Partition{{Values: values, Location: location}}); err != nil {
			t.Fatal(err)
		}
	}
	add(h.store.URI("elsewhere/x")+"/", "2020-05-01")
	add("s3://somewhere/else/", "2020-05-02")
	// Another partition of the table lies in one, another table at one, and a partition
	// of another table in one.
	add(h.store.URI(h.folder("2020-02-01")+"/inner")+"/", "2026-01-30")
	other := lake.TableName{Database: "shop", Table: "other"}
	if _, err := h.catalog.Ensure(t.Context(), lake.Table{Name: other, Location: h.store.URI(h.folder("2020-03-01")) + "/", Columns: h.table.Columns}); err != nil {
		t.Fatal(err)
	}
	far, err := h.catalog.Ensure(t.Context(), lake.Table{Name: lake.TableName{Database: "shop", Table: "far"}, Location: h.store.URI("far") + "/", Columns: h.table.Columns, PartitionKeys: h.table.PartitionKeys})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.catalog.AddPartitions(t.Context(), far, []lake.Partition{{Values: []string{"x"}, Location: h.store.URI(h.folder("2020-04-01")+"/part") + "/"}}); err != nil {
		t.Fatal(err)
	}
	h.wait(objectAge)
	r := h.open()
	rep := h.drop(r)
	if rep.Dropped != 1 || rep.PassedCount != 8 || rep.Kept != 1 {
		t.Errorf("report: dropped %d, passed %d, kept %d: %+v", rep.Dropped, rep.PassedCount, rep.Kept, rep.Passed)
	}
	if got := h.partitions(); slices.Contains(got, old) || len(got) != 9 {
		t.Errorf("partitions: %v", got)
	}
	h.wait(25 * time.Hour)
	if d := h.delete(r); d.Objects != 1 {
		t.Errorf("deleted: %+v", d)
	}
	// One that lies at the table's folder has all others in it.
	h.deliver("a.parquet", old)
	add(h.table.Location, "2020-05-03")
	h.wait(objectAge)
	if rep := h.drop(r); rep.Dropped != 0 {
		t.Errorf("dropped %d beside a partition of the whole folder", rep.Dropped)
	}
	for _, table := range []string{"view", "unpartitioned", "absent"} {
		tn := lake.TableName{Database: "shop", Table: table}
		if table == "unpartitioned" {
			if _, err := h.catalog.Ensure(t.Context(), lake.Table{Name: tn, Location: h.store.URI("shop/"+table) + "/", Columns: h.table.Columns}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Drop(t.Context(), tn); err == nil {
			t.Errorf("%s: no error", table)
		}
	}
}

// A table over the same files keeps them, also when it comes after the drop.
func TestSomebodyElseComes(t *testing.T) {
	h := newHouse(t)
	h.deliver("a.parquet", "2020-01-01")
	h.wait(objectAge)
	r := h.open()
	h.drop(r)
	over := lake.Table{Name: lake.TableName{Database: "shop", Table: "archive"}, Location: h.store.URI("shop/sales") + "/", Columns: h.table.Columns}
	if _, err := h.catalog.Ensure(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	h.wait(25 * time.Hour)
	if d := h.delete(r); d.Objects != 0 || d.Waiting != 1 {
		t.Errorf("with another table there: %+v", d)
	}
	if err := h.catalog.Drop(t.Context(), over.Name, func(lake.Table) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if d := h.delete(r); d.Objects != 1 || d.Waiting != 0 {
		t.Errorf("after it went: %+v", d)
	}
}

// Rows that come after the drop make the partition anew, without the old ones.
func TestLateDelivery(t *testing.T) {
	h := newHouse(t)
	h.deliver("old.parquet", "2020-01-01")
	h.wait(objectAge)
	r := h.open()
	h.drop(r)
	h.wait(objectAge)
	h.deliver("late.parquet", "2020-01-01")
	h.deliver("old.parquet", "2020-01-02") // a name is not what tells them apart
	h.is("seen", h.visible(r), "dt=2020-01-01/late.parquet", "dt=2020-01-02/old.parquet")
	h.is("seen after a restart", h.visible(h.open()), "dt=2020-01-01/late.parquet", "dt=2020-01-02/old.parquet")
	if rep := h.drop(r); rep.Dropped != 0 || rep.PassedCount != 2 {
		t.Errorf("partitions to which objects just came: %+v", rep)
	}
	h.wait(23 * time.Hour)
	if d := h.delete(r); d.Objects != 1 {
		t.Errorf("deleted %+v", d)
	}
	h.is("objects", h.objects(), "dt=2020-01-01/late.parquet", "dt=2020-01-02/old.parquet")
	h.is("seen", h.visible(r), "dt=2020-01-01/late.parquet", "dt=2020-01-02/old.parquet")
	if rep := h.drop(r); rep.Dropped != 2 {
		t.Errorf("the next round: %+v", rep)
	}
	h.wait(25 * time.Hour)
	h.delete(r)
	h.is("objects", h.objects())
}

// A batch that is delivered again, as its log was not released, replaces an object of
// the partition that was dropped meanwhile: it is a new one.
func TestRepeatedDelivery(t *testing.T) {
	h := newHouse(t)
	h.deliver("batch.parquet", "2020-01-01")
	h.wait(objectAge)
	r := h.open()
	h.drop(r)
	h.wait(23 * time.Hour)
	h.deliver("batch.parquet", "2020-01-01")
	h.wait(objectAge)
	if d := h.delete(r); d.Objects != 0 {
		t.Errorf("deleted %+v", d)
	}
	h.is("seen", h.visible(r), "dt=2020-01-01/batch.parquet")
}

// A writer who relied on an old catalog put an object and registered nothing.
func TestUnregisteredLate(t *testing.T) {
	h := newHouse(t)
	h.deliver("old.parquet", "2020-01-01")
	h.wait(objectAge)
	r := h.open()
	h.drop(r)
	h.wait(12 * time.Hour)
	h.upload("late.parquet", "2020-01-01")
	h.wait(12 * time.Hour)
	if d := h.delete(r); d.Objects != 1 || d.Waiting != 1 {
		t.Errorf("deleted %+v", d)
	}
	h.is("objects", h.objects(), "dt=2020-01-01/late.parquet")
	h.wait(24 * time.Hour)
	if d := h.delete(h.open()); d.Objects != 1 || d.Waiting != 0 {
		t.Errorf("deleted in the end: %+v", d)
	}
}

// meddling runs something before a call of the catalog.
type meddling struct {
	*catalogsync.Catalog
	before, after func(op string) error
}

func (m meddling) RemovePartitions(ctx context.Context, name lake.TableName, parts []lake.Partition) error {
	if err := m.before("remove"); err != nil {
		return err
	}
	err := m.Catalog.RemovePartitions(ctx, name, parts)
	return errors.Join(err, m.after("remove"))
}

func (m meddling) Find(ctx context.Context, name lake.TableName, values [][]string) ([]lake.Partition, error) {
	if err := m.before("find"); err != nil {
		return nil, err
	}
	return m.Catalog.Find(ctx, name, values)
}

func (m meddling) AddPartitions(ctx context.Context, table lake.Table, parts []lake.Partition) error {
	if err := m.before("add"); err != nil {
		return err
	}
	err := m.Catalog.AddPartitions(ctx, table, parts)
	return errors.Join(err, m.after("add"))
}

func (h *house) meddled(m meddling) *retention.Reaper {
	h.t.Helper()
	m.Catalog = h.catalog
	none := func(string) error { return nil }
	if m.before == nil {
		m.before = none
	}
	if m.after == nil {
		m.after = none
	}
	r, err := retention.Open(retention.Config{
		Catalog: m, NotFound: catalogsync.ErrNotFound, Store: h.store, Rules: map[lake.TableName]retention.Rule{name: h.rule}, Dir: h.dir, Grace: 24 * time.Hour,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// A delivery that put its object and found the partition registered, right before that
// was removed, is not lost: the drop waits.
func TestDeliveryDuringDrop(t *testing.T) {
	h := newHouse(t)
	h.deliver("old.parquet", "2020-01-01")
	h.deliver("old.parquet", "2020-01-02")
	h.wait(objectAge)
	r := h.meddled(meddling{before: func(op string) error {
		if op == "remove" {
			h.upload("late.parquet", "2020-01-01")
		}
		return nil
	}})
	if rep := h.drop(r); rep.Dropped != 1 {
		t.Errorf("dropped %d, want the other one", rep.Dropped)
	}
	h.is("seen", h.visible(r), "dt=2020-01-01/late.parquet", "dt=2020-01-01/old.parquet")
	h.wait(25 * time.Hour)
	h.delete(r)
	h.is("objects", h.objects(), "dt=2020-01-01/late.parquet", "dt=2020-01-01/old.parquet")
}

var errCut = errors.New("cut")

// TestCrashes ends a round at each of its operations, applied or not, opens anew, and
// goes on: in the end exactly what is past its time is gone, and never was an object of
// a registered partition missing.
func TestCrashes(t *testing.T) {
	for at := 0; ; at++ {
		reached := false
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("operation %d applied %v", at, applied), func(t *testing.T) {
				h := newHouse(t)
				for _, day := range []string{"2020-01-01", "2020-01-02", "2026-01-30"} {
					h.deliver("a.parquet", day)
					h.deliver("b.parquet", day)
				}
				h.wait(objectAge)
				var n atomic.Int64 // objects are deleted side by side
				cut := func() bool {
					if n.Add(1)-1 != int64(at) {
						return false
					}
					reached = true
					return true
				}
				h.store.fault = func(op, _ string) (error, bool) {
					if cut() {
						return errCut, applied
					}
					return nil, false
				}
				r := h.meddled(meddling{
					before: func(string) error {
						if !applied && cut() {
							return errCut
						}
						return nil
					},
					after: func(string) error {
						if applied && cut() {
							return errCut
						}
						return nil
					},
				})
				if _, err := r.Drop(t.Context(), name); err == nil {
					h.wait(25 * time.Hour)
					r.Delete(t.Context())
				}
				h.store.fault = func(string, string) (error, bool) { return nil, false }
				r = h.open()
				for _, p := range h.partitions() {
					if n := len(slices.DeleteFunc(h.objects(), func(o string) bool { return !strings.HasPrefix(o, "dt="+p+"/") })); n != 2 {
						t.Errorf("after the crash the partition %s has %d objects", p, n)
					}
				}
				h.drop(r)
				h.wait(25 * time.Hour)
				h.delete(r)
				h.is("partitions", h.partitions(), "2026-01-30")
				h.is("objects", h.objects(), "dt=2026-01-30/a.parquet", "dt=2026-01-30/b.parquet")
			})
		}
		if !reached {
			if at < 6 {
				t.Errorf("only %d operations were reached", at)
			}
			return
		}
	}
}

// The range of a projection that Sluice keeps follows.
func TestProjection(t *testing.T) {
	h := newHouse(t)
	day := func(n int) string { return h.store.now.AddDate(0, 0, n).Format(time.DateOnly) }
	for _, d := range []string{day(-100), day(-50), day(-3)} {
		h.deliver("a.parquet", d)
	}
	dates := func() string {
		table, err := h.catalog.Table(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		low, _, _ := strings.Cut(table.Parameters["projection.dt.range"], ",")
		return low
	}
	if dates() != day(-100) {
		t.Fatalf("the range begins at %s", dates())
	}
	h.wait(objectAge)
	r := h.open()
	h.drop(r)
	if dates() != day(-10) {
		t.Errorf("after the drop the range begins at %s, want %s", dates(), day(-10))
	}
	h.deliver("late.parquet", day(-50))
	if dates() != day(-50) {
		t.Errorf("after a late delivery the range begins at %s, want %s", dates(), day(-50))
	}
}

// A partition that compaction is moving, or has moved since it was looked at, waits.
func TestMovingPartition(t *testing.T) {
	h := newHouse(t)
	for _, day := range []string{"2020-01-01", "2020-01-02", "2020-01-03"} {
		h.deliver("a.parquet", day)
	}
	h.wait(objectAge)
	r, err := retention.Open(retention.Config{
		Catalog: h.catalog, NotFound: catalogsync.ErrNotFound, Store: h.store, Rules: map[lake.TableName]retention.Rule{name: h.rule}, Dir: h.dir, Grace: 24 * time.Hour,
		Moving: func(_ lake.Table, location string) (bool, error) {
			return strings.Contains(location, "2020-01-02"), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// One is moved between the look and the drop: the first listing is the look's.
	h.store.fault = func(op, key string) (error, bool) {
		if op == "list" && strings.Contains(key, "2020-01-03") {
			if _, err := h.catalog.Relocate(t.Context(), name, []string{"2020-01-03"}, h.table.Location+"_compacted/20260131T000000Z-000000000001/dt=2020-01-03/"); err != nil {
				t.Error(err)
			}
		}
		return nil, false
	}
	if rep := h.drop(r); rep.Dropped != 1 || rep.PassedCount != 1 {
		t.Errorf("dropped %d, passed %+v", rep.Dropped, rep.Passed)
	}
	h.is("partitions", h.partitions(), "2020-01-02", "2020-01-03")
}
