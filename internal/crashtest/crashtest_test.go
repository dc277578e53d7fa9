package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/internal/s3test"
)

// A short run in every mode that can run here: a few kills each, with S3, the
// catalog and the disk failing. The program itself runs as long as one likes.
func TestRun(t *testing.T) {
	cfg := config{duration: 5 * time.Second, kills: 9, perRound: 3, seed: uint64(time.Now().UnixNano()), modes: modeNames, disk: true, limit: 4 * time.Minute}
	if _, err := s3test.Find(); errors.Is(err, s3test.ErrNotFound) {
		t.Logf("in mode %s only: %v", modeFile, err)
		cfg.modes = []string{modeFile}
	}
	var progress strings.Builder
	cfg.progress = &progress
	rep, err := run(t.Context(), cfg)
	var summary strings.Builder
	rep.print(&summary)
	if err != nil || rep.broken() {
		t.Errorf("%v\n%s\n%s", err, &summary, &progress)
	}
	if rep.kills.Load()+rep.terms.Load() < int64(cfg.kills) || rep.acked.Load() == 0 || rep.queries.Load() == 0 {
		t.Errorf("too little happened:\n%s", &summary)
	}
	t.Logf("\n%s", &summary)
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-modes", "tape"}, {"-kills", "0"}, {"-duration", "10s", "-limit", "5s"}, {"rest"}, {"-nonsense"}} {
		var stderr strings.Builder
		if code := command(t.Context(), args, &stderr, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: %d, %s", args, code, &stderr)
		}
	}
}
