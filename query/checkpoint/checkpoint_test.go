package checkpoint_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
	"sluice/query/checkpoint"
)

var purchases, orders = lake.TableName{Database: "shop", Table: "purchases"}, lake.TableName{Database: "shop", Table: "orders"}

func id(n int) lake.BatchID { return lake.BatchID(fmt.Sprintf("20260131T235959Z-%012x", n)) }

func config(fsys buffer.FS) checkpoint.Config {
	return checkpoint.Config{Dir: "/checkpoints", FS: fsys, Max: 5, Batches: 1000, Confirm: time.Minute}
}

func open(t testing.TB, cfg checkpoint.Config) *checkpoint.Book {
	t.Helper()
	b, err := checkpoint.Open(cfg)
	check(t, err)
	return b
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sealed is a snapshot with the batches numbered so.
func sealed(numbers ...int) func() ([]lake.BatchID, error) {
	return func() (ids []lake.BatchID, err error) {
		for _, n := range numbers {
			ids = append(ids, id(n))
		}
		return ids, nil
	}
}

func begin(t testing.TB, b *checkpoint.Book, name string, replay bool) *checkpoint.Run {
	t.Helper()
	r, err := b.Begin(t.Context(), name, replay)
	check(t, err)
	return r
}

// plan begins and plans a run over purchases.
func plan(t testing.TB, b *checkpoint.Book, name string, replay bool, numbers ...int) *checkpoint.Run {
	t.Helper()
	r := begin(t, b, name, replay)
	check(t, r.Plan(t.Context(), []lake.TableName{purchases}, sealed(numbers...)))
	return r
}

// wantCovered checks which of the batches 0 to 19 the run covers.
func wantCovered(t testing.TB, r *checkpoint.Run, table lake.TableName, want ...int) {
	t.Helper()
	got := []int{}
	for n := range 20 {
		if r.Covers(table, id(n)) {
			got = append(got, n)
		}
	}
	if diff := cmp.Diff(append([]int{}, want...), got); diff != "" {
		t.Fatalf("covered (-want +got):\n%s", diff)
	}
}

func TestRanges(t *testing.T) {
	fsys := faultfs.New()
	b := open(t, config(fsys))
	check(t, b.Note(id(3)))
	r := plan(t, b, "a", false, 5, 4)
	wantCovered(t, r, purchases, 3, 4, 5)
	r.Abandon()
	r = plan(t, b, "a", false, 5, 6)
	wantCovered(t, r, purchases, 3, 4, 5, 6)
	check(t, b.Note(id(5))) // released meanwhile
	check(t, b.Note(id(7))) // after the plan
	check(t, r.Commit())
	if r.Commit() == nil {
		t.Error("committed twice")
	}
	r.Abandon() // nothing
	b.Close()

	b = open(t, config(fsys))
	defer b.Close()
	r = plan(t, b, "a", true)
	wantCovered(t, r, purchases, 3, 4, 5, 6)
	if r.Number() != 1 {
		t.Errorf("replay of run %d", r.Number())
	}
	check(t, r.Commit())
	r = begin(t, b, "a", false)
	check(t, r.Plan(t.Context(), []lake.TableName{purchases, orders}, sealed(8)))
	wantCovered(t, r, purchases, 7, 8)
	wantCovered(t, r, orders, 3, 4, 5, 6, 7, 8)
	check(t, r.Commit())
	r = plan(t, b, "a", false, 9)
	wantCovered(t, r, purchases, 9)
	check(t, r.Commit())
	r = begin(t, b, "a", true)
	err := r.Plan(t.Context(), []lake.TableName{orders}, sealed())
	if !errors.Is(err, checkpoint.ErrInvalid) || !strings.Contains(err.Error(), "shop.purchases") {
		t.Errorf("replay of a table of the run before: %v", err)
	}
	if err := r.Commit(); !errors.Is(err, checkpoint.ErrInvalid) {
		t.Errorf("committed without a plan: %v", err)
	}
	r.Abandon()
	list := b.List()
	if len(list) != 1 || list[0].Run != 3 || list[0].Busy || len(list[0].Tables) != 2 {
		t.Errorf("listed %+v", list)
	}
}

func TestNames(t *testing.T) {
	b := open(t, config(faultfs.New()))
	defer b.Close()
	for _, name := range []string{"", "A", "-a", ".a", "a/b", "../a", "a b", strings.Repeat("a", 65), "ä"} {
		if _, err := b.Begin(t.Context(), name, false); !errors.Is(err, checkpoint.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for i := range 5 {
		check(t, plan(t, b, fmt.Sprintf("a-%d.x_y", i), false).Commit())
	}
	if _, err := b.Begin(t.Context(), "more", false); !errors.Is(err, checkpoint.ErrInvalid) || !strings.Contains(err.Error(), "query.checkpoints.max") {
		t.Errorf("one too many: %v", err)
	}
	check(t, b.Drop("a-3.x_y"))
	if err := b.Drop("a-3.x_y"); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("dropped twice: %v", err)
	}
	if _, err := b.Begin(t.Context(), "a-3.x_y", true); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("replay of a dropped one: %v", err)
	}
	r := plan(t, b, "more", false)
	if err := b.Drop("more"); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("dropped before its first commit: %v", err)
	}
	r.Abandon()
	// What never was committed takes no place.
	for range 3 {
		plan(t, b, "again", false).Abandon()
		plan(t, b, "more", false).Abandon()
	}
	if len(b.List()) != 4 {
		t.Errorf("listed %+v", b.List())
	}
}

