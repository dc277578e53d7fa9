package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"sluice/configs"
	"sluice/internal/delivery"
	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go"
)

// However the records are cut into requests and batches, and wherever deliveries
// break off and the process starts anew, the table is the same.
func TestAnyCutAnyCrash(t *testing.T) {
	var records []string
	for i := range 200 {
		records = append(records, fmt.Sprintf(`{"id":%d,"k":"k%d","v":"v%d"}`, i, i%5, i*i))
	}
	want := tableAfter(t, records, rand.New(rand.NewPCG(0, 0)), len(records), 0)
	if len(want) != len(records) {
		t.Fatalf("%d rows of %d records", len(want), len(records))
	}
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 1))
		if got := tableAfter(t, records, rng, 1+rng.IntN(60), 3); !slices.Equal(got, want) {
			t.Errorf("seed %d: %d rows, want %d; the first that differ: %v", seed, len(got), len(want), firstDifference(got, want))
		}
	}
}

func firstDifference(got, want []string) []string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return []string{got[i], want[i]}
		}
	}
	return nil
}

// tableAfter delivers the records in requests of up to most, sealing at random,
// with a fault now and then (one in odds, 0 for none) and a restart after it.
func tableAfter(t *testing.T, records []string, rng *rand.Rand, most, odds int) []string {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}}
	for len(records) > 0 {
		n := 1
		if most > 1 {
			n = min(len(records), 1+rng.IntN(most))
		}
		if odds == 0 {
			n = len(records)
		}
		r.append("s", records[:n]...)
		records = records[n:]
		switch {
		case odds == 0 || len(records) > 0 && rng.IntN(2) == 0:
		case rng.IntN(odds) == 0:
			r.crash(int64(rng.IntN(10)), rng.IntN(2) == 0)
		default:
			r.deliver()
		}
	}
	r.deliver()
	return r.rows("s")
}

func (r *rig) deliver() {
	r.t.Helper()
	d := r.deliverer(nil)
	defer start(r.t, d)()
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		r.t.Fatal(err)
	}
}

// crash delivers with a fault at a call, and opens the log anew.
func (r *rig) crash(at int64, applied bool) {
	r.t.Helper()
	f := faulty{r.store, r.catalog, &atomic.Int64{}, at, applied}
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Store, cfg.Catalog = f, f })
	stop := start(r.t, d)
	if _, err := d.Flush(context.Background(), "s"); err != nil && !errors.Is(err, errInjected) {
		r.t.Fatal(err)
	}
	stop()
	r.restart()
}

// rows reads every file of every registered partition.
func (r *rig) rows(table string) []string {
	r.t.Helper()
	parts, err := r.catalog.Partitions(context.Background(), lake.TableName{Database: "default", Table: table}, "")
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, p := range parts {
		key, _ := r.store.Key(p.Location)
		for o, err := range r.store.List(context.Background(), key) {
			if err != nil {
				r.t.Fatal(err)
			}
			path, _ := r.store.LocalPath(o.Key)
			rows, err := parquet.ReadFile[struct {
				ID *int64  `parquet:"id,optional"`
				V  *string `parquet:"v,optional"`
			}](path)
			if err != nil {
				r.t.Fatal(err)
			}
			for _, row := range rows {
				out = append(out, fmt.Sprintf("%06d %s %s", *row.ID, p.Values[0], *row.V))
			}
		}
	}
	slices.Sort(out)
	return out
}
