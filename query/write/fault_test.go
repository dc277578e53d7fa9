package write_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/checkpoint"
	"sluice/query/executor"
	"sluice/query/write"
)

var errFault = errors.New("a fault of the test's")

// faults makes the operation numbered at fail, and with dead all that follow: the
// process is as good as gone then.
type faults struct {
	n, at   int // at -1: none
	broken  int // fails too, where it is positive
	applied bool
	dead    bool
	hit     bool
	cancel  func() // instead of a failure
	around  func() // instead of one, before and after the operation
}

// do runs an operation, or fails before it or after it.
func (f *faults) do(op func() error) error {
	now := f.n == f.at
	after := f.dead && f.hit
	f.n++
	f.hit = f.hit || now
	switch {
	case f.broken > 0 && f.n == f.broken+1:
		return errFault
	case now && f.around != nil:
		f.around()
		err := op()
		f.around()
		return err
	case now && f.cancel != nil:
		f.cancel()
		return op()
	case after:
		return errFault
	case now && f.applied:
		return errors.Join(op(), errFault)
	case now:
		return errFault
	}
	return op()
}

type faultyStore struct {
	store.Store
	faults *faults
}

func (s *faultyStore) Put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	return s.faults.do(func() error { return s.Store.Put(ctx, key, body, size) })
}

func (s *faultyStore) Delete(ctx context.Context, key string) error {
	return s.faults.do(func() error { return s.Store.Delete(ctx, key) })
}

func (s *faultyStore) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	if err := s.faults.do(func() error { return nil }); err != nil {
		return func(yield func(store.Object, error) bool) { yield(store.Object{}, err) }
	}
	return s.Store.List(ctx, prefix)
}

type faultyCatalog struct {
	*catalogsync.Catalog
	faults *faults
}

func (c *faultyCatalog) Table(ctx context.Context, name lake.TableName) (t lake.Table, err error) {
	fault := c.faults.do(func() error { t, err = c.Catalog.Table(ctx, name); return nil })
	return t, errors.Join(err, fault)
}

func (c *faultyCatalog) Create(ctx context.Context, t lake.Table) error {
	return c.faults.do(func() error { return c.Catalog.Create(ctx, t) })
}

func (c *faultyCatalog) Drop(ctx context.Context, name lake.TableName, same func(lake.Table) bool) error {
	return c.faults.do(func() error { return c.Catalog.Drop(ctx, name, same) })
}

func (c *faultyCatalog) AddPartitions(ctx context.Context, t lake.Table, parts []lake.Partition) error {
	return c.faults.do(func() error { return c.Catalog.AddPartitions(ctx, t, parts) })
}

func (c *faultyCatalog) Register(ctx context.Context, t lake.Table, parts []lake.Partition) (out []lake.Partition, err error) {
	err = c.faults.do(func() (err error) { out, err = c.Catalog.Register(ctx, t, parts); return err })
	return out, err
}

// faultyBook fails when what was written is settled.
type faultyBook struct {
	*checkpoint.Book
	faults *faults
}

func (b *faultyBook) Settle(p checkpoint.Pledge, kept bool) error {
	return b.faults.do(func() error { return b.Book.Settle(p, kept) })
}

// A house is a lake with a table that has the partition dt=a, and a batch that a
// checkpoint has not read.
type house struct {
	t        *testing.T
	root     string // of the lake
	store    store.Store
	database string // a folder, the catalog's
	server   *embedded.Server
	catalog  *catalogsync.Catalog
	journal  string
	marks    string // a folder, the checkpoints'
	book     *checkpoint.Book
	faults   *faults
	writer   *write.Writer
}

var batch = lake.BatchID("20260131T235959Z-000000000001")

