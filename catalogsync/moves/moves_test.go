package moves_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/catalogsync/moves"
	"sluice/internal/lake"
)

// ids of batches.
func batch(n int) lake.BatchID { return lake.BatchID(fmt.Sprintf("20260131T235959Z-%012x", n)) }

// first lets whoever is running go on, and else whoever is next.
func first(options []choice) choice { return options[0] }

// play runs two deliveries and two compactors, one who updates the partition and one who
// takes away what a delivery put that was not brought to its end, over a partition with two
// files, and returns where there were choices.
func play(t *testing.T, partitioned bool, choose func(options []choice) choice) []point {
	t.Helper()
	var w *world
	failed := false
	w = newWorld(partitioned, func(format string, args ...any) {
		if !failed {
			t.Errorf("%s\nafter %v\nledger %s", fmt.Sprintf(format, args...), w.story(), w.table.Parameters["sluice.moves"])
		}
		failed = true
	})
	w.choose = choose
	for n := range 2 {
		key, _ := w.Key(w.location())
		w.objects[key+batch(n).DataFile()] = object{rows: []string{string(batch(n))}, etag: -n}
		w.landed[string(batch(n))] = true
	}
	key, _ := w.Key(w.location())
	w.objects[key+batch(9).DataFile()] = object{rows: []string{string(batch(9))}, etag: -9}
	var withdraw func()
	withdraw = func() {
		w.spawn("withdrawal", len(w.procs) < 9, withdraw, func(ctx context.Context) { w.withdraw(ctx, batch(9)) })
	}
	withdraw()
	for n := 2; n < 4; n++ {
		var deliver func()
		name := fmt.Sprintf("delivery %d", n)
		deliver = func() {
			w.spawn(name, len(w.procs) < 9, deliver, func(ctx context.Context) { w.deliver(ctx, batch(n)) })
		}
		deliver()
	}
	for n := range 2 {
		w.spawn(fmt.Sprintf("compactor %d", n), true, nil, func(ctx context.Context) { w.compact(ctx, n, time.Hour) })
	}
	if partitioned {
		w.spawn("update", true, nil, w.update)
	}
	w.run()
	// When everything is at rest a last compaction makes one file of all.
	trace := w.trace
	for len(w.zombies) > 0 { // sooner or later, but not after the fence
		w.do(choice{n: -1}, nil)
	}
	w.look()
	w.choose = first
	w.spawn("last", false, nil, func(ctx context.Context) {
		for n := range 2 {
			m := moves.New(moves.Config{Catalog: w, Store: w, Owner: fmt.Sprint(n), Fence: 1})
			if _, err := m.Sweep(ctx, w.table.Name); err != nil {
				w.violate("sweep: %v", err)
			}
		}
		w.compact(ctx, 9, 1)
	})
	w.run()
	key, _ = w.Key(w.location())
	var files []string
	for k := range w.objects {
		if strings.HasPrefix(k, key) && !strings.Contains(strings.TrimPrefix(k, key), "/") {
			files = append(files, k)
		}
	}
	if len(files) != 1 || len(w.landed) != 4 {
		w.violate("at the end there are %d files: %q; %d rows were landed", len(files), files, len(w.landed))
	}
	return trace
}

// A delivery that comes between a move's commit and its close, and so changes the
// partition's location too, keeps nobody from the next move once it was answered. One that
// died before that does, since its request may be carried out yet.
func TestHelp(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprintf("dies=%v", dies), func(t *testing.T) {
			w := newWorld(true, t.Errorf)
			for n := range 2 {
				key, _ := w.Key(w.location())
				w.objects[key+batch(n).DataFile()] = object{rows: []string{string(batch(n))}, etag: -n}
				w.landed[string(batch(n))] = true
			}
			w.spawn("compactor", false, nil, func(ctx context.Context) { w.compact(ctx, 0, time.Hour) })
			w.spawn("delivery", dies, nil, func(ctx context.Context) { w.deliver(ctx, batch(2)) })
			compactor, delivery := choice{n: 0}, choice{n: 1}
			w.choose = func(options []choice) choice {
				want := compactor
				if strings.Contains(w.table.Parameters["sluice.moves"], `"state":"moved"`) && !w.procs[1].over {
					want = delivery
				}
				if want == delivery && dies && len(w.zombies) > 0 {
					want.crash = true
				}
				if slices.Contains(options, want) {
					return want
				}
				return options[0]
			}
			w.run()
			before := w.part
			if !strings.HasPrefix(before, root+lake.MovedFolder) || len(w.zombies) > 0 != dies {
				t.Fatalf("the partition is at %s, %q ask for it to be elsewhere, so this shows nothing", before, w.zombies)
			}
			w.choose = first
			w.spawn("last", false, nil, func(ctx context.Context) { w.compact(ctx, 1, time.Hour) })
			w.run()
			if moved := w.part != before; moved == dies {
				t.Errorf("the partition was moved again: %v; ledger %s", moved, w.table.Parameters["sluice.moves"])
			}
		})
	}
}

func (w *world) story() string {
	var s strings.Builder
	for _, p := range w.trace {
		switch {
		case p.taken.n < 0:
			s.WriteString(" zombie")
		case p.taken.crash:
			fmt.Fprintf(&s, " %d†", p.taken.n)
		default:
			fmt.Fprintf(&s, " %d", p.taken.n)
		}
	}
	return s.String()
}

// TestInterleavings plays every schedule that departs from running the processes one
// after the other, in each order, in at most TEST_DEPARTURES places (2; a departure is another process's turn,
// the death of the one whose turn it is, or a request that is carried out late).
func TestInterleavings(t *testing.T) {
	most := 2
	if s := os.Getenv("TEST_DEPARTURES"); s != "" {
		most, _ = strconv.Atoi(s)
	}
	for _, partitioned := range []bool{true, false} {
		t.Run(fmt.Sprintf("partitioned=%v", partitioned), func(t *testing.T) {
			played := 0
			var explore func(prefix []choice, departures int)
			explore = func(prefix []choice, departures int) {
				if t.Failed() {
					return
				}
				n := 0
				trace := play(t, partitioned, func(options []choice) choice {
					if n++; n <= len(prefix) {
						return prefix[n-1]
					}
					return options[0]
				})
				played++
				if departures == 0 {
					return
				}
				for i := len(prefix); i < len(trace); i++ {
					for _, o := range trace[i].options {
						if o == trace[i].taken {
							continue
						}
						next := make([]choice, 0, i+1)
						for _, p := range trace[:i] {
							next = append(next, p.taken)
						}
						explore(append(next, o), departures-1)
					}
				}
			}
			explore(nil, most)
			t.Logf("%d schedules", played)
		})
	}
}

// TestRandomInterleavings plays schedules that depart anywhere, any number of times.
func TestRandomInterleavings(t *testing.T) {
	runs := 3000
	if s := os.Getenv("TEST_RANDOM_RUNS"); s != "" {
		runs, _ = strconv.Atoi(s)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range runs {
		often := 1 + rng.IntN(12)
		play(t, rng.IntN(3) > 0, func(options []choice) choice {
			if rng.IntN(often) == 0 {
				return options[rng.IntN(len(options))]
			}
			return options[0]
		})
		if t.Failed() {
			return
		}
	}
}
