package holdback_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/holdback"
	"sluice/internal/lake"
)

var table = lake.TableName{Database: "d", Table: "t"}

// A rig is a folder, and a log of which only the batches' names are of interest.
type rig struct {
	t   *testing.T
	dir string
	log map[lake.BatchID]bool
}

func newRig(t *testing.T) *rig { return &rig{t, t.TempDir(), map[lake.BatchID]bool{}} }

func (r *rig) open(change ...func(*holdback.Config)) *holdback.Shelf {
	r.t.Helper()
	cfg := holdback.Config{
		Dir: filepath.Join(r.dir, "held"), MaxBytes: 1000, MaxFiles: 100,
		Table: func(string, json.RawMessage) (lake.TableName, []lake.Column, error) {
			return table, []lake.Column{{Name: "dt", Type: lake.String}}, nil
		},
		InLog: func(_ string, id lake.BatchID) bool { return r.log[id] },
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := holdback.Open(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func id(n int) lake.BatchID { return lake.BatchID(fmt.Sprintf("20260131T000000Z-%012x", n)) }

// piece is one of a batch with a content.
func (r *rig) piece(n int, partition, content string) holdback.Piece {
	r.t.Helper()
	f, err := os.CreateTemp(r.dir, "piece")
	if err == nil {
		_, err = f.WriteString(content)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return holdback.Piece{
		Batch: id(n), Stream: "s", Table: table, Partition: "dt=" + partition, Values: []string{partition}, Keys: []lake.Column{{Name: "dt", Type: lake.String}},
		Path: f.Name(), Rows: 1, Bytes: int64(len(content)), Rules: json.RawMessage(`{"a":1}`), Columns: []lake.Column{{Name: "x", Type: lake.Int, Key: "X"}},
		Enough: 100, Wait: time.Hour,
	}
}

func (r *rig) put(s *holdback.Shelf, n int, pieces ...holdback.Piece) {
	r.t.Helper()
	r.log[id(n)] = true
	if err := s.Put(id(n), pieces); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) release(s *holdback.Shelf, n int) {
	delete(r.log, id(n))
	s.Free(id(n))
}

// seen is what a look sees, by content.
func (r *rig) seen(l *holdback.Look) (list []string) {
	r.t.Helper()
	for _, p := range l.Pieces(table) {
		if r.log[p.Batch] {
			continue
		}
		b, err := os.ReadFile(p.Path)
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, string(b))
	}
	slices.Sort(list)
	return list
}

func (r *rig) is(what string, got, want any) {
	r.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (r *rig) files() (names []string) {
	r.t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.dir, "held"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func all(s *holdback.Shelf) []holdback.Group {
	groups, _ := s.Groups(time.Now(), "s")
	return groups
}

// A row is seen once, whenever the look began.
func TestLook(t *testing.T) {
	r := newRig(t)
	s := r.open()
	first := s.Look()
	r.put(s, 1, r.piece(1, "a", "one"))
	r.is("while the batch is in the log", r.seen(first), []string(nil))
	if groups := all(s); len(groups) != 0 {
		t.Errorf("groups of what is in the log: %+v", groups)
	}
	r.release(s, 1)
	r.put(s, 2, r.piece(2, "a", "two"))
	r.release(s, 2)
	r.is("after the release", r.seen(first), []string{"one", "two"})
	j, err := s.Begin(all(s)[0].Pieces)
	if err != nil {
		t.Fatal(err)
	}
	if len(all(s)) != 0 {
		t.Error("what is being joined is joined again")
	}
	if err := s.Note(j, "d/t/dt=a/x.parquet", lake.Partition{Values: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	second := s.Look()
	if !first.Hides("d/t/dt=a/x.parquet") || !second.Hides("d/t/dt=a/x.parquet") || second.Hides("d/t/dt=a/y.parquet") {
		t.Error("the object of a pending join is not hidden, or another is")
	}
	if err := s.Commit(j); err != nil {
		t.Fatal(err)
	}
	third := s.Look()
	for _, l := range []*holdback.Look{first, second} {
		r.is("after the commit, by one who began before", r.seen(l), []string{"one", "two"})
		if !l.Hides("d/t/dt=a/x.parquet") {
			t.Error("the object shows to one who sees the pieces")
		}
	}
	r.is("by one who began after", r.seen(third), []string(nil))
	if third.Hides("d/t/dt=a/x.parquet") {
		t.Error("the object is hidden from one who does not see the pieces")
	}
	first.End()
	r.is("with one old look left", r.seen(second), []string{"one", "two"})
	second.End()
	third.End()
	r.is("files in the end", r.files(), []string(nil))
}

// Another attempt replaces what the first held.
func TestPutAgain(t *testing.T) {
	r := newRig(t)
	s := r.open()
	r.put(s, 1, r.piece(1, "a", "old a"), r.piece(1, "b", "old b"))
	s = r.open() // the process was killed before the release
	r.put(s, 1, r.piece(1, "b", "new b"))
	if !s.Holds(id(1)) || len(r.files()) != 2 {
		t.Errorf("files: %v", r.files())
	}
	r.release(s, 1)
	l := s.Look()
	r.is("held", r.seen(l), []string{"new b"})
	l.End()
	r.put(s, 2, r.piece(2, "a", "x"))
	r.put(s, 2)
	if s.Holds(id(2)) || len(r.files()) != 2 {
		t.Errorf("after nothing was held: %v", r.files())
	}
}

// What a kill interrupts is taken up: at each state that the folder can be in.
func TestRecovery(t *testing.T) {
	r := newRig(t)
	s := r.open()
	for n := 1; n <= 3; n++ {
		r.put(s, n, r.piece(n, "a", fmt.Sprint(n)), r.piece(n, "b", fmt.Sprint(-n)))
		r.release(s, n)
	}
	os.WriteFile(filepath.Join(r.dir, "held", string(id(9))+"-0-0.parquet"), []byte("x"), 0o644)
	os.WriteFile(filepath.Join(r.dir, "held", string(id(9))+".json.new"), []byte("x"), 0o644)
	groups := all(s)
	if len(groups) != 2 {
		t.Fatalf("groups: %+v", groups)
	}
	if _, err := s.Begin(groups[0].Pieces); err != nil {
		t.Fatal(err)
	}
	if s = r.open(); len(all(s)) != 2 || len(s.Pending()) != 0 {
		t.Error("before it is noted, a join leaves nothing")
	}
	if len(r.files()) != 9 {
		t.Errorf("litter was left: %v", r.files())
	}
	j, err := s.Begin(all(s)[0].Pieces)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Note(j, "key", lake.Partition{Values: j.Partition.Values, Location: "l"}); err != nil {
		t.Fatal(err)
	}
	s = r.open()
	pending := s.Pending()
	if len(pending) != 1 || len(all(s)) != 1 || pending[0].Key != "key" || pending[0].Partition.Location != "l" || pending[0].Rows != 3 {
		t.Fatalf("pending: %+v", pending)
	}
	if pieces, err := s.Pieces(pending[0]); err != nil || len(pieces) != 3 || pieces[0].Columns[0].Key != "X" || pieces[0].Keys[0].Name != "dt" {
		t.Errorf("pieces: %+v, %v", pieces, err)
	}
	l := s.Look()
	if !l.Hides("key") || len(r.seen(l)) != 6 {
		t.Error("a pending join's object shows, or its pieces do not")
	}
	l.End()
	// A kill right after the commit's write: all else is as it was.
	before := map[string][]byte{}
	for _, name := range r.files() {
		before[name], _ = os.ReadFile(filepath.Join(r.dir, "held", name))
	}
	if err := s.Commit(pending[0]); err != nil {
		t.Fatal(err)
	}
	for name, content := range before {
		if strings.HasSuffix(name, ".join") {
			content = []byte(strings.Replace(string(content), `"pending"`, `"done"`, 1))
		}
		os.WriteFile(filepath.Join(r.dir, "held", name), content, 0o644)
	}
	s = r.open()
	l = s.Look()
	if len(s.Pending()) != 0 || l.Hides("key") || len(r.seen(l)) != 3 || s.Err() != nil {
		t.Errorf("after a kill in the commit: %d pending, %v", len(s.Pending()), s.Err())
	}
	l.End()
	if h := s.Stream("s"); h.Rows != 3 || h.Files != 3 {
		t.Errorf("held: %+v", h)
	}
}

// Damage is said, and nothing is deleted or delivered of it.
func TestDamage(t *testing.T) {
	r := newRig(t)
	s := r.open()
	for n := 1; n <= 3; n++ {
		r.put(s, n, r.piece(n, "a", "content"))
		r.release(s, n)
	}
	path := all(s)[0].Pieces[1].Path
	if err := os.WriteFile(path, []byte("c0ntent"), 0o644); err != nil {
		t.Fatal(err)
	}
	j, err := s.Begin(all(s)[0].Pieces)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pieces(j); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged piece: %v", err)
	}
	if err := s.Dissolve(j); err != nil {
		t.Fatal(err)
	}
	if g := all(s); len(g) != 1 || len(g[0].Pieces) != 2 {
		t.Errorf("the others: %+v", g)
	}
	if h := s.Stream("s"); h.Err == nil || h.Rows != 3 {
		t.Errorf("state: %+v", h)
	}
	if err := os.Truncate(path, 2); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "held", string(id(3))+".json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	s = r.open()
	if err := s.Err(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("after a restart: %v", err)
	}
	if len(r.files()) != 6 {
		t.Errorf("files: %v", r.files())
	}
	// Where segments were set aside, batches may come back: their pieces wait.
	s = r.open(func(c *holdback.Config) { c.Aside = func(string) bool { return true } })
	if g := all(s); len(g) != 0 {
		t.Errorf("groups of a stream with segments aside: %+v", g)
	}
}

// A group is due when it is large enough, old enough, or space is short.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.open()
		due := func() (names []string) {
			groups, _ := s.Groups(time.Now(), "")
			for _, g := range groups {
				names = append(names, g.Partition)
			}
			slices.Sort(names)
			return names
		}
		add := func(n, size int, partition string) {
			r.put(s, n, r.piece(n, partition, strings.Repeat("x", size)))
			r.release(s, n)
		}
		add(1, 60, "a")
		time.Sleep(30 * time.Minute)
		add(2, 60, "b")
		r.is("none is due", due(), []string(nil))
		if _, next := s.Groups(time.Now(), ""); !next.Equal(time.Now().Add(30 * time.Minute)) {
			t.Errorf("the next is due in %v", time.Until(next))
		}
		add(3, 60, "b")
		r.is("large enough", due(), []string{"dt=b"})
		time.Sleep(30 * time.Minute)
		r.is("old enough", due(), []string{"dt=a", "dt=b"})
		s = r.open(func(c *holdback.Config) { c.MaxBytes = 200 })
		r.is("after a restart", due(), []string{"dt=a", "dt=b"})
		if s.Room(30, 1) || !s.Room(20, 1) || s.Room(1, 98) {
			t.Error("room is not what is left of it")
		}
		add(4, 19, "c")
		r.is("space is short: the largest go first", due(), []string{"dt=a", "dt=b"})
	})
}

// The shape of the files on disk.
func TestFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01
		r := newRig(t)
		s := r.open()
		p := r.piece(1, "a", "content")
		r.put(s, 1, p)
		read := func(ext string) string {
			for _, name := range r.files() {
				if strings.HasSuffix(name, ext) {
					b, _ := os.ReadFile(filepath.Join(r.dir, "held", name))
					return string(b)
				}
			}
			return ""
		}
		file := r.files()[0]
		r.is("manifest", read(".json"), `{"stream":"s","rules":{"a":1},"columns":[["x","int","X"]],"pieces":[{"file":"`+file+
			`","values":["a"],"partition":"dt=a","rows":1,"bytes":7,"crc":1638888755,"due":"2000-01-01T01:00:00Z","wait":3600000000000,"enough":100}]}`)
		r.release(s, 1)
		j, err := s.Begin(all(s)[0].Pieces)
		if err == nil {
			err = s.Note(j, "d/t/dt=a/x.parquet", lake.Partition{Values: []string{"a"}, Location: "l/"})
		}
		if err != nil {
			t.Fatal(err)
		}
		r.is("join", read(".join"), `{"state":"pending","stream":"s","table":{"Database":"d","Table":"t"},"key":"d/t/dt=a/x.parquet","partition":{"Values":["a"],"Location":"l/"},`+
			`"rows":1,"members":[{"batch":"`+string(id(1))+`","file":"`+file+`"}]}`)
	})
}
