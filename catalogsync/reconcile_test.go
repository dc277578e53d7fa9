package catalogsync_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/partitioner"
)

// A shop is a lake in a folder, with a table of days and countries. A file's text
// is the names of its columns, all of type int.
type shop struct {
	catalogsync.Comparer
	t      *testing.T
	server *embedded.Server
	dir    string
	root   string // of the table
}

func openShop(t *testing.T) *shop {
	t.Helper()
	dir := t.TempDir()
	files, err := store.Open(t.Context(), "file://"+filepath.ToSlash(dir), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, server: openServer(t), dir: dir, root: files.URI("shop/days") + "/"}
	s.Comparer = catalogsync.Comparer{
		Catalog: newCatalog(t, catalogsync.Config{Transport: s.server.Transport()}), Lake: files,
		Values: func(table lake.Table, folder string) ([]string, error) {
			return partitioner.ParsePath(table.PartitionKeys, folder)
		},
		Columns: func(_ context.Context, o store.Object) ([]lake.Column, error) {
			text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(o.Key)))
			if strings.HasPrefix(string(text), "broken") {
				err = errors.New("no Parquet file")
			}
			var columns []lake.Column
			for _, name := range strings.Fields(string(text)) {
				columns = append(columns, lake.Column{Name: name, Type: lake.Int})
			}
			return columns, err
		},
	}
	table := projectedTable(false)
	table.Location = s.root
	if _, err := s.Catalog.Ensure(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) put(path, text string) {
	s.t.Helper()
	path = filepath.Join(s.dir, "shop", "days", filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) at(dt, country, folder string) lake.Partition {
	return lake.Partition{Values: []string{dt, country}, Location: s.root + folder + "/"}
}

func (s *shop) register(parts ...lake.Partition) {
	s.t.Helper()
	table, err := s.Catalog.Table(s.t.Context(), projected)
	if err == nil {
		err = s.Catalog.AddPartitions(s.t.Context(), table, parts)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) differs(want catalogsync.Difference) catalogsync.Difference {
	s.t.Helper()
	want.Table = projected
	got, err := s.Compare(s.t.Context(), projected)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("(-want +got):\n%s", diff)
	}
	return got
}

// A field that files of a registered partition have is read there afterwards.
func TestReconcileFieldsOfStructs(t *testing.T) {
	s := openShop(t)
	user := func(fields ...lake.Column) lake.Column {
		return lake.Column{Name: "user", Type: lake.StructOf(fields...)}
	}
	name, email := lake.Column{Name: "name", Type: lake.String}, lake.Column{Name: "email", Type: lake.String}
	table, err := s.Catalog.Ensure(t.Context(), lake.Table{Name: projected, Location: s.root, Columns: []lake.Column{user(name)}})
	if err != nil {
		t.Fatal(err)
	}
	s.put("dt=2026-01-01/country=de/a.parquet", "")
	s.register(s.at("2026-01-01", "de", "dt=2026-01-01/country=de"))
	s.Columns = func(context.Context, store.Object) ([]lake.Column, error) {
		return []lake.Column{user(name, email)}, nil
	}
	s.put("dt=2026-01-01/country=de/b.parquet", "x")
	s.put("dt=2026-01-02/country=de/a.parquet", "x")
	d := s.differs(catalogsync.Difference{
		Unregistered: []lake.Partition{s.at("2026-01-02", "de", "dt=2026-01-02/country=de")},
		Columns:      []lake.Column{user(name, email)},
	})
	if err := s.Apply(t.Context(), d, false); err != nil {
		t.Fatal(err)
	}
	s.differs(catalogsync.Difference{})
	for _, day := range []string{"2026-01-01", "2026-01-02"} {
		columns, _ := columnsOf(t, s.server, table.Name.Database, table.Name.Table, `"`+day+`","de"`)
		if columns["user"] != "struct<name:string,email:string>" {
			t.Errorf("partition %s: user is %s", day, columns["user"])
		}
	}
}

func TestReconcile(t *testing.T) {
	s := openShop(t)
	s.differs(catalogsync.Difference{})
	s.put("dt=2026-01-01/country=de/a.parquet", "a")
	s.put("dt=2026-01-01/country=de/b.parquet", "a b")
	s.put("dt=2026-01-01/country=a%2Fb/a.parquet", "a dt c")
	s.put("dt=2026-01-02/country=fr/_SUCCESS", "x")
	s.put("dt=2026-01-02/country=fr/a.parquet", "")
	s.put("dt=2026-01-02/country=us/_tmp/a.parquet", "x")
	s.put("dt=2026-01-03/country=de/deeper/a.parquet", "a")
	s.put("dt=2026-01-04/country=de/a.parquet", "broken")
	s.put("elsewhere/a.parquet", "a")
	s.put("misplaced/a.parquet", "a")
	deeper, here, empty := s.at("2026-01-03", "de", "dt=2026-01-03/country=de"), s.at("2026-01-04", "de", "elsewhere"), s.at("2026-01-02", "fr", "dt=2026-01-02/country=fr")
	s.register(deeper, here, empty)
	d := s.differs(catalogsync.Difference{
		Unregistered: []lake.Partition{s.at("2026-01-01", "a/b", "dt=2026-01-01/country=a%2Fb"), s.at("2026-01-01", "de", "dt=2026-01-01/country=de")},
		Empty:        []lake.Partition{empty},
		Elsewhere:    []lake.Partition{here},
		Columns:      []lake.Column{{Name: "c", Type: lake.Int}, {Name: "b", Type: lake.Int}},
		Strange: []string{
			"folder " + s.root + `misplaced: partition path "misplaced": folder "misplaced" is not name=value`,
			"file " + s.root + "dt=2026-01-04/country=de/a.parquet: no Parquet file",
		},
	})
	for range 2 { // again, as after an error
		if err := s.Apply(t.Context(), d, false); err != nil {
			t.Fatal(err)
		}
		s.differs(catalogsync.Difference{Empty: d.Empty, Elsewhere: d.Elsewhere, Strange: d.Strange})
	}
	if err := s.Apply(t.Context(), d, true); err != nil {
		t.Fatal(err)
	}
	s.differs(catalogsync.Difference{Elsewhere: d.Elsewhere, Strange: d.Strange})
	table, err := s.Catalog.Table(t.Context(), projected)
	if err != nil || table.Version != "1" || len(table.Columns) != 3 {
		t.Errorf("version %s with %d columns, %v", table.Version, len(table.Columns), err)
	}
}

// A late lake puts a file into a folder at the n-th look at it.
type late struct {
	catalogsync.Lake
	put func()
	n   int
}

func (l *late) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	if l.n--; l.n == 0 {
		l.put()
	}
	return l.Lake.List(ctx, prefix)
}