func newHouse(t *testing.T, f *faults) *house {
	t.Helper()
	h := &house{t: t, root: t.TempDir(), database: t.TempDir(), journal: t.TempDir(), marks: t.TempDir(), faults: f}
	var err error
	h.store, err = store.Open(t.Context(), h.root, store.Config{})
	check(t, err)
	h.openCatalog()
	t.Cleanup(func() { h.server.Close(); h.book.Close() })
	table := lake.Table{
		Name: lake.TableName{Database: "db", Table: "t"}, Location: h.store.URI("db/t") + "/",
		Columns: []lake.Column{{Name: "n", Type: lake.Bigint}}, PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}},
	}
	check(t, h.catalog.Create(t.Context(), table))
	check(t, h.catalog.AddPartitions(t.Context(), table, []lake.Partition{{Values: []string{"a"}, Location: table.Location + "dt=a/"}}))
	check(t, h.store.Put(t.Context(), "db/t/dt=a/old.parquet", strings.NewReader("x"), 1))
	h.open(&faultyStore{h.store, f}, &faultyCatalog{h.catalog, f}, func() write.Checkpoints { return &faultyBook{h.book, f} })
	check(t, h.book.Note(batch))
	return h
}

func (h *house) openCatalog() {
	h.t.Helper()
	var err error
	h.server, err = embedded.Open(filepath.Join(h.database, "catalog.db"))
	check(h.t, err)
	h.catalog, err = catalogsync.New(h.t.Context(), catalogsync.Config{Transport: h.server.Transport()})
	check(h.t, err)
}

func (h *house) open(s write.Store, c write.Catalog, book func() write.Checkpoints) {
	h.t.Helper()
	if h.book != nil {
		h.book.Close()
	}
	var err error
	h.book, err = checkpoint.Open(checkpoint.Config{Dir: h.marks, Max: 1, Batches: 10, Confirm: time.Minute})
	check(h.t, err)
	h.writer, err = write.Open(write.Config{Catalog: c, Store: s, Journal: h.journal, Uploads: 1, Checkpoints: book()})
	check(h.t, err)
}

// again is a new process.
func (h *house) again() {
	h.t.Helper()
	h.open(h.store, h.catalog, func() write.Checkpoints { return h.book })
}

// begin begins a run of the checkpoint.
func (h *house) begin() *checkpoint.Run {
	h.t.Helper()
	r, err := h.book.Begin(h.t.Context(), "c", false)
	check(h.t, err)
	check(h.t, r.Plan(h.t.Context(), []lake.TableName{source}, func() ([]lake.BatchID, error) { return nil, nil }))
	return r
}

var source = lake.TableName{Database: "db", Table: "source"}

// moved reports whether the checkpoint is behind the batch.
func (h *house) moved() bool {
	h.t.Helper()
	r := h.begin()
	defer r.Abandon()
	return !r.Covers(source, batch)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows is a query that writes a file for each of the partitions a and b.
type rows struct{ folder string }

func (r rows) SQL() string { return "SELECT 1" }

func (r rows) Columns() []executor.Output {
	return []executor.Output{{Name: "n", Type: lake.Bigint, Presto: "bigint"}, {Name: "dt", Type: lake.String, Presto: "varchar"}}
}

func (r rows) Copy(string) (int64, error) {
	for _, v := range []string{"61", "62"} {
		dir := filepath.Join(r.folder, "rows", "p0=V"+v)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "data_0.parquet"), []byte("rows"), 0o644); err != nil {
			return 0, err
		}
	}
	return 2, nil
}

func (r rows) Close() error { return nil }

func (h *house) run(ctx context.Context, sql string) error {
	h.t.Helper()
	s, ok, err := write.Parse(strings.ReplaceAll(sql, "LAKE", h.store.URI("")))
	if !ok || err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
	r := h.begin()
	defer r.Abandon() // nothing, once it is pledged
	job := write.Job{Pledge: r.Pledge, Statement: s, Database: "db", Folder: h.t.TempDir(), Prepare: func(_ context.Context, folder string) (write.Prepared, error) { return rows{folder}, nil }}
	if s.Kind != write.Unload {
		job.Name = lake.TableName{Database: "db", Table: s.Name[0]}
	}
	_, err = h.writer.Run(ctx, job)
	return err
}

