package query_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"
	"sluice/query"
	"sluice/query/checkpoint"
	"sluice/query/write"
)

// A bookHouse is a house with checkpoints.
type bookHouse struct {
	*house
	book *checkpoint.Book
}

func newBookHouse(t testing.TB, adjust ...func(*query.Config)) *bookHouse {
	t.Helper()
	book, err := checkpoint.Open(checkpoint.Config{Dir: filepath.Join(t.TempDir(), "checkpoints"), Max: 10, Batches: 1000, Confirm: time.Minute})
	check(t, err)
	t.Cleanup(func() { book.Close() })
	adjust = append(adjust, func(c *query.Config) { c.Checkpoints = book })
	streams := maps.Clone(shopHouseStreams)
	streams["more"] = streams["purchases"] // into the same table
	return &bookHouse{newHouse(t, streams, adjust...), book}
}

// steps is a batch's way into the lake as delivery goes it.
func (h *bookHouse) steps(b *buffer.Batch) []func() {
	steps := h.deliverSteps(b)
	release := steps[len(steps)-1]
	steps[len(steps)-1] = func() { check(h.t, h.book.Note(b.ID)); release() }
	return steps
}

func (h *bookHouse) deliver(stream string) {
	h.t.Helper()
	h.seal(stream)
	for _, b := range h.buffer.Sealed() {
		if b.Stream == stream {
			for _, step := range h.steps(b) {
				step()
			}
		}
	}
}

// ids runs a query of one number a row; commit says whether it was delivered.
func (h *bookHouse) ids(req query.Request, commit bool) ([]int, error) {
	req.Dialect = query.DuckDB
	r, err := h.engine.Query(h.t.Context(), req)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ids := []int{}
	for r.Next() {
		n, err := strconv.Atoi(r.Values()[0].Text)
		check(h.t, err)
		ids = append(ids, n)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	slices.Sort(ids)
	if commit {
		return ids, r.Commit(h.t.Context())
	}
	return ids, nil
}

func (h *bookHouse) wantIDs(req query.Request, commit bool, want ...int) {
	h.t.Helper()
	if got, err := h.ids(req, commit); err != nil || !slices.Equal(got, want) {
		h.t.Fatalf("%+v: got %v, %v; want %v", req, got, err, want)
	}
}

func run(name string) query.Request {
	return query.Request{SQL: "SELECT id FROM shop.purchases", Checkpoint: name}
}

func replay(name string) query.Request {
	r := run(name)
	r.Replay = true
	return r
}

// Each run sees what came since the latest committed one, at every step of the
// delivery of what it covers; so does a replay.
func TestCheckpointOverDelivery(t *testing.T) {
	h := newBookHouse(t)
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 1, "US"))
	h.deliver("purchases")
	h.post("purchases", purchase(3, 2, "DE"))
	h.wantIDs(run("a"), false, 1, 2, 3) // not committed
	h.post("purchases", purchase(4, 2, "DE"))
	h.deliver("purchases")
	h.wantIDs(run("a"), true, 1, 2, 3, 4)
	h.wantIDs(run("a"), true)
	h.wantIDs(replay("a"), true)
	h.post("purchases", purchase(5, 3, "FR"))
	h.wantIDs(run("b"), true, 1, 2, 3, 4, 5)
	h.post("purchases", purchase(6, 3, "FR"))
	h.wantIDs(run("b"), true, 6)
	for _, b := range h.buffer.Sealed() {
		for _, step := range h.steps(b) {
			step()
			h.wantIDs(run("a"), false, 5, 6)
		}
		h.wantIDs(replay("b"), true, 6)
		h.wantIDs(run("c"), false, 1, 2, 3, 4, 5, 6)
	}
	h.wantIDs(run("a"), true, 5, 6)
	h.wantIDs(replay("a"), true, 5, 6)
	// Another statement of a replay has the same range; conditions prune as ever.
	other := replay("a")
	other.SQL = "SELECT p.id FROM shop.purchases p WHERE p.dt = '2026-01-03' AND p.country = 'FR' AND p.id > 5"
	h.wantIDs(other, true, 6)
	h.want("SHOW CHECKPOINTS", h.rowsOf("a", 3), h.rowsOf("b", 2))
}

