package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"time"
)

// start starts a server on the round's data folder.
func (r *round) start(rng *rand.Rand, more ...string) (*instance, error) {
	return startServer(r.cfg.binary, r.place.data, append(r.place.environment(rng, r.raw), more...), r.book)
}

// torment starts the server and kills it again, as often as the round asks for.
func (r *round) torment(ctx context.Context, rng *rand.Rand) error {
	soon := false // the next kill comes soon after the last
	end := time.Now().Add(r.pace * time.Duration(r.quota))
	if r.cfg.sieges && len(r.place.proxies) > 0 {
		r.siegeAt = rng.IntN(r.quota)
		end = end.Add(siegeLength)
	}
	for done := 0; done < r.quota && ctx.Err() == nil; {
		var more []string
		if done == r.siegeAt {
			more = append(more, fmt.Sprintf("AWS_MAX_ATTEMPTS=%d", siegeAttempts))
		}
		i, err := r.start(rng, more...)
		if err != nil {
			return err
		}
		if done == r.siegeAt {
			r.siegeAt = -1
			if !r.awaitServing(ctx, i, -1) {
				continue
			}
			r.fleet.set(i)
			if !r.siege(ctx, rng, i) {
				return nil // what did not hold is in the report
			}
		}
		// What early kills left of the time goes to the later lives.
		killed := r.live(ctx, rng, i, soon, max(time.Until(end)/time.Duration(r.quota-done), 0))
		if !i.ended() {
			i.kill()
		}
		r.fleet.set(nil)
		if killed {
			done++
			r.rep.tell("kill %d of %d", done, r.quota)
		}
		if r.rep.broken() {
			return nil
		}
		soon = killed && rng.IntN(4) == 0
		sleep(ctx, time.Duration(rng.IntN(30))*time.Millisecond)
	}
	return nil
}

// live is one life of the server, about as long as pace; it reports whether it
// ended by a kill.
func (r *round) live(ctx context.Context, rng *rand.Rand, i *instance, soon bool, pace time.Duration) (killed bool) {
	early := time.Duration(-1)
	if soon || rng.IntN(5) == 0 {
		early = between(rng, 0, 250*time.Millisecond)
	}
	if !r.awaitServing(ctx, i, early) {
		if ctx.Err() != nil || i.ended() {
			return false
		}
		i.kill()
		r.rep.kills.Add(1)
		r.rep.startKills.Add(1)
		if soon {
			r.rep.doubleKills.Add(1)
		}
		return true
	}
	r.fleet.set(i)
	up := max(min(time.Duration(rng.ExpFloat64()*float64(pace)), 4*pace), 20*time.Millisecond)
	if soon {
		up = min(up, 100*time.Millisecond)
		r.rep.doubleKills.Add(1)
	}
	step := ""
	if rng.IntN(3) == 0 {
		step = deliverySteps[rng.IntN(len(deliverySteps))]
	}
	if !r.awaitDeath(ctx, i, up, step) {
		return false
	}
	sleep(ctx, time.Duration(rng.IntN(3000))*time.Microsecond)
	if rng.IntN(5) == 0 {
		return r.terminate(rng, i)
	}
	i.kill()
	r.rep.kills.Add(1)
	return true
}

// deliverySteps are log lines of a batch on its way, after each of which the
// server is killed now and then: kills at random rarely meet the short ones.
var deliverySteps = []string{"batch sealed", "batch converted", "batch uploaded", "batch registered", "batch registered", "batch delivered"}

// awaitDeath waits until the server is to die: after some time, or, if step is
// one, when it is next logged. False if there is nobody to kill.
func (r *round) awaitDeath(ctx context.Context, i *instance, up time.Duration, step string) bool {
	limit := time.After(up)
	if step != "" {
		limit = time.After(up + time.Second)
	}
	for {
		select {
		case <-i.exited:
			r.rep.violate("the server ended by itself: %v", i.err)
			return false
		case <-ctx.Done():
			return false
		case <-limit:
			return true
		case msg := <-i.steps:
			if msg == step {
				r.rep.stepKills.Add(1)
				return true
			}
		}
	}
}

// awaitServing waits until the server serves, or for the time given if that is
// not negative; false if it does not serve then.
func (r *round) awaitServing(ctx context.Context, i *instance, at time.Duration) bool {
	limit := startLimit
	if at >= 0 {
		limit = at
	}
	select {
	case <-i.served:
		r.rep.start.see(i.startUp.Milliseconds())
		return true
	case <-i.exited:
		if ctx.Err() == nil {
			r.rep.violate("the server ended while it started: %v", i.err)
		}
	case <-ctx.Done():
	case <-time.After(limit):
		if at < 0 {
			r.rep.violate("the server did not start within %v", startLimit)
		}
	}
	return false
}

// terminate stops the server as an operator would, and sometimes kills it
// meanwhile.
func (r *round) terminate(rng *rand.Rand, i *instance) (killed bool) {
	begun := time.Now()
	i.terminate()
	r.rep.terms.Add(1)
	impatience := stopTimeout + stopGrace
	if rng.IntN(3) == 0 {
		impatience = between(rng, 0, 300*time.Millisecond)
	}
	select {
	case <-i.exited:
		r.rep.stop.see(time.Since(begun).Milliseconds())
		var exit *exec.ExitError
		if errors.As(i.err, &exit) {
			r.rep.violate("the server ended on SIGTERM with %v", i.err)
		}
		return false
	case <-time.After(impatience):
	}
	if impatience > stopTimeout {
		r.rep.violate("the server did not end within %v of SIGTERM; delivery.stop_timeout is %v", impatience, stopTimeout)
	}
	i.kill()
	r.rep.kills.Add(1)
	r.rep.termKills.Add(1)
	return true
}
