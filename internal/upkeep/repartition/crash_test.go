package repartition_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/catalogsync/moves"
	"sluice/internal/lake"
	"sluice/internal/upkeep/repartition"
	"sluice/partitioner"

	"github.com/google/go-cmp/cmp"
)

var (
	from = lake.TableName{Database: "shop", Table: "sales"}
	into = lake.TableName{Database: "shop", Table: "sales2"}

	errCrash = errors.New("crashed here")
	// valueOf is a condition on the first key.
	valueOf  = regexp.MustCompile(`END (= '[^)]*'|IS NULL)[ )]`)
	inQuotes = regexp.MustCompile(`'(file://[^']*)'`)
)

// wide is a file whose rows go to too many partitions for one statement.
const wide = "file:///lake/sales/dt=1/wide.parquet"

// An engine stands for the query engine: files of the old table, and how often the rows
// of each were inserted by statements that came to their end.
type engine struct {
	files    []string
	inserted map[string]int
	pending  map[lake.WriteID][]string // interrupted; brought to an end by Sweep
	written  map[lake.WriteID]bool
	finishes bool // what is pending is finished by Sweep, else undone
	steps    int  // until the crash; negative: none comes
	crashed  bool
}

// step crashes when its turn has come; all fails from then on.
func (e *engine) step() error {
	if e.crashed = e.crashed || e.steps == 0; e.crashed {
		return errCrash
	}
	e.steps--
	return nil
}

func (e *engine) Query(_ context.Context, sql string) (rows [][]string, err error) {
	if strings.Contains(sql, "coalesce(") { // values of the first key in the wide file
		return [][]string{{"", "1"}, {"=a", "1"}, {"=b'", "1"}}, e.step()
	}
	for _, f := range e.files {
		rows = append(rows, []string{f, "10", "1"})
	}
	return rows, e.step()
}

func (e *engine) Insert(_ context.Context, sql string, id lake.WriteID) (int64, error) {
	var files []string
	for _, m := range inQuotes.FindAllStringSubmatch(sql, -1) {
		files = append(files, m[1])
	}
	values := valueOf.FindAllString(sql, -1)
	if len(files) > 2 || strings.Contains(sql, wide) && len(values) != 1 {
		return 0, repartition.ErrWide
	}
	if len(values) == 1 {
		files = []string{wide + " " + values[0]}
	}
	if err := e.step(); err != nil { // before anything is noted
		return 0, err
	}
	if err := e.step(); err != nil {
		e.pending[id] = files
		return 0, err
	}
	e.end(id, files)
	return int64(len(files)), e.step() // the answer is lost
}

func (e *engine) end(id lake.WriteID, files []string) {
	for _, f := range files {
		e.inserted[f]++
	}
	e.written[id] = true
}

func (e *engine) Sweep(context.Context) error {
	if err := e.step(); err != nil {
		return err
	}
	for id, files := range e.pending {
		if e.finishes {
			e.end(id, files)
		}
		delete(e.pending, id)
	}
	return nil
}

func (e *engine) Writing(id lake.WriteID) bool { return e.pending[id] != nil }
func (e *engine) Written(id lake.WriteID) bool { return e.written[id] }

func (e *engine) ForgetWrite(id lake.WriteID) error {
	if err := e.step(); err != nil {
		return err
	}
	delete(e.written, id)
	return e.step()
}

