package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/configs"
	"sluice/internal/delivery"
	"sluice/internal/holdback"
	"sluice/internal/lake"
)

// shelf opens what the rig holds back.
func (r *rig) shelf() *holdback.Shelf {
	r.t.Helper()
	s, err := holdback.Open(holdback.Config{
		Dir: filepath.Join(r.dir, "held"), MaxBytes: 1 << 30, MaxFiles: 1000, Table: delivery.HeldTable("default"),
		InLog: func(_ string, id lake.BatchID) bool {
			return slices.ContainsFunc(r.buffer.Sealed(), func(b *buffer.Batch) bool { return b.ID == id })
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// releases is a log that tells when a batch is released.
type releases struct {
	*buffer.Buffer
	done chan lake.BatchID
}

func (l releases) Release(ctx context.Context, b *buffer.Batch) error {
	err := l.Buffer.Release(ctx, b)
	if err == nil {
		l.done <- b.ID
	}
	return err
}

var held = configs.Stream{PartitionBy: []string{"k=k"}, Hold: configs.Hold{Under: configs.MiB, For: time.Hour}}

// batch delivers records as a batch of their own.
func (r *rig) batch(d chan lake.BatchID, records ...string) {
	r.t.Helper()
	r.append("s", records...)
	if err := r.buffer.Seal(context.Background(), "s"); err != nil {
		r.t.Fatal(err)
	}
	<-d
}

// Rows of small files wait, are counted as held, and become one file a partition.
func TestHold(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = held
	shelf := r.shelf()
	log := releases{r.buffer, make(chan lake.BatchID, 1)}
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Log, cfg.Held = log, shelf })
	stop := start(t, d)
	for i := range int64(9) {
		r.batch(log.done, record(i))
	}
	if ids := r.ids("s"); len(ids) != 0 {
		t.Errorf("in the lake before they are due: %v", ids)
	}
	if h, totals := shelf.Stream("s"), d.Totals("s"); h.Rows != 9 || h.Files != 9 || totals.Delivered != 0 || totals.Batches != 9 {
		t.Errorf("held %+v, totals %+v", h, totals)
	}
	// What is held outlives the process.
	stop()
	shelf = r.shelf()
	d = r.deliverer(func(cfg *delivery.Config) { cfg.Log, cfg.Held = log, shelf })
	defer start(t, d)()
	r.append("s", record(9))
	flushed, err := d.Flush(context.Background(), "s")
	<-log.done
	if err != nil || flushed.Files != 3 || flushed.Table.Table != "s" {
		t.Fatalf("flush: %+v, %v", flushed, err)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(10)) {
		t.Errorf("in the lake: %v", ids)
	}
	if h, totals := shelf.Stream("s"), d.Totals("s"); h.Rows != 0 || totals.Delivered != 10 || totals.Batches != 10 {
		t.Errorf("held %+v, totals %+v", h, totals)
	}
	if files, _ := filepath.Glob(filepath.Join(r.dir, "lake/default/s/*/*.parquet")); len(files) != 3 {
		t.Errorf("files: %v", files)
	}
	if files, _ := filepath.Glob(filepath.Join(r.dir, "held/*")); len(files) != 0 {
		t.Errorf("left on the shelf: %v", files)
	}
}

// Columns that came between two pieces are in the joined file, null for the earlier.
func TestHoldEvolves(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}, Hold: configs.Hold{Under: configs.MiB, For: time.Hour}}
	shelf := r.shelf()
	log := releases{r.buffer, make(chan lake.BatchID, 2)}
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Log, cfg.Held = log, shelf })
	defer start(t, d)()
	r.batch(log.done, `{"id":0,"k":"a"}`)
	r.batch(log.done, `{"id":1,"k":"a","more":{"x":1}}`)
	r.batch(log.done, `{"id":2,"k":"a","more":{"y":"z"}}`)
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(3)) {
		t.Errorf("in the lake: %v", ids)
	}
	if files, _ := filepath.Glob(filepath.Join(r.dir, "lake/default/s/*/*.parquet")); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
}

