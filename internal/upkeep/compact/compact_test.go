package compact_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/upkeep/compact"

	"github.com/google/go-cmp/cmp"
)

var dt = lake.Column{Name: "dt", Type: lake.String}

func report(t *testing.T, c *compact.Compactor, o compact.Options) compact.Report {
	t.Helper()
	r, err := c.Compact(t.Context(), events, o)
	check(t, err)
	for _, p := range r.Partitions {
		check(t, p.Err)
	}
	return r
}

// A day of trickle, 1,440 batches over 24 partitions, becomes one file a partition, with
// the same rows; what comes later is merged with that.
func TestTrickle(t *testing.T) {
	batches := 144
	if os.Getenv("TEST_TRICKLE") != "" {
		batches = 1440
	}
	h := openHouse(t, dt)
	for i := range batches {
		_, err := h.deliver(t.Context(), fmt.Sprintf("2026-01-31-%02d", i%24), i*50, 50)
		check(t, err)
	}
	before := h.digest()
	c := h.compactor(nil)
	if r := report(t, c, compact.Options{DryRun: true}); len(r.Partitions) != 24 || r.Partitions[0].Moved || r.Partitions[0].Merged != batches/24 {
		t.Errorf("dry run: %+v", r.Partitions[0])
	}
	same := func() {
		t.Helper()
		if diff := cmp.Diff(before, h.digest()); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		files, err := h.files(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for p, f := range files {
			if len(f) != 1 {
				t.Errorf("partition %s has %d files", p, len(f))
			}
		}
	}
	report(t, c, compact.Options{})
	same()
	for i := range 24 {
		if _, err := h.deliver(t.Context(), fmt.Sprintf("2026-01-31-%02d", i%24), 1_000_000+i, 1); err != nil {
			t.Fatal(err)
		}
	}
	before = h.digest()
	report(t, c, compact.Options{})
	same()
	// When the grace period is over, nothing else is left.
	c = h.compactor(func(cfg *compact.Config) { cfg.Grace = time.Nanosecond })
	report(t, c, compact.Options{})
	same()
	var all []string
	check(t, filepath.WalkDir(filepath.Join(h.dir, "lake", "shop"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	if len(all) != 24 {
		t.Errorf("%d files are left in the lake", len(all))
	}
}

// Of a table without partitions the location itself moves, again and again.
func TestUnpartitioned(t *testing.T) {
	h := openHouse(t)
	c := h.compactor(nil)
	for round := range 3 {
		for i := range 4 {
			_, err := h.deliver(t.Context(), "", round*100+i*10, 10)
			check(t, err)
		}
		before := h.digest()
		report(t, c, compact.Options{})
		if diff := cmp.Diff(before, h.digest()); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		files, err := h.files(t.Context())
		check(t, err)
		if len(files[""]) != 1 {
			t.Errorf("files: %v", files)
		}
	}
}

// What must not be merged stays as it is, beside what is; each with a reason.
func TestLeftAlone(t *testing.T) {
	h := openHouse(t, dt)
	var ids []lake.BatchID
	for i := range 4 {
		id, err := h.deliver(t.Context(), "a", i*10, 10)
		check(t, err)
		ids = append(ids, id)
	}
	before := h.digest()
	c := h.compactor(func(cfg *compact.Config) {
		cfg.InLog = func(id lake.BatchID) bool { return id == ids[3] }
	})
	r := report(t, c, compact.Options{})
	if p := r.Partitions[0]; !p.Moved || p.Merged != 3 || p.FilesAfter != 2 {
		t.Errorf("a batch in the log: %+v", p)
	}
	files, err := h.files(t.Context())
	check(t, err)
	var names []string
	for _, f := range files["a"] {
		names = append(names, filepath.Base(f))
	}
	if !strings.Contains(strings.Join(names, " "), ids[3].DataFile()) {
		t.Errorf("files: %v", names)
	}
	if diff := cmp.Diff(before, h.digest()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}

	// A file of another writer, merged only when it is said to be at rest.
	path := filepath.Join(filepath.Dir(files["a"][0]), "part-0.parquet")
	_, err = h.db.Exec(fmt.Sprintf("COPY (SELECT 77::BIGINT id, 'x' AS text) TO '%s' (FORMAT parquet)", path))
	check(t, err)
	before = h.digest()
	c = h.compactor(nil)
	if p := report(t, c, compact.Options{}).Partitions[0]; p.Moved || !strings.Contains(p.Skipped, "part-0.parquet") {
		t.Errorf("a foreign file: %+v", p)
	}
	if p := report(t, c, compact.Options{Foreign: true}).Partitions[0]; !p.Moved || p.FilesAfter != 2 {
		t.Errorf("a foreign file at rest: %+v", p)
	}
	if diff := cmp.Diff(before, h.digest()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}

	// Batches that a checkpoint separates stay apart.
	for i := range 4 {
		_, err := h.deliver(t.Context(), "b", 1000+i*10, 10)
		check(t, err)
	}
	c = h.compactor(func(cfg *compact.Config) {
		cfg.Together = func(_ lake.TableName, ids []lake.BatchID) [][]lake.BatchID {
			return [][]lake.BatchID{ids[:len(ids)/2], ids[len(ids)/2:]}
		}
	})
	if p := report(t, c, compact.Options{Partition: []string{"b"}}).Partitions[0]; !p.Moved || p.FilesAfter != 2 {
		t.Errorf("separated: %+v", p)
	}

	// A projected table.
	_, err = h.catalog.Amend(t.Context(), events, func(t *lake.Table) error { t.Parameters["projection.enabled"] = "true"; return nil })
	check(t, err)
	if r := report(t, c, compact.Options{}); !strings.Contains(r.Skipped, "projected") {
		t.Errorf("projected: %+v", r)
	}
}

// Rewriting makes files of the layout that there is now, single ones too.
func TestRewrite(t *testing.T) {
	h := openHouse(t, dt)
	for i := range 2 {
		_, err := h.deliver(t.Context(), fmt.Sprint(i), i*1000, 1000)
		check(t, err)
	}
	before := h.digest()
	c := h.compactor(func(cfg *compact.Config) {
		cfg.Layout = func(lake.TableName) convert.Layout {
			return convert.Layout{Compression: "snappy", Sort: []lake.SortKey{{Path: "text"}}}
		}
	})
	report(t, c, compact.Options{Rewrite: true})
	if diff := cmp.Diff(before, h.digest()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	files, err := h.files(t.Context())
	check(t, err)
	for _, p := range sorted(files) {
		var compression string
		check(t, h.db.QueryRow(fmt.Sprintf("SELECT any_value(compression) FROM parquet_metadata('%s')", files[p][0])).Scan(&compression))
		n, err := h.query(t.Context(), "(SELECT count(*) FROM (SELECT text < lag(text) OVER (ORDER BY file_row_number) AS wrong FROM read_parquet('"+files[p][0]+"', file_row_number=true)) WHERE wrong) || ' of ' || count(*)", files[p])
		if err != nil || compression != "SNAPPY" || n != "0 of 1000" {
			t.Errorf("partition %s: %s, out of order %s, %v", p, compression, n, err)
		}
	}
}

// What INSERT wrote is merged when it is at rest: another node may still undo it.
func TestStatements(t *testing.T) {
	h := openHouse(t, dt)
	_, err := h.deliver(t.Context(), "a", 0, 10)
	check(t, err)
	files, err := h.files(t.Context())
	check(t, err)
	put := func(begun time.Time, id int) {
		t.Helper()
		path := filepath.Join(filepath.Dir(files["a"][0]), string(lake.NewWriteID(begun))+lake.ParquetExt)
		_, err := h.db.Exec(fmt.Sprintf("COPY (SELECT %d::BIGINT id, 'x' AS text) TO '%s' (FORMAT parquet)", id, path))
		check(t, err)
	}
	for i := range 3 {
		put(time.Now().Add(-2*time.Hour), 100+i)
		put(time.Now(), 200+i)
	}
	before := h.digest()
	r := report(t, h.compactor(nil), compact.Options{})
	if p := r.Partitions[0]; !p.Moved || p.Merged != 3 || p.FilesAfter != 5 {
		t.Errorf("old and young statements: %+v", p)
	}
	if r := report(t, h.compactor(nil), compact.Options{}); !strings.Contains(r.Partitions[0].Skipped, "may still undo") {
		t.Errorf("young statements alone: %+v", r.Partitions[0])
	}
	if r := report(t, h.compactor(func(c *compact.Config) { c.WriteRest = time.Nanosecond }), compact.Options{}); r.Partitions[0].FilesAfter != 2 {
		t.Errorf("statements at rest: %+v", r.Partitions[0])
	}
	if diff := cmp.Diff(before, h.digest()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
