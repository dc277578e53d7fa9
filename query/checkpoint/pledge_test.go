package checkpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/buffer/faultfs"
	"sluice/internal/lake"
	"sluice/query/checkpoint"
)

// pledge plans a run over purchases and gives it away.
func pledge(t *testing.T, b *checkpoint.Book, name string, numbers ...int) (*checkpoint.Run, checkpoint.Pledge) {
	t.Helper()
	r := plan(t, b, name, false, numbers...)
	p, ok, err := r.Pledge()
	check(t, err)
	if !ok {
		t.Fatal("no pledge")
	}
	return r, p
}

// A run that is pledged ends as its pledge does, whatever else is said of it, and the
// next one waits until then.
func TestPledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, config(faultfs.New()))
		defer b.Close()
		for _, kept := range []bool{false, true} {
			r, p := pledge(t, b, "a", 1, 2)
			r.Abandon()
			r.Sent()
			r.Revoke()
			check(t, b.Revoke("a", r.Token()))
			if err := r.Commit(); !errors.Is(err, checkpoint.ErrExpired) {
				t.Errorf("committed: %v", err)
			}
			if err := b.Confirm("a", r.Token()); !errors.Is(err, checkpoint.ErrExpired) {
				t.Errorf("confirmed: %v", err)
			}
			if _, _, err := r.Pledge(); !errors.Is(err, checkpoint.ErrExpired) {
				t.Errorf("pledged twice: %v", err)
			}
			next := make(chan *checkpoint.Run)
			latest := map[bool]int{false: 3, true: 4}[kept]
			go func() { next <- plan(t, b, "a", false, latest) }()
			check(t, b.Settle(p, true))
			check(t, b.Settle(p, kept))
			check(t, b.Settle(p, kept))
			synctest.Wait()
			select {
			case <-next:
				t.Fatal("the next run began before the pledge was released")
			default:
			}
			if !b.Pledged("a") {
				t.Error("it is not pledged")
			}
			b.Release(p)
			b.Release(p) // nothing
			n := <-next
			if kept {
				wantCovered(t, n, purchases, 4)
				check(t, b.Confirm("a", r.Token())) // it is committed
			} else {
				wantCovered(t, n, purchases, 1, 2, 3)
			}
			n.Abandon()
			if err := b.Settle(p, false); err == nil {
				t.Error("settled after its release")
			}
		}
		// A replay changes nothing.
		r := plan(t, b, "a", true)
		if _, ok, err := r.Pledge(); ok || err != nil {
			t.Errorf("a replay's pledge: %v, %v", ok, err)
		}
		check(t, r.Commit())
		r = begin(t, b, "a", false)
		if _, _, err := r.Pledge(); !errors.Is(err, checkpoint.ErrInvalid) {
			t.Errorf("pledged without a plan: %v", err)
		}
		r.Abandon()
	})
}

// A pledge that an earlier process left: whatever it settled before, the checkpoint
// comes to where the pledge does, and to be dropped it must be released.
func TestPledgeOfAnEarlierProcess(t *testing.T) {
	for _, first := range []bool{true, false} {
		for _, before := range []bool{true, false} {
			for _, kept := range []bool{true, false} {
				fsys := faultfs.New()
				b := open(t, config(fsys))
				if !first {
					check(t, plan(t, b, "a", false, 1).Commit())
				}
				_, p := pledge(t, b, "a", 1, 2)
				if before {
					check(t, b.Settle(p, true))
				}
				text, err := json.Marshal(p)
				check(t, err)
				b = open(t, config(fsys.Crash(rand.New(rand.NewPCG(1, 1)))))
				p = checkpoint.Pledge{}
				check(t, json.Unmarshal(text, &p))
				check(t, b.Hold(p))
				if err := b.Hold(p); !errors.Is(err, checkpoint.ErrBusy) {
					t.Errorf("held twice: %v", err)
				}
				if err := b.Drop("a"); first && !before != errors.Is(err, checkpoint.ErrNotFound) || (!first || before) != errors.Is(err, checkpoint.ErrBusy) {
					t.Errorf("dropped: %v", err)
				}
				ctx, cancel := context.WithDeadline(t.Context(), time.Now())
				if _, err := b.Begin(ctx, "a", false); !errors.Is(err, checkpoint.ErrBusy) {
					t.Errorf("begun: %v", err)
				}
				cancel()
				check(t, b.Settle(p, kept))
				b.Release(p)
				want := []int{1, 2, 3}
				switch {
				case kept:
					want = []int{3}
				case !first:
					want = []int{2, 3}
				}
				r := plan(t, b, "a", false, 3)
				wantCovered(t, r, purchases, want...)
				r.Abandon()
				if has := len(b.List()) == 1; has != (kept || !first) {
					t.Errorf("first %v, kept %v: listed %v", first, kept, b.List())
				}
			}
		}
	}
}