// TestRemoveSpares has a file come while its partition is being removed: a
// partition with files is never out of the catalog in the end.
func TestRemoveSpares(t *testing.T) {
	for looks := 1; looks <= 3; looks++ {
		s := openShop(t)
		empty := s.at("2026-01-02", "fr", "dt=2026-01-02/country=fr")
		s.register(empty)
		d := s.differs(catalogsync.Difference{Empty: []lake.Partition{empty}})
		s.Lake = &late{s.Lake, func() { s.put("dt=2026-01-02/country=fr/a.parquet", "a") }, looks}
		if err := s.Apply(t.Context(), d, true); err != nil {
			t.Fatal(err)
		}
		parts, err := s.Catalog.Partitions(t.Context(), projected, "")
		if want := map[bool]int{true: 1, false: 0}[looks < 3]; err != nil || len(parts) != want {
			t.Errorf("a file that comes at look %d: %d partitions, %v", looks, len(parts), err)
		}
	}
}

func TestNewestFilesOnly(t *testing.T) {
	s := openShop(t)
	s.Files = 1
	for _, name := range strings.Fields("a b c d e f g h") {
		s.put("dt=2026-01-01/country=de/"+name+".parquet", name)
	}
	d, err := s.Compare(t.Context(), projected)
	if err != nil || len(d.Columns) > 1 {
		t.Errorf("columns %v of one file, %v", d.Columns, err)
	}
}

// A partition that compaction moved is where it should be, and what is left where it
// was is about to be deleted.
func TestReconcileMoved(t *testing.T) {
	s := openShop(t)
	const moved = "_compacted/20260131T235959Z-0123456789ab/dt=2026-01-01/country=de"
	s.put(moved+"/a.parquet", "a")
	s.put("dt=2026-01-01/country=de/old.parquet", "a")
	s.put("_compacted/20260131T235959Z-0123456789ab/dt=2026-01-02/country=de/canceled.parquet", "a")
	s.register(s.at("2026-01-01", "de", moved))
	table, err := s.Catalog.Table(t.Context(), projected)
	if err != nil {
		t.Fatal(err)
	}
	columns := []lake.Column{{Name: "a", Type: lake.Int}}
	if _, err := s.Catalog.Ensure(t.Context(), lake.Table{Name: projected, Location: table.Location, Columns: columns}); err != nil {
		t.Fatal(err)
	}
	s.differs(catalogsync.Difference{})
}
