package lake_test

import (
	"testing"
	"time"

	"sluice/internal/lake"
)

func TestWriteID(t *testing.T) {
	id := lake.NewWriteID(time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC))
	if got, ok := lake.WriteOf(string(id) + ".parquet"); !ok || got != id {
		t.Errorf("WriteOf(%s.parquet) = %q, %v", id, got, ok)
	}
	if _, ok := lake.BatchOf(string(id) + lake.ParquetExt); ok {
		t.Errorf("%s.parquet counts as a batch's", id)
	}
	for _, name := range []string{"", "write-", string(id), string(lake.NewBatchID(time.Now())) + ".parquet", "write-20260131T235959Z-0123456789aX.parquet", string(id) + "-1.parquet"} {
		if got, ok := lake.WriteOf(name); ok {
			t.Errorf("WriteOf(%q) = %q", name, got)
		}
	}
}