// rowsOf is a checkpoint's line, without what depends on the time.
func (h *bookHouse) rowsOf(name string, runs int) string {
	rows, _, err := h.query("SHOW CHECKPOINTS")
	check(h.t, err)
	for _, r := range rows {
		if strings.HasPrefix(r, fmt.Sprintf("%q|%d|", name, runs)) && strings.HasSuffix(r, `|"idle"`) {
			return r
		}
	}
	h.t.Fatalf("%s, run %d, is not in %q", name, runs, rows)
	return ""
}

// Tables have each their own place in a checkpoint, and statements over two tables
// move both.
func TestCheckpointOverTables(t *testing.T) {
	h := newBookHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	h.post("others", `{"id":101}`)
	h.wantIDs(run("a"), true, 1)
	both := query.Request{SQL: "SELECT id FROM shop.purchases UNION ALL SELECT id FROM others", Checkpoint: "a"}
	h.post("purchases", purchase(2, 1, "DE"))
	h.wantIDs(both, true, 2, 101)
	h.post("others", `{"id":102}`)
	h.wantIDs(run("a"), true)
	h.wantIDs(both, true, 102)
	both.Replay = true
	h.wantIDs(both, true, 102)
	h.post("purchases", purchase(3, 1, "DE"))
	h.wantIDs(run("a"), true, 3)
	if _, err := h.ids(both, true); err == nil || !strings.Contains(err.Error(), "did not read default.others") {
		t.Errorf("replay of a table that was not read: %v", err)
	}
	// A stream that goes to the table from now on; what it had is where it was.
	s := h.stream("others")
	s.Table = "shop.purchases"
	s.PartitionBy = shopHouseStreams["purchases"].PartitionBy
	h.seal("others")
	streams := maps.Clone(h.streams)
	streams["others"] = s
	h.streams = streams
	h.post("others", purchase(103, 1, "DE"))
	h.wantIDs(run("a"), true, 103)
	h.wantIDs(run("a"), true)
}

// Rows that this node did not acknowledge are in no range: files of others, of other
// nodes as well.
func TestCheckpointIsOfThisNode(t *testing.T) {
	h := newBookHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	h.deliver("purchases")
	h.parquet("shop/purchases/dt=2026-01-01/country=DE/foreign.parquet", "SELECT 77 AS id")
	h.parquet("shop/purchases/dt=2026-01-01/country=DE/"+lake.NewBatchID(time.Now()).DataFile(), "SELECT 78 AS id")
	h.wantIDs(query.Request{SQL: run("").SQL}, false, 1, 77, 78)
	h.wantIDs(run("a"), true, 1)
}

// Files of several batches that no checkpoint separates become one, under the name
// of one of them: the package's doc says what compaction must keep.
func TestCheckpointAndCompaction(t *testing.T) {
	h := newBookHouse(t)
	files := func() []string {
		list, err := filepath.Glob(filepath.Join(h.root, "shop/purchases/dt=2026-01-01/country=DE/*.parquet"))
		check(t, err)
		return list
	}
	merge := func(list []string) {
		if len(list) != 3 {
			t.Fatalf("to be merged: %v", list)
		}
		merged := filepath.Join(h.root, "merged")
		copyParquet(t, merged, "SELECT * FROM read_parquet(['"+strings.Join(list, "','")+"'])")
		for _, f := range list {
			check(t, os.Remove(f))
		}
		check(t, os.Rename(merged, list[0]))
	}
	three := func(from int) {
		for i := range 3 {
			h.post("purchases", purchase(from+i, 1, "DE"))
			h.deliver("purchases")
		}
	}
	three(0)
	h.wantIDs(run("a"), true, 0, 1, 2)
	first := files()
	three(3)
	h.wantIDs(run("a"), true, 3, 4, 5)
	merge(slices.DeleteFunc(files(), func(f string) bool { return slices.Contains(first, f) }))
	merge(first)
	h.wantIDs(replay("a"), true, 3, 4, 5)
	h.post("purchases", purchase(6, 1, "DE"))
	h.wantIDs(run("a"), true, 6)
	h.wantIDs(run("b"), true, 0, 1, 2, 3, 4, 5, 6)
}