// Of two runs of a name the second waits; one that waits for its confirmation waits
// no longer than it may.
func TestExclusion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, config(faultfs.New()))
		defer b.Close()
		first := plan(t, b, "a", false, 1)
		second := make(chan *checkpoint.Run)
		go func() { second <- plan(t, b, "a", false, 1, 2) }()
		synctest.Wait()
		plan(t, b, "b", false).Abandon() // another name waits for nobody
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Begin(ctx, "a", true); !errors.Is(err, checkpoint.ErrNotFound) {
			t.Errorf("replay of what never was: %v", err)
		}
		if _, err := b.Begin(ctx, "a", false); !errors.Is(err, checkpoint.ErrBusy) {
			t.Errorf("third: %v", err)
		}
		check(t, first.Commit())
		r := <-second
		wantCovered(t, r, purchases, 2)
		if err := b.Drop("a"); !errors.Is(err, checkpoint.ErrBusy) {
			t.Errorf("dropped in use: %v", err)
		}

		// Confirmed in time, with its token alone.
		r.Sent()
		r.Abandon() // nothing: it was sent
		for _, token := range []string{"", "another"} {
			if err := b.Confirm("a", token); !errors.Is(err, checkpoint.ErrExpired) {
				t.Errorf("the token %q: %v", token, err)
			}
		}
		check(t, b.Confirm("a", first.Token())) // which is committed
		time.Sleep(59 * time.Second)
		check(t, b.Confirm("a", r.Token()))
		check(t, b.Confirm("a", r.Token())) // its answer may have been lost
		if err := b.Confirm("a", first.Token()); !errors.Is(err, checkpoint.ErrExpired) {
			t.Errorf("the token of the run before: %v", err)
		}

		// Not confirmed: the next one has the same range.
		r = plan(t, b, "a", false, 3)
		r.Sent()
		begun := time.Now()
		next := plan(t, b, "a", false)
		if waited := time.Since(begun); waited != time.Minute {
			t.Errorf("waited %s for a confirmation", waited)
		}
		wantCovered(t, next, purchases, 3)
		if err := b.Confirm("a", r.Token()); !errors.Is(err, checkpoint.ErrExpired) {
			t.Errorf("confirmed too late: %v", err)
		}
		check(t, b.Revoke("a", r.Token())) // of another: nothing
		check(t, b.Revoke("b", next.Token()))
		next.Sent()
		check(t, b.Revoke("a", next.Token()))
		if err := b.Confirm("a", next.Token()); !errors.Is(err, checkpoint.ErrExpired) {
			t.Errorf("confirmed although it was revoked: %v", err)
		}
		plan(t, b, "a", false).Abandon()
	})
}

// A commit that fails at any operation leaves the checkpoint where it was, for this
// process and for the next one.
func TestCommitFaults(t *testing.T) {
	for i := 0; ; i++ {
		fsys := faultfs.New()
		b := open(t, config(fsys))
		check(t, plan(t, b, "a", false, 1).Commit())
		r := plan(t, b, "a", false, 2)
		before := fsys.Ops()
		fsys.FailAt(i)
		err := r.Commit()
		untouched := fsys.Ops()-before <= i
		fsys.Heal()
		if untouched {
			check(t, err)
			break
		}
		// What cannot be closed or removed, or is not there to be, harms nobody.
		want := []int{2, 3}
		if err == nil {
			want = want[1:]
		}
		for range 2 {
			r = plan(t, b, "a", false, 3)
			wantCovered(t, r, purchases, want...)
			r.Abandon()
			b.Close()
			b = open(t, config(fsys.Crash(rand.New(rand.NewPCG(uint64(i), 1)))))
		}
		b.Close()
	}
}

// A name's first commit that fails is nothing, after a crash too.
func TestFirstCommitFaults(t *testing.T) {
	for i := 0; ; i++ {
		fsys := faultfs.New()
		b := open(t, config(fsys))
		r := plan(t, b, "a", false, 1)
		before := fsys.Ops()
		fsys.FailAt(i)
		err := r.Commit()
		untouched := fsys.Ops()-before <= i
		fsys.Heal()
		if untouched {
			check(t, err)
			return
		}
		if err == nil {
			continue
		}
		if len(b.List()) != 0 {
			t.Fatalf("fault %d: listed %+v", i, b.List())
		}
		plan(t, b, "a", false).Abandon()
		again := open(t, config(fsys.Crash(rand.New(rand.NewPCG(uint64(i), 1)))))
		if len(again.List()) != 0 {
			t.Fatalf("fault %d: after a crash listed %+v", i, again.List())
		}
	}
}

