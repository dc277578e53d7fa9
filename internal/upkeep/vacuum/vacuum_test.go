package vacuum_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/vacuum"
	"sluice/partitioner"
)

const (
	batch   = "20260131T000000Z-000000000001.parquet"
	another = "20260131T000000Z-000000000002.parquet"
	written = "write-20260131T000000Z-000000000003.parquet"
)

// A house is a lake with a catalog, whose store's clock the test turns.
type house struct {
	t       *testing.T
	store   *clocked
	catalog *catalogsync.Catalog
	table   lake.Table
	dir     string
	busy    map[string]bool
}

type clocked struct {
	store.Store
	now        time.Time
	put        map[string]time.Time
	unfinished []store.Unfinished
	discarded  []string
	fail       func(key string) error
}

func (c *clocked) Put(ctx context.Context, key string, body *bytes.Reader) error {
	c.put[key] = c.now
	return c.Store.Put(ctx, key, body, body.Size())
}

func (c *clocked) Now(context.Context) (time.Time, error) { return c.now, nil }

func (c *clocked) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range c.Store.List(ctx, prefix) {
			o.Modified = c.put[o.Key]
			if !yield(o, err) {
				return
			}
		}
	}
}

func (c *clocked) Remove(ctx context.Context, o store.Object) error {
	if c.fail != nil {
		if err := c.fail(o.Key); err != nil {
			return err
		}
	}
	return c.Store.Remove(ctx, o)
}

