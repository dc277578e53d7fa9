package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// run has rounds, until there were kills and time enough or something did not
// hold. The report tells what happened also beside an error.
func run(ctx context.Context, cfg config) (*report, error) {
	rep := newReport(cfg)
	if cfg.binary != "" || !cfg.clock || !clockJumps {
		cfg.clock = false
		rep.skip("the clock did not jump: that takes a build of its own, so no -binary and no -clock=false, and Linux")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.limit, fmt.Errorf("the run was not done within its limit of %v", cfg.limit))
	defer cancel()
	dir, err := os.MkdirTemp("", "crashtest-")
	if err != nil {
		return rep, err
	}
	defer os.Remove(dir) // only if nothing is kept
	if cfg.binary == "" {
		cfg.binary = filepath.Join(dir, "sluice")
		defer os.Remove(cfg.binary)
		if err := build(ctx, cfg, dir); err != nil {
			return rep, err
		}
	}
	rounds := max((cfg.kills+cfg.perRound-1)/cfg.perRound, len(cfg.modes))
	pace := cfg.duration / time.Duration(cfg.kills)
	left := cfg.kills
	for n := range rounds {
		quota := (left + rounds - n - 1) / (rounds - n)
		left -= quota
		r := &round{
			cfg: cfg, mode: cfg.modes[n%len(cfg.modes)], dir: filepath.Join(dir, fmt.Sprintf("round-%02d", n+1)),
			quota: max(quota, 1), pace: pace, raw: n/len(cfg.modes)%2 == 0, siegeAt: -1, rep: rep, rng: rand.New(rand.NewPCG(cfg.seed, uint64(n))),
		}
		rep.tell("round %d of %d: mode %s, %d kills", n+1, rounds, r.mode, r.quota)
		if err := r.run(ctx); err != nil || rep.broken() {
			return rep, errors.Join(err, context.Cause(ctx))
		}
	}
	return rep, nil
}

// build builds the command.
func build(ctx context.Context, cfg config, dir string) error {
	args := []string{"build", "-o", cfg.binary}
	if cfg.clock {
		overlay := filepath.Join(dir, "overlay")
		if err := os.Mkdir(overlay, 0o755); err != nil {
			return err
		}
		defer os.RemoveAll(overlay)
		path, err := clockOverlay(ctx, overlay)
		if err != nil {
			return fmt.Errorf("build the command: %w", err)
		}
		args = append(args, "-overlay", path)
	}
	if cfg.race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, commandPackage)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return nil
}
