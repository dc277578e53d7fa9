package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	log.SetOutput(io.Discard) // net/http says there what versitygw sends on idle connections
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// parts are what a run can consist of, in the order in which they run.
var parts = []string{"presto", "trino", "spark", "pyarrow", "clients", "nodes"}

// A config is what a run does.
type config struct {
	cache  string   // folder of what is downloaded
	only   []string // of parts
	out    string   // file of the result table; "" for none
	keep   bool     // the folder of the run
	rounds int      // of the two nodes
	log    io.Writer
}

// command is the program: 0 when all held, 1 when something did not or could not
// be shown, 2 for a wrong command line.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if err != nil {
		return 2
	}
	rep, err := run(ctx, cfg)
	if err != nil {
		fmt.Fprintln(stderr, "enginetest:", err)
		return 1
	}
	fmt.Fprint(stdout, rep.summary())
	if cfg.out != "" {
		if err := rep.write(cfg.out); err != nil {
			fmt.Fprintln(stderr, "enginetest:", err)
			return 1
		}
	}
	if rep.failed() > 0 {
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (config, error) {
	cfg := config{log: stderr}
	var only string
	fs := flag.NewFlagSet("enginetest", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.cache, "cache", "", "`folder` that keeps what is downloaded; empty: sluice-engines in the user's cache folder")
	fs.StringVar(&only, "only", strings.Join(parts, ","), "the parts to run")
	fs.StringVar(&cfg.out, "out", "", "`file` to write the result table to, as Markdown")
	fs.BoolVar(&cfg.keep, "keep", false, "keep the run's folder, with the logs of all servers")
	fs.IntVar(&cfg.rounds, "rounds", 1000, "how often each of the two nodes changes the table")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	cfg.only = strings.Split(only, ",")
	err := cfg.check(fs.Args())
	if err != nil {
		fmt.Fprintln(stderr, "enginetest:", err)
	}
	return cfg, err
}

func (cfg *config) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	for _, part := range cfg.only {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("unknown part %q: there are %s", part, strings.Join(parts, ", "))
		}
	}
	if cfg.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find the cache folder, or give -cache: %w", err)
		}
		cfg.cache = filepath.Join(dir, "sluice-engines")
	}
	var err error
	cfg.cache, err = filepath.Abs(cfg.cache)
	return err
}

func (cfg config) say(format string, args ...any) { fmt.Fprintf(cfg.log, format+"\n", args...) }