// At any time anything fails, and the process is killed or the power goes. What the
// committed runs of a name cover is every batch that was noted, once.
func TestTorment(t *testing.T) {
	const batches, names = 40, 2
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		fsys := faultfs.New()
		b := open(t, config(fsys))
		noted := map[int]bool{}
		var seen [names]map[int]int
		var last [names][]int // what the latest committed run covered
		var runs [names]int64
		for n := range names {
			seen[n] = map[int]int{}
		}
		covered := func(r *checkpoint.Run) (list []int) {
			for n := range batches {
				if r.Covers(purchases, id(n)) {
					list = append(list, n)
				}
			}
			return list
		}
		commit := func(n int, list []int) {
			for _, k := range list {
				seen[n][k]++
			}
			last[n] = list
			runs[n]++
		}
		type doubt struct {
			run  int64
			list []int
		}
		var doubts [names]*doubt
		// A statement that writes: its journal's entry, which no crash takes away.
		type entry struct {
			pledge checkpoint.Pledge
			list   []int
			kept   bool
		}
		var entries [names]*entry
		settle := func(n int) {
			e := entries[n]
			if err := b.Settle(e.pledge, e.kept); err != nil {
				if errors.Is(err, checkpoint.ErrElsewhere) {
					t.Fatalf("seed %d: %v", seed, err)
				}
				e.kept = e.kept && rnd.IntN(2) == 0 // it is undone, or tried again
				return
			}
			if rnd.IntN(4) == 0 {
				return // to be settled again
			}
			entries[n] = nil
			b.Release(e.pledge)
			if e.kept {
				commit(n, e.list)
			}
		}
		once := func(n int, replay bool) {
			if entries[n] != nil {
				settle(n)
				return
			}
			numbers := []int{rnd.IntN(batches), rnd.IntN(batches)}
			r, err := b.Begin(context.Background(), fmt.Sprint("n", n), replay)
			if err != nil {
				return
			}
			doubts[n] = nil // the file was written again as it was
			defer r.Abandon()
			if err := r.Plan(context.Background(), []lake.TableName{purchases}, sealed(numbers...)); err != nil {
				return
			}
			list := covered(r)
			if replay {
				if !cmp.Equal(list, last[n]) {
					t.Fatalf("seed %d: the replay covers %v, the run covered %v", seed, list, last[n])
				}
				return
			}
			for _, k := range numbers {
				noted[k] = true
			}
			in := map[int]bool{}
			for _, k := range list {
				in[k] = true
			}
			for k := range noted {
				if in[k] == (seen[n][k] > 0) {
					t.Fatalf("seed %d: batch %d: covered %v, seen %d times", seed, k, in[k], seen[n][k])
				}
			}
			if rnd.IntN(3) == 0 {
				return
			}
			number := r.Number()
			if rnd.IntN(2) == 0 {
				p, ok, err := r.Pledge()
				if err != nil || !ok {
					t.Fatalf("seed %d: pledge: %v, %v", seed, ok, err)
				}
				entries[n] = &entry{p, list, rnd.IntN(3) > 0}
				settle(n)
				return
			}
			if err := r.Commit(); err != nil {
				doubts[n] = &doubt{number, list}
				return
			}
			commit(n, list)
		}
		for range 60 {
			if rnd.IntN(3) == 0 {
				fsys.FailAt(rnd.IntN(8))
			}
			switch rnd.IntN(6) {
			case 0, 1:
				if k := rnd.IntN(batches); b.Note(id(k)) == nil {
					noted[k] = true
				}
			case 2, 3:
				once(rnd.IntN(names), false)
			case 4:
				once(rnd.IntN(names), true)
			case 5:
				fsys.Heal()
				if rnd.IntN(2) == 0 {
					fsys = fsys.Crash(rnd)
				} else {
					fsys = fsys.Kill()
				}
				b = open(t, config(fsys))
				for _, e := range entries {
					if e != nil {
						check(t, b.Hold(e.pledge))
					}
				}
				// Who did not hear of his commit asks.
				for _, s := range b.List() {
					n := int(s.Name[1] - '0')
					if e := entries[n]; e != nil && s.Token == e.pledge.After.Token {
						continue
					}
					if d := doubts[n]; d != nil && s.Run == d.run {
						commit(n, d.list)
					}
					if s.Run != runs[n] {
						t.Fatalf("seed %d: %s is at run %d, want %d", seed, s.Name, s.Run, runs[n])
					}
				}
				doubts = [names]*doubt{}
			}
		}
		fsys.Heal()
		for n := range names {
			for entries[n] != nil {
				settle(n)
			}
			once(n, false)
			for k, times := range seen[n] {
				if times != 1 {
					t.Fatalf("seed %d: batch %d was covered %d times", seed, k, times)
				}
			}
		}
	}
}
