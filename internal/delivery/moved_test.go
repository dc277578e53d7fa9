package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"sluice/buffer"
	"sluice/catalogsync/moves"
	"sluice/configs"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// carried moves a partition as compaction of another node does, which merges nothing of
// this one's: it copies all files, and ready is called before others are shown them.
type carried struct {
	store store.Store
	ready func()
}

func (carried) Make(context.Context, string, []store.Object) ([]store.Object, error) { return nil, nil }

func (c carried) Copy(ctx context.Context, folder string, o store.Object) error {
	body, err := c.store.Get(ctx, o.Key, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return c.store.Put(ctx, folder+"/"+path.Base(o.Key), bytes.NewReader(b), int64(len(b)))
}

func (c carried) Ready(context.Context) error {
	if c.ready != nil {
		c.ready()
	}
	return nil
}

// move has another node move the partition of the table s with the values.
func (r *rig) move(ready func(), values ...string) error {
	r.t.Helper()
	name := lake.TableName{Database: "default", Table: "s"}
	table, err := r.catalog.Table(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	found, err := r.catalog.Find(r.t.Context(), name, [][]string{values})
	if err != nil || len(found) != 1 {
		r.t.Fatal(found, err)
	}
	m := moves.New(moves.Config{Catalog: r.catalog, Store: r.store, Owner: "other", Grace: 1})
	err = m.Move(r.t.Context(), table, found[0], carried{r.store, ready})
	if err == nil { // nothing is left where it was
		_, err = m.Sweep(r.t.Context(), name)
	}
	return err
}

// retype gives the column v of the table s another type, as ALTER TABLE of any engine may.
func (r *rig) retype() {
	r.t.Helper()
	var got struct{ Table map[string]any }
	r.call("GetTable", map[string]any{"DatabaseName": "default", "Name": "s"}, &got)
	input := map[string]any{}
	for _, key := range []string{"Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor"} {
		input[key] = got.Table[key]
	}
	for _, c := range input["StorageDescriptor"].(map[string]any)["Columns"].([]any) {
		if c := c.(map[string]any); c["Name"] == "v" {
			c["Type"] = "boolean"
		}
	}
	r.call("UpdateTable", map[string]any{"DatabaseName": "default", "TableInput": input}, &struct{}{})
}

// call calls Glue's API.
func (r *rig) call(operation string, in, out any) {
	r.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	q := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	q.Header.Set("X-Amz-Target", "AWSGlue."+operation)
	q.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w := httptest.NewRecorder()
	r.glue.ServeHTTP(w, q)
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil || w.Code != http.StatusOK {
		r.t.Fatalf("%s: %d %s, %v", operation, w.Code, w.Body, err)
	}
}

// otherNode delivers records from a log of its own.
func (r *rig) otherNode(records ...string) {
	r.t.Helper()
	other := *r
	other.dir = r.t.TempDir()
	other.streams = map[string]configs.Stream{"s": {PartitionBy: r.streams["s"].PartitionBy}}
	other.openBuffer()
	defer other.buffer.Close()
	other.append("s", records...)
	other.deliver()
}

// A row that the second attempt of a delivery finds to be a failure is not left in the
// table, where the first attempt put it, when its partition was moved meanwhile: before,
// while, and once more.
func TestSecondAttemptAfterMove(t *testing.T) {
	const before, during = 0, 1
	for name, c := range map[string]struct {
		unregistered bool
		when, moves  int
	}{
		"before":       {false, before, 1},
		"twice":        {false, before, 2},
		"during":       {false, during, 1},
		"unregistered": {true, before, 1},
		"late":         {true, during, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}, Strict: true}
			d := r.deliverer(func(cfg *delivery.Config) {
				cfg.BeforeRelease = func(context.Context, *buffer.Batch) error { return errInjected }
				if c.unregistered {
					cfg.Catalog = unregistering{r.catalog}
				}
			})
			stop := start(t, d)
			r.append("s", `{"id":0,"k":"k1","v":5}`)
			if _, err := d.Flush(t.Context(), "s"); !errors.Is(err, errInjected) {
				t.Fatalf("got %v", err)
			}
			stop()
			// Another node's delivery: the partition is there anyway.
			r.otherNode(`{"id":1,"k":"k1"}`)

			again := func() {
				r.retype()
				r.restart()
				d := r.deliverer(nil)
				defer start(t, d)()
				if _, err := d.Flush(context.Background(), "s"); err != nil {
					t.Error(err)
				}
				if totals := d.Totals("s"); totals.Failed != 1 {
					t.Errorf("totals %+v", totals)
				}
			}
			var ready func()
			if c.when == during {
				ready = func() { again(); ready = func() {} }
			}
			for range c.moves {
				if err := r.move(func() {
					if ready != nil {
						ready()
					}
				}, "k1"); err != nil && !errors.Is(err, moves.ErrGone) {
					t.Fatal(err)
				}
			}
			if c.when == before {
				again()
			}
			if ids := r.ids("s"); !slices.Equal(ids, []int64{1}) {
				t.Errorf("in the table: %v; the other record is among the errors too", ids)
			}
		})
	}
}