// seen is what a reader finds: the files of the tables' partitions, and with no
// table, of the folder of UNLOAD.
func (h *house) seen() []string {
	h.t.Helper()
	look := h.writer.Look()
	defer look.End()
	var files []string
	tables, err := h.catalog.Tables(h.t.Context(), "db")
	check(h.t, err)
	folders := []string{h.store.URI("out")}
	for _, t := range tables {
		if look.HidesTable(t) {
			continue
		}
		if t.Name.Table != "t" {
			files = append(files, "table "+t.Name.Table)
		}
		parts, err := h.catalog.Partitions(h.t.Context(), t.Name, "")
		check(h.t, err)
		for _, p := range parts {
			folders = append(folders, p.Location)
		}
	}
	for _, f := range folders {
		key, ok := h.store.Key(f)
		if !ok {
			h.t.Fatalf("%s is not in the lake", f)
		}
		for o, err := range h.store.List(h.t.Context(), key) {
			check(h.t, err)
			if !look.Hides(path.Base(o.Key)) {
				dir, name := path.Split(o.Key)
				if _, ok := lake.WriteOf(name); ok {
					name = "write"
				}
				files = append(files, path.Base(dir)+"/"+name)
			}
		}
	}
	slices.Sort(files)
	return files
}

// written are the objects that statements put.
func (h *house) written() (n int) {
	for o, err := range h.store.List(h.t.Context(), "") {
		check(h.t, err)
		if _, ok := lake.WriteOf(path.Base(o.Key)); ok {
			n++
		}
	}
	return n
}

var faultCases = map[string]struct {
	sql   string
	whole []string // what there is more when it was done
}{
	"insert": {"INSERT INTO t SELECT 1", []string{"dt=a/write", "dt=b/write"}},
	"create": {"CREATE TABLE u WITH (partitioned_by = ARRAY['dt']) AS SELECT 1", []string{"dt=a/write", "dt=b/write", "table u"}},
	"place":  {"CREATE TABLE u WITH (partitioned_by = ARRAY['dt'], external_location = 'LAKEplace/u') AS SELECT 1", []string{"dt=a/write", "dt=b/write", "table u"}},
	"unload": {"UNLOAD (SELECT 1) TO 'LAKEout' WITH (partitioned_by = ARRAY['dt'])", []string{"dt=a/write", "dt=b/write"}},
}

// TestFaults fails each operation in turn, before and after it was done, alone or
// with all that follow, and cancels the statement there: what a reader sees is all
// or nothing, then and after what was left is brought to its end.
func TestFaults(t *testing.T) {
	for name, c := range faultCases {
		for _, mode := range []string{"fails", "fails though done", "dies", "dies when done", "canceled"} {
			if name == "place" && mode != "dies when done" || name == "unload" && strings.Contains(mode, "done") {
				continue // the steps are those of the others
			}
			t.Run(name+" "+mode, func(t *testing.T) {
				steps := 0
				for at := 0; ; at++ {
					f := &faults{at: -1, applied: strings.Contains(mode, "done"), dead: strings.HasPrefix(mode, "dies")}
					h := newHouse(t, f)
					before := h.seen()
					ctx, cancel := context.WithCancel(t.Context())
					if mode == "canceled" {
						f.cancel = cancel
					}
					f.n, f.at = 0, at
					err := h.run(ctx, c.sql)
					cancel()
					f.at = -1
					h.verdict(fmt.Sprintf("%s, operation %d: %v", mode, at, err), err, before, c.whole)
					if !f.hit {
						if err != nil || steps < 3 {
							t.Fatalf("undisturbed after %d steps: %v", steps, err)
						}
						return
					}
					steps++
				}
			})
		}
	}
}