// A checkpoint that is neither before nor after a pledge stays where it is.
func TestPledgeElsewhere(t *testing.T) {
	fsys := faultfs.New()
	b := open(t, config(fsys))
	_, p := pledge(t, b, "a", 1)
	b = open(t, config(fsys))
	check(t, plan(t, b, "a", false, 2).Commit())
	check(t, b.Hold(p))
	if err := b.Settle(p, true); !errors.Is(err, checkpoint.ErrElsewhere) {
		t.Errorf("settled: %v", err)
	}
	check(t, b.Settle(p, false))
	b.Release(p)
	r := plan(t, b, "a", false, 3)
	wantCovered(t, r, purchases, 3)
	r.Abandon()
	// One whose file cannot be read, too.
	check(t, fsys.WriteFile("/checkpoints/a.json", []byte("{")))
	b = open(t, config(fsys))
	check(t, b.Hold(p))
	if err := b.Settle(p, true); !errors.Is(err, checkpoint.ErrElsewhere) {
		t.Errorf("settled though unreadable: %v", err)
	}
	check(t, b.Settle(p, false))
	b.Release(p)
	check(t, b.Drop("a"))
	// And one that is damaged is held by nobody.
	p.Before.Name = "b"
	if err := b.Hold(p); err == nil {
		t.Error("a damaged pledge is held")
	}
}

// Batches at the ends of a pledge's range are kept apart, and numbers that it has are
// not given again although the journal of batches was lost.
func TestPledgeCuts(t *testing.T) {
	fsys := faultfs.New()
	b := open(t, config(fsys))
	check(t, plan(t, b, "a", false, 1).Commit())
	_, p := pledge(t, b, "a", 2, 3)
	b = open(t, config(fsys))
	check(t, b.Note(id(4)))
	check(t, b.Hold(p))
	ids := []lake.BatchID{id(1), id(2), id(3), id(4)}
	want := [][]lake.BatchID{{id(1)}, {id(2), id(3)}, {id(4)}}
	if diff := cmp.Diff(want, b.Together(purchases, ids)); diff != "" {
		t.Errorf("together (-want +got):\n%s", diff)
	}
	check(t, b.Settle(p, true))
	b.Release(p)
	check(t, fsys.Remove("/checkpoints/batches"))
	check(t, fsys.Remove("/checkpoints/a.json"))
	b = open(t, config(fsys))
	check(t, b.Hold(p))
	check(t, b.Note(id(5)))
	if b.Last() <= 3 {
		t.Errorf("the batch has number %d", b.Last())
	}
}

// Settle fails at any operation: who settles again, in this process or in the next, has
// the checkpoint where the pledge takes it, or where it was.
func TestSettleFaults(t *testing.T) {
	for _, first := range []bool{true, false} {
		for _, kept := range []bool{true, false} {
			for i := 0; ; i++ {
				fsys := faultfs.New()
				b := open(t, config(fsys))
				if !first {
					check(t, plan(t, b, "a", false, 1).Commit())
				}
				_, p := pledge(t, b, "a", 1, 2)
				before := fsys.Ops()
				fsys.FailAt(i)
				err := b.Settle(p, true)
				untouched := fsys.Ops()-before <= i
				fsys.Heal()
				want := []int{1, 2, 3}
				if !first {
					want = want[1:]
				}
				if kept {
					want = []int{3}
				}
				switch i % 3 {
				case 1:
					b = open(t, config(fsys.Crash(rand.New(rand.NewPCG(uint64(i), 1)))))
					check(t, b.Hold(p))
				case 2:
					b = open(t, config(fsys.Kill()))
					check(t, b.Hold(p))
				}
				check(t, b.Settle(p, kept))
				b.Release(p)
				r := plan(t, b, "a", false, 3)
				wantCovered(t, r, purchases, want...)
				r.Abandon()
				if untouched {
					check(t, err)
					break
				}
			}
		}
	}
}