func openCatalog(t *testing.T) *catalogsync.Catalog {
	t.Helper()
	server, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	c, err := catalogsync.New(t.Context(), catalogsync.Config{Endpoint: web.URL, Region: "us-east-1", AccessKeyID: "a", SecretAccessKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Ensure(t.Context(), lake.Table{Name: from, Location: "file:///lake/sales/", Columns: []lake.Column{{Name: "c", Type: lake.String}}, PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func jobOf(t *testing.T) repartition.Job {
	t.Helper()
	rules, err := partitioner.Parse([]string{"c=c"})
	if err != nil {
		t.Fatal(err)
	}
	return repartition.Job{From: from, Into: lake.Table{Name: into, Location: "file:///lake/sales2/", PartitionKeys: rules.Keys()}, Rules: rules}
}

// A crash at any step, and what it left finished or undone: after the next run each
// file's rows are there once.
func TestCrashes(t *testing.T) {
	for _, finishes := range []bool{false, true} {
		for crash := 0; ; crash++ {
			catalog := openCatalog(t)
			e := &engine{inserted: map[string]int{}, pending: map[lake.WriteID][]string{}, written: map[lake.WriteID]bool{}, finishes: finishes, steps: crash}
			e.files = append(e.files, wide)
			for i := range 5 {
				e.files = append(e.files, fmt.Sprintf("file:///lake/sales/dt=1/%d.parquet", i))
			}
			dir, job := t.TempDir(), jobOf(t)
			run := func() error {
				r, err := repartition.New(repartition.Config{Catalog: catalog, Engine: e, Dir: dir, Bytes: 30})
				if err != nil {
					t.Fatal(err)
				}
				_, err = r.Run(t.Context(), job)
				return err
			}
			err := run()
			if err != nil && !errors.Is(err, errCrash) && !strings.Contains(err.Error(), errCrash.Error()) {
				t.Fatal(err)
			}
			e.steps, e.crashed = -1, false
			e.files = append(e.files, "file:///lake/sales/dt=1/late.parquet")
			if err := run(); err != nil {
				t.Fatalf("after a crash at step %d: %v", crash, err)
			}
			want := map[string]int{}
			for _, f := range e.files[1:] {
				want[f] = 1
			}
			for _, v := range []string{"END IS NULL)", "END = 'a')", "END = 'b''')"} {
				want[wide+" "+v] = 1
			}
			if diff := cmp.Diff(want, e.inserted); diff != "" {
				t.Fatalf("after a crash at step %d (-want +got):\n%s", crash, diff)
			}
			if len(e.written) > 0 {
				t.Errorf("after a crash at step %d statements are remembered: %v", crash, e.written)
			}
			if err == nil {
				break
			}
		}
	}
}

// A table that is held is not moved, and one that is being moved not held; the new table
// is told by its mark.
func TestHold(t *testing.T) {
	catalog := openCatalog(t)
	e := &engine{inserted: map[string]int{}, pending: map[lake.WriteID][]string{}, written: map[lake.WriteID]bool{}, steps: -1, files: []string{"file:///lake/sales/dt=1/a.parquet"}}
	open := func(dir string) *repartition.Rewriter {
		r, err := repartition.New(repartition.Config{Catalog: catalog, Engine: e, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	dir := t.TempDir()
	if _, err := open(dir).Run(t.Context(), jobOf(t)); err != nil {
		t.Fatal(err)
	}
	held, err := catalog.Table(t.Context(), from)
	if err != nil || !strings.HasPrefix(moves.Held(held), "rewritten into shop.sales2 (") {
		t.Errorf("held: %q, %v", moves.Held(held), err)
	}
	// Another node, or this one without its folder.
	if _, err := open(t.TempDir()).Run(t.Context(), jobOf(t)); !errors.Is(err, repartition.ErrLost) {
		t.Errorf("from another folder: %v", err)
	}
	if err := catalog.Drop(t.Context(), into, func(lake.Table) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if _, err := open(dir).Run(t.Context(), jobOf(t)); !errors.Is(err, repartition.ErrLost) {
		t.Errorf("into a table that was made anew: %v", err)
	}
	if err := open(dir).Forget(t.Context(), from, into); err != nil {
		t.Fatal(err)
	}
	if held, err = catalog.Table(t.Context(), from); err != nil || moves.Held(held) != "" {
		t.Errorf("held after it was forgotten: %q, %v", moves.Held(held), err)
	}
	if n := e.inserted[e.files[0]]; n != 1 {
		t.Errorf("inserted %d times", n)
	}
}
