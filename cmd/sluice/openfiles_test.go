package main

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"sluice/configs"
)

// Streams come before connections, but for a few; streams that exist before all.
func TestShareFiles(t *testing.T) {
	cfg := configs.Default()
	cfg.Convert.Threads, cfg.Query.Threads = 2, 2
	const rest = 256 + 32 + 2*(4+4+4) + 4*(4+16)
	for _, tc := range []struct {
		limit   uint64
		streams int
		want    openFiles
		fails   bool
	}{
		{1 << 63, 0, openFiles{2000, 1000}, false},
		{rest + 3000, 0, openFiles{2000, 1000}, false},
		{rest + 2999, 0, openFiles{1999, 1000}, false},
		{rest + 1064, 0, openFiles{64, 1000}, false},
		{rest + 1000, 0, openFiles{64, 936}, false},
		{rest + 65, 1, openFiles{64, 1}, false},
		{rest + 65, 2, openFiles{}, true},
		{rest + 1500, 1400, openFiles{100, 1400}, false},
		{10, 0, openFiles{}, true},
	} {
		got, err := shareFiles(cfg, tc.limit, tc.streams)
		if (err != nil) != tc.fails || err == nil && got != tc.want {
			t.Errorf("limit %d, %d streams: %+v, %v; want %+v", tc.limit, tc.streams, got, err, tc.want)
		}
		if err != nil && !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("%v does not say what to do", err)
		}
	}
}

// The ceilings are lowered to the process's limit, and that is said.
func TestLimitFiles(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	low := was
	low.Cur = 900
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Skip(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
	cfg := configs.Default()
	var text strings.Builder
	if err := limitFiles(&cfg, 3, slog.New(slog.NewTextHandler(&text, nil))); err != nil {
		t.Fatal(err)
	}
	if cfg.HTTP.MaxConnections != 64 || cfg.MaxStreams >= 900 || cfg.MaxStreams < 100 {
		t.Errorf("%d connections, %d streams", cfg.HTTP.MaxConnections, cfg.MaxStreams)
	}
	if !strings.Contains(text.String(), "open_files=900") {
		t.Errorf("logged %q", &text)
	}
}