// verdict checks what is seen after a statement that ended with err, before and after
// what it left is settled by a process that begins anew.
func (h *house) verdict(what string, err error, before, whole []string) {
	h.t.Helper()
	all := slices.Sorted(slices.Values(slices.Concat(before, whole)))
	if got := h.seen(); err == nil && !slices.Equal(got, all) || err != nil && !slices.Equal(got, before) {
		h.t.Fatalf("%s: seen are %q", what, got)
	}
	// A checkpoint that waits for the sweep is with nobody until then.
	if pledged := h.book.Pledged("c"); pledged && err == nil || !pledged && h.moved() != (err == nil) {
		h.t.Fatalf("%s: the checkpoint moved although the statement failed, or did not", what)
	}
	h.again()
	if got := h.seen(); err == nil && !slices.Equal(got, all) || err != nil && !slices.Equal(got, before) {
		h.t.Fatalf("%s: seen by a new process are %q", what, got)
	}
	h.settled(what, err, before, whole)
}

// settled sweeps what a statement left that ended with err, and checks that it is all
// there and the checkpoint behind it, or neither.
func (h *house) settled(what string, err error, before, whole []string) {
	h.t.Helper()
	all := slices.Sorted(slices.Values(slices.Concat(before, whole)))
	check(h.t, h.writer.Sweep(h.t.Context()))
	got := h.seen()
	switch {
	case h.moved() != slices.Equal(got, all):
		h.t.Fatalf("%s: seen after the sweep are %q, but the checkpoint moved: %v", what, got, h.moved())
	case slices.Equal(got, all):
	case err == nil || !slices.Equal(got, before):
		h.t.Fatalf("%s: seen after the sweep are %q", what, got)
	case h.written() > 0:
		h.t.Fatalf("%s: %d objects are left", what, h.written())
	}
	if left, err := os.ReadDir(h.journal); err != nil || len(left) > 0 {
		h.t.Fatalf("%s: the journal holds %v, %v", what, left, err)
	}
}

// folders are all that a process leaves.
func (h *house) folders() []string { return []string{h.root, h.database, h.journal, h.marks} }

// keep copies what a process leaves that is killed now.
func (h *house) keep() string {
	h.t.Helper()
	kept := h.t.TempDir()
	for i, folder := range h.folders() {
		check(h.t, os.CopyFS(filepath.Join(kept, fmt.Sprint(i)), os.DirFS(folder)))
	}
	return kept
}

// restore puts back what keep copied.
func (h *house) restore(kept string) {
	h.t.Helper()
	check(h.t, h.server.Close())
	for i, folder := range h.folders() {
		check(h.t, os.RemoveAll(folder))
		check(h.t, os.CopyFS(folder, os.DirFS(filepath.Join(kept, fmt.Sprint(i)))))
	}
	h.openCatalog()
	h.again()
}

// TestKills kills the process before and after each operation of a statement with a
// checkpoint, and again at each of those that bring it to its end: what it wrote is
// there, and the checkpoint behind it, or neither.
func TestKills(t *testing.T) {
	for name, c := range faultCases {
		if name == "place" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			ends := map[bool]int{} // by whether the checkpoint moved
			for at := 0; ; at++ {
				f := &faults{at: -1}
				h := newHouse(t, f)
				before := h.seen()
				var kept []string
				f.around = func() { kept = append(kept, h.keep()) }
				f.n, f.at = 0, at
				check(t, h.run(t.Context(), c.sql))
				if !f.hit {
					break
				}
				for i, state := range kept {
					h.restore(state)
					h.settled(fmt.Sprintf("killed at operation %d.%d", at, i), errFault, before, c.whole)
					ends[h.moved()]++
					if i == 1 {
						h.killSweeps(fmt.Sprintf("killed after operation %d", at), state, before, c.whole)
					}
				}
			}
			if ends[true] < 2 || ends[false] < 2 {
				t.Errorf("finished and undone: %v", ends)
			}
		})
	}
}