func (c *clocked) Unfinished(context.Context) iter.Seq2[store.Unfinished, error] {
	return func(yield func(store.Unfinished, error) bool) {
		for _, u := range c.unfinished {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (c *clocked) Discard(_ context.Context, u store.Unfinished) error {
	c.discarded = append(c.discarded, u.ID)
	return nil
}

func newHouse(t *testing.T) *house {
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
		t: t, catalog: catalog, dir: t.TempDir(), busy: map[string]bool{},
		store: &clocked{Store: s, now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), put: map[string]time.Time{}},
	}
	h.table = h.make("shop", "sales", "shop/sales", "dt")
	return h
}

func (h *house) make(database, name, folder string, keys ...string) lake.Table {
	h.t.Helper()
	t := lake.Table{Name: lake.TableName{Database: database, Table: name}, Location: h.store.URI(folder) + "/", Columns: []lake.Column{{Name: "a", Type: lake.Int}}}
	for _, k := range keys {
		t.PartitionKeys = append(t.PartitionKeys, lake.Column{Name: k, Type: lake.String})
	}
	t, err := h.catalog.Ensure(h.t.Context(), t)
	if err != nil {
		h.t.Fatal(err)
	}
	return t
}

func (h *house) put(key string) {
	h.t.Helper()
	if err := h.store.Put(h.t.Context(), key, bytes.NewReader([]byte(key))); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) register(t lake.Table, location string, values ...string) {
	h.t.Helper()
	if err := h.catalog.AddPartitions(h.t.Context(), t, []lake.Partition{{Values: values, Location: h.store.URI(location) + "/"}}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) open() *vacuum.Vacuum {
	h.t.Helper()
	v, err := vacuum.Open(vacuum.Config{
		Catalog: h.catalog, NotFound: catalogsync.ErrNotFound, Store: h.store, Dir: h.dir, Grace: 24 * time.Hour,
		Values: func(t lake.Table, folder string) ([]string, error) {
			return partitioner.ParsePath(t.PartitionKeys, folder)
		},
		Moving: func(_ lake.Table, location string) (bool, error) { return strings.HasSuffix(location, "dt=old"), nil },
		Busy:   func(key string) bool { return h.busy[key] },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) run(req vacuum.Request) vacuum.Report {
	h.t.Helper()
	rep, err := h.open().Do(h.t.Context(), req)
	if err != nil {
		h.t.Fatal(err)
	}
	return rep
}

// twice is two runs, a grace period between them.
func (h *house) twice() vacuum.Report {
	h.t.Helper()
	h.run(vacuum.Request{Unregistered: true})
	h.store.now = h.store.now.Add(24 * time.Hour)
	return h.run(vacuum.Request{Unregistered: true})
}

func (h *house) objects() (list []string) {
	h.t.Helper()
	for o, err := range h.store.Store.List(h.t.Context(), "") {
		if err != nil {
			h.t.Fatal(err)
		}
		list = append(list, o.Key)
	}
	return list
}

func (h *house) left(want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.objects()); diff != "" {
		h.t.Errorf("left (-want +got):\n%s", diff)
	}
}

// What nobody registered goes after two looks a grace period apart, if that is asked for.
func TestUnregistered(t *testing.T) {
	h := newHouse(t)
	h.put("shop/sales/dt=1/" + batch)
	h.register(h.table, "shop/sales/dt=1", "1")
	h.put("shop/sales/dt=2/" + batch)
	h.put("shop/sales/dt=2/" + written)
	h.store.now = h.store.now.Add(time.Minute)
	look := func(req vacuum.Request, due bool, removed int) {
		t.Helper()
		rep := h.run(req)
		if rep.FolderCount != 1 || rep.ObjectCount != 2 || rep.Folders[0].Due != due || rep.ObjectsRemoved != removed || rep.Folders[0].Values[0] != "2" {
			t.Errorf("%+v: %+v", req, rep)
		}
	}
	look(vacuum.Request{DryRun: true, Unregistered: true}, false, 0)
	h.store.now = h.store.now.Add(25 * time.Hour)
	look(vacuum.Request{Unregistered: true}, false, 0) // a dry run remembers nothing
	h.store.now = h.store.now.Add(24*time.Hour - time.Second)
	look(vacuum.Request{Unregistered: true}, false, 0)
	h.store.now = h.store.now.Add(time.Second)
	look(vacuum.Request{}, true, 0)
	look(vacuum.Request{Unregistered: true, DryRun: true}, true, 0)
	look(vacuum.Request{Unregistered: true, Grace: 48 * time.Hour}, false, 0)
	look(vacuum.Request{Unregistered: true, Tables: []lake.TableName{h.table.Name}}, true, 2)
	h.left("shop/sales/dt=1/" + batch)
	if rep := h.run(vacuum.Request{}); rep.FolderCount != 0 {
		t.Errorf("in the end: %+v", rep)
	}
}

// Everything that somebody may need stays, whatever is asked for.
func TestStays(t *testing.T) {
	h := newHouse(t)
	stays := []string{
		"_errors/format-conversion-failed/sales/20260131T000000Z-000000000001.ndjson",
		"exports/best/" + written, // of UNLOAD
		"raw-logs/sales/1/20260131T000000Z-000000000001.gz",
		"shop/files/dt=1/" + batch, // another table's partition, elsewhere
		"shop/flat/" + batch,       // of a table without partitions
		"shop/sales/" + batch,      // no partition's
		"shop/sales/_compacted/20260131T000000Z-000000000001/dt=5/" + batch,
		"shop/sales/dt=1/" + batch,
		"shop/sales/dt=1/deeper/" + batch,
		"shop/sales/dt=2/" + batch,          // at work
		"shop/sales/dt=2/part-0000.parquet", // somebody else's
		"shop/sales/dt=3/" + batch,          // another table lies in it
		"shop/sales/dt=3/inner/x",
		"shop/sales/dt=4/" + batch,   // another table's partition
		"shop/sales/dt=old/" + batch, // compaction deletes it
		"shop/sales/odd/" + batch,
		"shop/text/dt=1/" + batch,
		"shop/unknown/dt=1/" + batch, // of no table
	}
	for _, key := range stays {
		h.put(key)
	}
	h.busy["shop/sales/dt=2/"+batch] = true
	h.register(h.table, "shop/sales/dt=1", "1")
	h.make("shop", "flat", "shop/flat")
	h.make("shop", "inner", "shop/sales/dt=3/inner")
	far := h.make("shop", "far", "shop/far", "dt")
	h.register(far, "shop/sales/dt=4", "x")
	h.register(far, "shop/files/dt=1", "1")
	if err := h.catalog.Define(t.Context(), catalogsync.Definition{
		Name: lake.TableName{Database: "shop", Table: "text"}, Type: "EXTERNAL_TABLE", Location: h.store.URI("shop/text") + "/",
		Columns: []catalogsync.DefinedColumn{{Name: "a", Type: "int"}}, Keys: []catalogsync.DefinedColumn{{Name: "dt", Type: "string"}},
		Storage: lake.Storage{InputFormat: lake.TextInputFormat, OutputFormat: lake.TextOutputFormat, SerDe: lake.OpenXJSONSerDe},
	}); err != nil {
		t.Fatal(err)
	}
	h.store.now = h.store.now.Add(time.Minute)
	for range 3 {
		h.twice()
	}
	h.left(stays...)
}

// A node whose log is not known here puts again what it has yet to register, or
// registers it: neither goes.
func TestOtherNodesAtWork(t *testing.T) {
	h := newHouse(t)
	for _, dt := range []string{"1", "2", "3"} {
		h.put("shop/sales/dt=" + dt + "/" + batch)
	}
	h.store.now = h.store.now.Add(time.Minute)
	h.run(vacuum.Request{Unregistered: true})
	h.store.now = h.store.now.Add(23 * time.Hour)
	h.put("shop/sales/dt=1/" + batch)           // the next attempt
	h.register(h.table, "shop/sales/dt=2", "2") // it got through
	h.put("shop/sales/dt=3/" + another)         // another batch, of a partition with an orphan
	h.store.now = h.store.now.Add(time.Hour)
	if rep := h.run(vacuum.Request{Unregistered: true}); rep.ObjectsRemoved != 1 || len(rep.Faults) != 0 {
		t.Errorf("removed: %+v", rep)
	}
	h.left("shop/sales/dt=1/"+batch, "shop/sales/dt=2/"+batch, "shop/sales/dt=3/"+another)
	// What was registered in between waits anew when it is not any more.
	if err := h.catalog.RemovePartitions(t.Context(), h.table.Name, []lake.Partition{{Values: []string{"2"}}}); err != nil {
		t.Fatal(err)
	}
	if rep := h.run(vacuum.Request{Unregistered: true}); rep.ObjectsRemoved != 0 {
		t.Errorf("removed right after a DROP PARTITION: %+v", rep)
	}
}

// A fault of one table leaves the others; what could not be removed is next time.
func TestFaults(t *testing.T) {
	h := newHouse(t)
	h.put("shop/sales/dt=1/" + batch)
	h.put("shop/sales/dt=1/" + another)
	h.store.now = h.store.now.Add(time.Minute)
	h.store.fail = func(key string) error {
		if strings.HasSuffix(key, another) {
			return errors.New("no")
		}
		return nil
	}
	if rep := h.twice(); len(rep.Faults) != 1 || rep.ObjectsRemoved != 1 {
		t.Errorf("with a fault: %+v", rep)
	}
	h.store.fail = nil
	if rep := h.run(vacuum.Request{Unregistered: true}); len(rep.Faults) != 0 || rep.ObjectsRemoved != 1 {
		t.Errorf("without: %+v", rep)
	}
	h.left()
}

// A run that ends at any of its deletions leaves what it had not come to, and nothing else;
// the next one goes on.
func TestCrashes(t *testing.T) {
	for at := range 4 {
		h := newHouse(t)
		for _, dt := range []string{"1", "2"} {
			h.put("shop/sales/dt=" + dt + "/" + batch)
			h.put("shop/sales/dt=" + dt + "/" + another)
		}
		h.store.now = h.store.now.Add(time.Minute)
		n := 0
		h.store.fail = func(string) error {
			if n++; n > at {
				return errors.New("crashed")
			}
			return nil
		}
		if rep := h.twice(); rep.ObjectsRemoved != at {
			t.Errorf("crash at deletion %d: %+v", at, rep)
		}
		h.store.fail = nil
		if rep := h.run(vacuum.Request{Unregistered: true}); len(rep.Faults) != 0 || rep.ObjectsRemoved != 4-at {
			t.Errorf("after a crash at deletion %d: %+v", at, rep)
		}
		h.left()
	}
}

// Of unfinished uploads those go that are old and ours.
func TestUploads(t *testing.T) {
	h := newHouse(t)
	now := h.store.now
	old := now.Add(-25 * time.Hour)
	h.store.unfinished = []store.Unfinished{
		{Key: "shop/sales/dt=1/" + batch, ID: "old", Begun: old},
		{Key: "shop/sales/dt=1/" + batch, ID: "young", Begun: now.Add(-23 * time.Hour)},
		{Key: "shop/sales/dt=1/data.bin", ID: "somebody's", Begun: old},
		{Key: "shop/sales/dt=2/" + batch, ID: "busy", Begun: old},
		{Key: "_errors/x/20260131T000000Z-000000000001.ndjson", ID: "errors", Begun: old},
		{Key: "raw-logs/s/1/20260131T000000Z-000000000001.zst", ID: "raw", Begun: old},
		{Key: "exports/" + written, ID: "written", Begun: old},
		{ID: "staged", Begun: old},
	}
	h.busy["shop/sales/dt=2/"+batch] = true
	rep := h.run(vacuum.Request{DryRun: true})
	if rep.UploadCount != 6 || len(h.store.discarded) != 0 {
		t.Errorf("dry run: %+v, discarded %v", rep, h.store.discarded)
	}
	if h.run(vacuum.Request{Tables: []lake.TableName{h.table.Name}}); len(h.store.discarded) != 0 {
		t.Errorf("discarded for a table: %v", h.store.discarded)
	}
	if rep := h.run(vacuum.Request{}); rep.UploadsRemoved != 5 {
		t.Errorf("removed: %+v", rep)
	}
	if diff := cmp.Diff([]string{"old", "errors", "raw", "written", "staged"}, h.store.discarded); diff != "" {
		t.Error(diff)
	}
}