// A run that another of its name waits for, and one that is too late.
func TestCheckpointExcludes(t *testing.T) {
	h := newBookHouse(t, func(c *query.Config) { c.Concurrent = 1; c.Queue = 1 })
	h.post("purchases", purchase(1, 1, "DE"))
	r, err := h.engine.Query(t.Context(), run("a"))
	check(t, err)
	// It holds the name, and the only place.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var fault *query.Error
	if _, err := h.engine.Query(ctx, run("a")); !errors.As(err, &fault) || fault.Code != query.CodeCanceled {
		t.Errorf("canceled while waiting: %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := h.engine.Query(late, run("a")); !errors.As(err, &fault) || fault.Code != query.CodeBusy {
		t.Errorf("no time to wait: %v", err)
	}
	if _, err := h.ids(query.Request{SQL: "DROP CHECKPOINT a"}, false); err == nil {
		t.Error("dropped in use")
	}
	// Not read to its end: it cannot be committed, and the next one sees the same.
	if err := r.Commit(t.Context()); err == nil {
		t.Error("committed before its rows were read")
	}
	waited := make(chan error)
	go func() {
		got, err := h.ids(run("a"), true)
		if err == nil && !slices.Equal(got, []int{1}) {
			err = fmt.Errorf("got %v", got)
		}
		waited <- err
	}()
	r.Close()
	check(t, <-waited)
	h.wantIDs(run("a"), true)
}

func TestCheckpointFaults(t *testing.T) {
	h := newBookHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	// What reads no rows has read nothing.
	for _, sql := range []string{"SHOW TABLES", "DESCRIBE shop.purchases", "-- all of it\n DESCRIBE SELECT * FROM shop.purchases", "desc select 1"} {
		r, err := h.engine.Query(t.Context(), query.Request{SQL: sql, Checkpoint: "mine", Dialect: query.DuckDB})
		check(t, err)
		for r.Next() {
		}
		check(t, r.Commit(t.Context()))
		r.Close()
	}
	h.wantIDs(run("mine"), true, 1)
	for _, tt := range []struct {
		req  query.Request
		code query.Code
		part string
	}{
		{run("No"), query.CodeInvalid, "a-z"},
		{run("../x"), query.CodeInvalid, "a-z"},
		{replay("nope"), query.CodeNoCheckpoint, "SHOW CHECKPOINTS"},
		{query.Request{SQL: "SELECT 1", Checkpoint: "a"}, query.CodeInvalid, "reads no table"},
		{query.Request{SQL: "SELECT 1", Replay: true}, query.CodeInvalid, "none is named"},
		{query.Request{SQL: "SELECT * FROM lake.shop.purchases", Checkpoint: "a"}, query.CodeInvalid, "whole tables"},
		{query.Request{SQL: "SELECT * FROM nope", Checkpoint: "a"}, query.CodeNotFound, "nope"},
		{query.Request{SQL: "DROP CHECKPOINT nope"}, query.CodeNoCheckpoint, "nope"},
		{query.Request{SQL: "COMMIT CHECKPOINT mine token"}, query.CodeExpired, "next one repeats"},
		{query.Request{SQL: "DROP CHECKPOINT"}, query.CodeSyntax, "DROP CHECKPOINT name"},
		{query.Request{SQL: "DROP CHECKPOINT mine", Visible: func(db string) bool { return db != "shop" }}, query.CodeNoCheckpoint, "mine"},
		{query.Request{SQL: "SELECT 1", Checkpoint: "mine", Visible: func(db string) bool { return db != "shop" }}, query.CodeForbidden, "somebody else's"},
	} {
		var fault *query.Error
		if _, err := h.ids(tt.req, true); !errors.As(err, &fault) || fault.Code != tt.code || !strings.Contains(fault.Message, tt.part) {
			t.Errorf("%s: %v", tt.req.SQL, err)
		}
	}
	r, err := h.engine.Query(t.Context(), query.Request{SQL: "SHOW CHECKPOINTS", Visible: func(db string) bool { return db != "shop" }})
	check(t, err)
	if r.Next() {
		t.Errorf("a checkpoint of a hidden table is shown: %v", r.Values())
	}
	r.Close()
	h.wantIDs(run("mine"), true)
	if _, _, err := h.query("drop checkpoint mine;"); err != nil {
		t.Error(err)
	}
	h.wantIDs(run("mine"), true, 1)
}

// While records come, batches move and are delivered, and runs of two names fail,
// are given up or succeed: what the successful runs of a name saw is every record
// that was acknowledged, once, and nothing of it was acknowledged after the run
// began to be asked and missed. A replay sees what its run saw.
func TestCheckpointsAreExact(t *testing.T) {
	h := newBookHouse(t, func(c *query.Config) { c.Concurrent = 4; c.Threads = 1 })
	const names, records = 2, 200
	const total = 2*records + 1
	var acked sync.Map
	h.post("purchases", purchase(total-1, 1, "DE"))
	acked.Store(total-1, true)
	done := make(chan struct{})
	var writers, readers, delivery sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			stream := "purchases"
			if w == 1 {
				stream = "more"
			}
			for i := range records {
				id := w*records + i
				h.post(stream, purchase(id, id%3+1, "DE"))
				acked.Store(id, true)
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	// The deliverer: what is sealed, a step at a time.
	delivery.Go(func() {
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			h.seal("purchases")
			for _, b := range h.buffer.Sealed() {
				for _, step := range h.steps(b) {
					step()
				}
			}
		}
	})
	seen := make([][]int, names)
	for n := range names {
		readers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			name := fmt.Sprint("reader-", n)
			one := func() {
				before := map[int]bool{}
				acked.Range(func(id, _ any) bool { before[id.(int)] = true; return true })
				fate := rnd.IntN(4)
				ids, err := h.ids(run(name), fate > 0)
				if err != nil {
					t.Error(err)
					return
				}
				if fate == 0 {
					return // given up
				}
				seen[n] = append(seen[n], ids...)
				for _, id := range seen[n] {
					delete(before, id)
				}
				if len(before) > 0 {
					t.Errorf("%s: %d records that were acknowledged before the run are not in it or in one before", name, len(before))
				}
				if fate == 1 {
					again, err := h.ids(replay(name), true)
					if err != nil || !slices.Equal(again, ids) {
						t.Errorf("%s: the replay has %d rows, the run had %d: %v", name, len(again), len(ids), err)
					}
				}
			}
			for over := false; !over; {
				select {
				case <-done:
					over = true
				default:
				}
				one()
			}
			for range 100 {
				if len(seen[n]) < total && !t.Failed() {
					one()
				}
			}
		})
	}
	readers.Wait()
	delivery.Wait()
	for n := range names {
		slices.Sort(seen[n])
		for i, id := range seen[n] {
			if i != id {
				t.Fatalf("reader-%d: of %d rows seen the %dth has id %d", n, len(seen[n]), i, id)
			}
		}
		if len(seen[n]) != total {
			t.Errorf("reader-%d saw %d records", n, len(seen[n]))
		}
	}
}

