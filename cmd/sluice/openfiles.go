package main

import (
	"fmt"
	"log/slog"
	"runtime"
	"syscall"

	"sluice/configs"
	"sluice/ingest"
)

const (
	// baseFiles are for the catalog, key files being written and merged, listeners,
	// connections to S3 and the catalog, NATS, and what the runtime has.
	baseFiles = 256
	// leastConnections are kept rather than streams that do not exist yet.
	leastConnections = 64
)

// An openFiles is how the open files that this process may have are shared out.
type openFiles struct {
	connections int // of the listener, the spare ones not counted
	streams     int // each has a log with an open file
}

// shareFiles fits connections and streams into limit open files. streams is how many
// there are already: their logs must open, come what may.
func shareFiles(cfg configs.Config, limit uint64, streams int) (openFiles, error) {
	threads := func(n int) int {
		if n == 0 {
			return runtime.GOMAXPROCS(0)
		}
		return n
	}
	rest := baseFiles + ingest.SpareConnections +
		cfg.Delivery.Batches*(cfg.Delivery.Uploads+2*threads(cfg.Convert.Threads)+4) + // its segment, spilled columns, objects being sent
		cfg.Query.Concurrent*(2*threads(cfg.Query.Threads)+16) // files being scanned, and those of batches that are gone
	have := int(min(limit, 1<<30)) - rest
	want := openFiles{cfg.HTTP.MaxConnections, max(cfg.MaxStreams, streams)}
	got := want
	got.connections = min(want.connections, max(have-want.streams, leastConnections))
	got.streams = min(want.streams, have-got.connections)
	if got.streams < max(streams, 1) {
		return got, fmt.Errorf("this process may have %d open files; %d streams, %d connections and what else it opens need %d: raise the limit (ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of docker), or lower http.max_connections, delivery.batches or query.concurrent",
			limit, max(streams, 1), got.connections, rest+got.connections+max(streams, 1))
	}
	return got, nil
}

// limitFiles lowers the ceilings of the configuration to what the limit of open files
// allows. Go has raised the soft limit to the hard one before.
func limitFiles(cfg *configs.Config, streams int, log *slog.Logger) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("the limit of open files is not known", "error", err)
		return nil
	}
	got, err := shareFiles(*cfg, uint64(limit.Cur), streams)
	if err != nil {
		return err
	}
	if got.connections < cfg.HTTP.MaxConnections || got.streams < cfg.MaxStreams {
		log.Warn("the limit of open files is too low for the configuration: raise it (ulimit -n, LimitNOFILE= of systemd), or lower http.max_connections and max_streams",
			"open_files", limit.Cur, "http.max_connections", cfg.HTTP.MaxConnections, "connections", got.connections, "max_streams", cfg.MaxStreams, "streams", got.streams)
	}
	cfg.HTTP.MaxConnections, cfg.MaxStreams = got.connections, min(cfg.MaxStreams, got.streams)
	return nil
}