// Batches that a checkpoint separates are not joined.
func TestHoldApart(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = held
	shelf := r.shelf()
	log := releases{r.buffer, make(chan lake.BatchID, 4)}
	d := r.deliverer(func(cfg *delivery.Config) {
		cfg.Log, cfg.Held = log, shelf
		cfg.Together = func(_ lake.TableName, ids []lake.BatchID) [][]lake.BatchID {
			return [][]lake.BatchID{ids[:1], ids[1:]}
		}
	})
	defer start(t, d)()
	for i := range int64(3) {
		r.batch(log.done, fmt.Sprintf(`{"id":%d,"k":"a"}`, i))
	}
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(3)) {
		t.Errorf("in the lake: %v", ids)
	}
	if files, _ := filepath.Glob(filepath.Join(r.dir, "lake/default/s/*/*.parquet")); len(files) != 2 {
		t.Errorf("files: %v", files)
	}
}

// Whichever call fails while rows are held and joined, whether it took effect or not,
// after a retry in the same process or after a restart (by turns): every record is in the
// lake once, and counted once.
func TestHoldFaultAtEveryCall(t *testing.T) {
	const calls = 20 // that a run makes
	for _, applied := range []bool{false, true} {
		for at := range int64(calls + 1) {
			restart := (at%2 == 0) == applied
			t.Run(fmt.Sprintf("call %d applied=%v restart=%v", at, applied, restart), func(t *testing.T) {
				t.Parallel() // they wait for the disk
				if untouched := holdFaultAt(t, at, applied, restart); untouched != (at == calls) {
					t.Errorf("the fault at call %d was met: %v", at, !untouched)
				}
			})
		}
	}
}

func holdFaultAt(t *testing.T, at int64, applied, restart bool) (untouched bool) {
	r := newRig(t)
	// A partition that is large enough goes at once, beside others that wait.
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}, Hold: configs.Hold{Under: 4 * configs.KiB, For: time.Hour}}
	calls := &atomic.Int64{}
	shelf := r.shelf()
	log := releases{r.buffer, make(chan lake.BatchID, 9)}
	d := r.deliverer(func(cfg *delivery.Config) {
		f := faulty{r.store, r.catalog, calls, at, applied}
		cfg.Log, cfg.Held, cfg.Store, cfg.Catalog, cfg.Uploads = log, shelf, f, f, 1
	})
	stop := start(t, d)
	r.batch(log.done, record(0), record(1), record(2), large(3))
	r.batch(log.done, record(4), record(5))
	_, err := d.Flush(context.Background(), "s")
	if err != nil && !errors.Is(err, errInjected) {
		t.Fatalf("call %d: %v", at, err)
	}
	untouched = calls.Load() <= at
	if restart {
		stop()
		if err := r.buffer.Close(); err != nil {
			t.Fatal(err)
		}
		r.openBuffer()
		shelf = r.shelf()
		d = r.deliverer(func(cfg *delivery.Config) { cfg.Held = shelf })
		stop = start(t, d)
	}
	r.append("s", record(6))
	_, err = d.Flush(context.Background(), "s")
	if errors.Is(err, errInjected) && untouched { // it is met now
		_, err = d.Flush(context.Background(), "s")
	}
	if err != nil {
		t.Fatalf("after the fault at call %d: %v", at, err)
	}
	stop()
	if ids := r.ids("s"); !slices.Equal(ids, upTo(7)) {
		t.Errorf("fault at call %d: in the lake: %v", at, ids)
	}
	if totals, h := d.Totals("s"), shelf.Stream("s"); totals.Delivered != 7 || totals.Batches != 3 || h.Rows != 0 {
		t.Errorf("fault at call %d: totals %+v, held %+v", at, totals, h)
	}
	if files, _ := filepath.Glob(filepath.Join(r.dir, "held/*")); len(files) != 0 {
		t.Errorf("fault at call %d: left on the shelf: %v", at, files)
	}
	return untouched
}

// large is a record of more than 4 KiB, which does not compress.
func large(id int64) string {
	var texts []string
	for i := range 300 {
		texts = append(texts, fmt.Sprintf("%x", uint64(i+7)*0x9e3779b97f4a7c15^uint64(id)))
	}
	text, _ := json.Marshal(map[string]any{"id": id, "k": "large", "texts": texts})
	return string(text)
}
