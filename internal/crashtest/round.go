package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	numPosters  = 4
	numReaders  = 2
	stopTimeout = 2 * time.Second  // the server's setting
	stopGrace   = 10 * time.Second // beyond it, for a machine that has other work
	startLimit  = 20 * time.Second // an outage of S3 or the catalog included
	healLimit   = 2 * time.Minute  // from the end of all faults until all is delivered
	callLimit   = time.Minute      // of a call that nobody disturbs
	rawPrefix   = "raw-logs"
)

// A round is one data folder's life.
type round struct {
	cfg   config
	mode  string
	dir   string
	quota int           // kills
	pace  time.Duration // of kills, on average
	raw   bool          // the raw copy is kept
	// siegeAt is after how many kills an outage comes that outlasts the clients; -1:
	// it is over, or there is none.
	siegeAt int
	rep     *report

	calm    *calm
	place   *place
	journal *journal
	fleet   *fleet
	book    *logbook

	mu  sync.Mutex
	rng *rand.Rand // guarded by mu; seeds those of the goroutines
}

// dice is a source of random numbers of its own, in the order of the calls.
func (r *round) dice() *rand.Rand {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rand.New(rand.NewPCG(r.rng.Uint64(), r.rng.Uint64()))
}

// run breaks things, lets them heal, and counts. Its error says why the round
// could not be done; what did not hold is in the report.
func (r *round) run(ctx context.Context) (err error) {
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		return err
	}
	r.calm, r.fleet, r.journal = &calm{}, newFleet(), newJournal(numPosters)
	if r.book, err = newLogbook(filepath.Join(r.dir, "serve.log"), r.rep); err != nil {
		return err
	}
	defer r.book.close()
	if r.place, err = openPlace(r); err != nil {
		return errors.Join(err, os.RemoveAll(r.dir))
	}
	r.rep.mu.Lock()
	r.rep.rounds[r.mode]++
	r.rep.mu.Unlock()

	if err = r.breakThings(ctx); err == nil {
		err = r.count(ctx)
	}
	t := r.journal.totals()
	r.rep.acked.Add(int64(t.acked))
	r.rep.uncertain.Add(int64(t.uncertain))
	return errors.Join(err, r.tidy(err != nil && !errors.Is(err, context.Canceled)))
}

// tidy ends everything and removes the round's data, unless they are of use: what
// an interrupted round leaves is not.
func (r *round) tidy(failed bool) error {
	keep := failed || r.rep.broken() || r.cfg.keep
	var err error
	if keep {
		r.rep.keep(r.dir)
		err = r.place.keep()
	}
	r.place.close()
	if !keep {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}

// breakThings has clients at work while everything is broken, until the round has
// its kills. The last server is dead or gone when it returns.
func (r *round) breakThings(ctx context.Context) error {
	work, stopWork := context.WithCancel(ctx)
	defer stopWork()
	g, work := errgroup.WithContext(work)
	for i := range numPosters {
		rng := r.dice()
		g.Go(func() error { return r.post(work, i, rng) })
	}
	for range numReaders {
		rng := r.dice()
		g.Go(func() error { r.read(work, rng); return nil })
	}
	for _, p := range r.place.proxies {
		rng := r.dice()
		g.Go(func() error { return p.run(work, rng, 2*r.pace+400*time.Millisecond) })
	}
	if r.place.disk != nil {
		rng := r.dice()
		g.Go(func() error { return r.fillDisk(work, rng, 2*r.pace+400*time.Millisecond) })
	}
	if r.place.clock != nil {
		rng := r.dice()
		g.Go(func() error { return r.jumpClock(work, rng, 2*r.pace+400*time.Millisecond) })
	}
	g.Go(func() error { return r.measure(work) })
	rng := r.dice()
	g.Go(func() error {
		defer stopWork()
		return r.torment(work, rng)
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// fillDisk fills the small disk in phases; at the end it is empty again.
func (r *round) fillDisk(ctx context.Context, rng *rand.Rand, length time.Duration) error {
	for sleep(ctx, between(rng, length/20, length*2)) {
		leave := rng.Int64N(8 << 20) // around what the server holds back
		if rng.IntN(2) == 0 {
			leave = 0
		}
		took := between(rng, length/10, length)
		r.rep.phase("disk full")
		r.rep.tell("disk full but for %d KiB for %v", leave>>10, took.Round(time.Millisecond))
		healed := r.calm.disturb()
		err := r.place.disk.fill(leave)
		if err == nil {
			sleep(ctx, took)
		}
		if err = errors.Join(err, r.place.disk.free()); err != nil {
			return fmt.Errorf("fill the disk: %w", err)
		}
		healed()
	}
	return nil
}

// measure notes what the server takes of memory and disk. Its error is that the disk
// has gone.
func (r *round) measure(ctx context.Context) error {
	for sleep(ctx, 150*time.Millisecond) {
		if err := r.book.there(); err != nil {
			return err
		}
		size := onDisk(filepath.Join(r.place.data, "buffer"))
		r.rep.logDisk.see(size)
		// The ceiling may be passed by the space that seals need.
		if size > maxLog+numStreams*(1<<20) {
			r.rep.violate("the log takes %d bytes of the disk, its ceiling is %d", size, maxLog)
		}
		r.fleet.mu.Lock()
		i := r.fleet.now
		r.fleet.mu.Unlock()
		if i != nil {
			r.rep.rss.see(maxRSS(i.cmd.Process.Pid))
		}
	}
	return nil
}
