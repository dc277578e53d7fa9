package lake_test

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/lake"
)

func TestBatchID(t *testing.T) {
	at := time.Date(2026, 1, 31, 23, 59, 59, 999, time.UTC)
	seen := map[lake.BatchID]bool{}
	for range 100 {
		id := lake.NewBatchID(at.In(time.FixedZone("", 3600)))
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
		if !strings.HasPrefix(string(id), "20260131T235959Z-") {
			t.Errorf("id %s", id)
		}
		if again, err := lake.ParseBatchID(string(id)); err != nil || again != id {
			t.Errorf("%s is read as %s, %v", id, again, err)
		}
		if again, ok := lake.BatchOf(id.DataFile()); !ok || again != id {
			t.Errorf("%s is of %s, %v", id.DataFile(), again, ok)
		}
	}
	if got := lake.BatchID("20260131T235959Z-0123456789ab").DataFile(); got != "20260131T235959Z-0123456789ab.parquet" {
		t.Error(got)
	}
}

// Ids of later batches sort behind.
func TestBatchIDOrder(t *testing.T) {
	at := time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC)
	if a, b := lake.NewBatchID(at), lake.NewBatchID(at.Add(time.Second)); a >= b {
		t.Errorf("%s, %s", a, b)
	}
}

func TestForeignNames(t *testing.T) {
	for _, s := range []string{
		"", "20260131T235959Z-0123456789a", "20260131T235959Z-0123456789abc", "20260131T235959Z-0123456789AB", "20260131T235959Z-0123456789ag",
		"20260131T235959Z_0123456789ab", "20260131 235959Z-0123456789ab", "2026-131T235959Z-0123456789ab", "20260131T235959Z-0123456789ab\n",
		"../60131T235959Z-0123456789ab", "x20260131T235959Z-0123456789ab",
	} {
		if id, err := lake.ParseBatchID(s); err == nil {
			t.Errorf("%q is read as %s", s, id)
		}
		if id, ok := lake.BatchOf(s + lake.ParquetExt); ok {
			t.Errorf("%q is of %s", s, id)
		}
	}
	for _, s := range []string{
		"20260131T235959Z-0123456789ab", "20260131T235959Z-0123456789ab.PARQUET", "20260131T235959Z-0123456789ab.parquet.crc", "part-00000.parquet", ".parquet",
		"20260131T235959Z-0123456789ab/parquet",
	} {
		if id, ok := lake.BatchOf(s); ok {
			t.Errorf("%q is of %s", s, id)
		}
	}
}