// stubbornStore fails to put and to delete objects.
type stubbornStore struct {
	write.Store
	puts, deletes atomic.Bool // fail
}

func (s *stubbornStore) Put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	if err := s.Store.Put(ctx, key, body, size); err != nil || !s.puts.Load() {
		return err
	}
	return errors.New("no answer to the put")
}

func (s *stubbornStore) Delete(ctx context.Context, key string) error {
	if s.deletes.Load() {
		return errors.New("no answer to the deletion")
	}
	return s.Store.Delete(ctx, key)
}

// A statement that writes what is new, and views: their tables' ranges are read. The
// checkpoint moves with what was written, whether the answer is delivered or not.
func TestCheckpointedWrites(t *testing.T) {
	book, err := checkpoint.Open(checkpoint.Config{Dir: filepath.Join(t.TempDir(), "checkpoints"), Max: 10, Batches: 1000, Confirm: time.Minute})
	check(t, err)
	t.Cleanup(func() { book.Close() })
	shop := &stubbornStore{}
	w := newWorkshop(t, func(c *query.Config) {
		c.Checkpoints = book
		shop.Store, c.Write.Store = c.Write.Store, shop
	})
	w.want("CREATE TABLE src AS SELECT 0 AS id", "1") // a file of no batch
	w.want("CREATE VIEW v AS SELECT id FROM src", "true")
	table, err := w.catalog.Table(t.Context(), lake.TableName{Database: "default", Table: "src"})
	check(t, err)
	key, _ := w.store.Key(table.Location)
	arrive := func(n int) {
		batch := lake.NewBatchID(time.Now())
		copyParquet(t, filepath.Join(w.root, key, batch.DataFile()), fmt.Sprintf("SELECT %d::integer AS id", n))
		check(t, book.Note(batch))
	}
	do := func(sql string, want ...string) {
		t.Helper()
		r, err := w.engine.Query(t.Context(), query.Request{SQL: sql, Checkpoint: "c", MayWrite: anywhere})
		check(t, err)
		defer r.Close()
		var got []string
		for r.Next() {
			got = append(got, r.Values()[0].Text)
		}
		check(t, r.Err())
		if r.Awaits() { // who asks a statement that writes says nothing at all
			check(t, r.Commit(t.Context()))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s: got %q, want %q", sql, got, want)
		}
	}
	fails := func(req query.Request, code query.Code) {
		t.Helper()
		req.Checkpoint, req.MayWrite = "c", anywhere
		var fault *query.Error
		if _, err := w.engine.Query(t.Context(), req); !errors.As(err, &fault) || fault.Code != code {
			t.Fatalf("%s: %v", req.SQL, err)
		}
	}
	arrive(1)
	do("CREATE TABLE dst AS SELECT id FROM src", "1")
	do("INSERT INTO dst SELECT id FROM src", "0")
	arrive(2)
	do("CREATE OR REPLACE VIEW w AS SELECT id FROM src", "true") // reads nothing
	do("INSERT INTO dst SELECT id FROM src", "1")
	arrive(3)
	do("SELECT id FROM v", "3")
	do("SELECT id FROM v")
	w.want("SELECT id FROM dst ORDER BY id", "1", "2")

	// What reads nothing leaves the checkpoint where it is.
	arrive(4)
	do("CREATE TABLE IF NOT EXISTS dst AS SELECT id FROM src", "0")
	fails(query.Request{SQL: "CREATE TABLE none AS SELECT id FROM src WITH NO DATA"}, query.CodeInvalid)
	// Nor does it move with what failed and was undone.
	shop.puts.Store(true)
	fails(query.Request{SQL: "INSERT INTO dst SELECT id FROM src"}, query.CodeInternal)
	// What could not be undone has it wait, and whoever asks for it is told so.
	shop.deletes.Store(true)
	fails(query.Request{SQL: "INSERT INTO dst SELECT id FROM src"}, query.CodeInternal)
	fails(query.Request{SQL: "SELECT id FROM src"}, query.CodeBusy)
	fails(query.Request{SQL: "DROP CHECKPOINT c"}, query.CodeBusy)
	w.engine.Close()
	w.open() // the journal is read again; the book has the pledge still, as a service's that is not closed
	w.want("SELECT id FROM dst ORDER BY id", "1", "2")
	shop.puts.Store(false)
	shop.deletes.Store(false)
	do("INSERT INTO dst SELECT id FROM src", "1")
	w.want("SELECT id FROM dst ORDER BY id", "1", "2", "4")
	// A replay writes the same once more, and leaves the checkpoint where it is.
	r, err := w.engine.Query(t.Context(), query.Request{SQL: "INSERT INTO dst SELECT id FROM src", Checkpoint: "c", Replay: true, MayWrite: anywhere})
	check(t, err)
	check(t, r.Close())
	arrive(5)
	do("INSERT INTO dst SELECT id FROM src", "1")
	w.want("SELECT id FROM dst ORDER BY id", "1", "2", "4", "4", "5")
	do("UNLOAD (SELECT id FROM src) TO '"+w.store.URI("out")+"'", "0")
	do("DROP CHECKPOINT c", "c")
	do("INSERT INTO dst SELECT id FROM src WHERE id = 1", "1")
}

// Where statements only read, what one left that was interrupted is brought to its end.
func TestReadOnlySweeps(t *testing.T) {
	shop := &stubbornStore{}
	w := newWorkshop(t, func(c *query.Config) { shop.Store, c.Write.Store = c.Write.Store, shop })
	w.want("CREATE TABLE t AS SELECT 1 AS id", "1")
	shop.puts.Store(true)
	shop.deletes.Store(true)
	if _, err := w.ask("INSERT INTO t SELECT 2"); err == nil {
		t.Fatal("nothing failed")
	}
	w.engine.Close()
	w.cfg.ReadOnly = true
	w.open()
	var fault *query.Error
	if _, err := w.ask("INSERT INTO t SELECT 3"); !errors.As(err, &fault) || fault.Code != query.CodeForbidden {
		t.Errorf("written: %v", err)
	}
	w.want("SELECT id FROM t", "1")
	shop.deletes.Store(false)
	check(t, w.engine.Sweep(t.Context()))
	w.want("SELECT id FROM t", "1")
	if left, err := os.ReadDir(w.cfg.Write.Journal); err != nil || len(left) > 0 {
		t.Errorf("the journal holds %v, %v", left, err)
	}
}