// TestKilledUndo kills the process at each operation that undoes a statement whose last
// one failed.
func TestKilledUndo(t *testing.T) {
	f := &faults{at: -1}
	h := newHouse(t, f)
	f.n = 0
	const sql = "INSERT INTO t SELECT 1"
	check(t, h.run(t.Context(), sql))
	last := f.n - 1
	steps := 0
	for at := last + 1; ; at++ {
		f := &faults{at: -1}
		h := newHouse(t, f)
		before := h.seen()
		var kept []string
		f.around = func() { kept = append(kept, h.keep()) }
		f.n, f.at, f.broken = 0, at, last
		if err := h.run(t.Context(), sql); !errors.Is(err, errFault) {
			t.Fatalf("the statement ended with %v", err)
		}
		if !f.hit {
			break
		}
		steps++
		for i, state := range kept {
			h.restore(state)
			h.settled(fmt.Sprintf("killed at operation %d.%d of the undoing", at, i), errFault, before, faultCases["insert"].whole)
		}
	}
	if steps < 3 {
		t.Errorf("%d steps undo a statement", steps)
	}
}

// killSweeps kills what sweeps a state, too.
func (h *house) killSweeps(what, state string, before, whole []string) {
	h.t.Helper()
	for at := 0; ; at++ {
		h.restore(state)
		var kept []string
		f := &faults{at: at, around: func() { kept = append(kept, h.keep()) }}
		h.open(&faultyStore{h.store, f}, &faultyCatalog{h.catalog, f}, func() write.Checkpoints { return &faultyBook{h.book, f} })
		check(h.t, h.writer.Sweep(h.t.Context()))
		if !f.hit {
			return
		}
		h.restore(kept[1])
		h.settled(fmt.Sprintf("%s, then after operation %d of its sweep", what, at), errFault, before, whole)
	}
}

// TestLook: what a reader sees is fixed when it begins.
func TestLook(t *testing.T) {
	h := newHouse(t, &faults{at: -1})
	early := h.writer.Look()
	check(t, h.run(t.Context(), "INSERT INTO t SELECT 1"))
	late := h.writer.Look()
	for o, err := range h.store.List(t.Context(), "db") {
		check(t, err)
		name := path.Base(o.Key)
		_, written := lake.WriteOf(name)
		if early.Hides(name) != written || late.Hides(name) {
			t.Errorf("%s: %v for who began before, %v after", name, early.Hides(name), late.Hides(name))
		}
	}
	early.End()
	late.End()
}

// TestLostObjects: the process dies right before it registers a new partition, stays away
// for long, and another node's vacuum takes the object there for an orphan. What is left is
// deleted by the process that comes after: nobody was told that the statement succeeded.
func TestLostObjects(t *testing.T) {
	found := false
	for at := 0; ; at++ {
		f := &faults{at: -1}
		h := newHouse(t, f)
		before := h.seen()
		var journal string
		var entry []byte
		f.cancel = func() { // it dies here, as far as the disk knows
			names, err := filepath.Glob(filepath.Join(h.journal, "*.json"))
			check(t, err)
			for _, name := range names {
				journal = name
				entry, err = os.ReadFile(name)
				check(t, err)
			}
		}
		f.n, f.at = 0, at
		check(t, h.run(t.Context(), "INSERT INTO t SELECT 1"))
		if !f.hit {
			break
		}
		if !bytes.Contains(entry, []byte(`"register"`)) {
			continue
		}
		found = true
		check(t, h.catalog.RemovePartitions(t.Context(), lake.TableName{Database: "db", Table: "t"}, []lake.Partition{{Values: []string{"b"}}}))
		for o, err := range h.store.List(t.Context(), "db/t/dt=b") {
			check(t, err)
			check(t, h.store.Delete(t.Context(), o.Key))
		}
		check(t, os.WriteFile(journal, entry, 0o644))
		h.again()
		check(t, h.writer.Sweep(t.Context()))
		if got := h.seen(); !slices.Equal(got, before) || h.written() > 0 || h.moved() {
			t.Errorf("operation %d: seen are %q, and %d objects are left", at, got, h.written())
		}
	}
	if !found {
		t.Error("no process died between its note and the registration")
	}
}