// unregistering is a catalog that registers no partition.
type unregistering struct{ delivery.Catalog }

func (unregistering) Register(context.Context, lake.Table, []lake.Partition) ([]lake.Partition, error) {
	return nil, errInjected
}

// A table that lies elsewhere at the second attempt has the rows there, and not where the
// first one put them.
func TestSecondAttemptElsewhere(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}}
	r.otherNode(`{"id":1,"k":"k2"}`)
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Catalog = unregistering{r.catalog} })
	stop := start(t, d)
	r.append("s", `{"id":0,"k":"k1"}`)
	if _, err := d.Flush(t.Context(), "s"); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	stop()
	if _, err := r.catalog.Amend(t.Context(), lake.TableName{Database: "default", Table: "s"}, func(t *lake.Table) error {
		t.Location = r.store.URI("elsewhere") + "/"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r.restart()
	r.deliver()
	if ids := r.ids("s"); !slices.Equal(ids, upTo(2)) {
		t.Errorf("in the table: %v", ids)
	}
	for o, err := range r.store.List(t.Context(), "default/s/k=k1") {
		t.Errorf("left behind: %s, %v", o.Key, err)
	}
}

// A join of held rows that was put and carried along with its partition, so that nothing
// is left where it was put, is known to be in the lake, also when what was held is damaged
// since: nothing of it is delivered once more.
func TestJoinAfterMove(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		t.Run(fmt.Sprintf("damaged=%v", damaged), func(t *testing.T) {
			r := newRig(t)
			r.streams["s"] = held
			shelf := r.shelf()
			log := releases{r.buffer, make(chan lake.BatchID, 3)}
			d := r.deliverer(func(cfg *delivery.Config) { cfg.Log, cfg.Held, cfg.Catalog = log, shelf, unregistering{r.catalog} })
			stop := start(t, d)
			r.batch(log.done, `{"id":0,"k":"k1"}`)
			r.batch(log.done, `{"id":1,"k":"k1"}`)
			if _, err := d.Flush(t.Context(), "s"); !errors.Is(err, errInjected) {
				t.Fatalf("got %v", err)
			}
			stop()
			r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}}
			r.otherNode(`{"id":2,"k":"k1"}`)
			if err := r.move(nil, "k1"); err != nil {
				t.Fatal(err)
			}
			if damaged {
				pieces, err := filepath.Glob(filepath.Join(r.dir, "held/*.parquet"))
				if err != nil || len(pieces) != 2 {
					t.Fatal(pieces, err)
				}
				if err := os.Truncate(pieces[0], 10); err != nil {
					t.Fatal(err)
				}
			}
			r.restart()
			shelf = r.shelf()
			d = r.deliverer(func(cfg *delivery.Config) { cfg.Held = shelf })
			defer start(t, d)()
			if _, err := d.Flush(t.Context(), "s"); err != nil {
				t.Fatal(err)
			}
			if ids := r.ids("s"); !slices.Equal(ids, upTo(3)) {
				t.Errorf("in the table: %v", ids)
			}
		})
	}
}
