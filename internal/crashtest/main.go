package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is the program: 0 when all held, 1 when something did not or could not
// be shown, 2 for a wrong command line.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if err != nil {
		return 2
	}
	if cfg.verbose {
		cfg.progress = stderr
	}
	rep, err := run(ctx, cfg)
	rep.print(stdout)
	if err != nil {
		fmt.Fprintln(stderr, "crashtest:", err)
	}
	if err != nil || rep.broken() {
		return 1
	}
	return 0
}

// A config is what a run does.
type config struct {
	duration time.Duration // at least, over all rounds, without the checks
	limit    time.Duration // of everything
	kills    int           // at least
	perRound int           // kills of a round
	seed     uint64
	modes    []string
	binary   string // built if empty
	race     bool
	disk     bool // fill it, where that can be done
	clock    bool // have it jump
	sieges   bool // outages that outlast the clients
	keep     bool // the data, also when all is well
	verbose  bool
	progress io.Writer // a line for each thing that happens; nil: none
}

func parse(args []string, stderr io.Writer) (config, error) {
	var cfg config
	var modes string
	fs := flag.NewFlagSet("crashtest", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.DurationVar(&cfg.duration, "duration", time.Minute, "how long to break things, the checks of each round not counted")
	fs.DurationVar(&cfg.limit, "limit", 0, "ends the run as a failure; 0: five times -duration and two minutes")
	fs.IntVar(&cfg.kills, "kills", 60, "how often to kill or stop the server, over all rounds")
	fs.IntVar(&cfg.perRound, "round", 20, "kills of a round")
	fs.Uint64Var(&cfg.seed, "seed", 0, "of the plan; 0: a random one")
	fs.StringVar(&modes, "modes", strings.Join(modeNames, ","), "taken in turns, a round each")
	fs.StringVar(&cfg.binary, "binary", "", "the sluice command to break; empty: build it")
	fs.BoolVar(&cfg.race, "race", false, "build it with the race detector")
	fs.BoolVar(&cfg.disk, "disk", true, "fill the disk now and then (mode file; needs Linux and root)")
	fs.BoolVar(&cfg.clock, "clock", true, "have the server's clock jump, by hours and days; builds it with a file more in its package main; needs Linux")
	fs.BoolVar(&cfg.sieges, "sieges", true, "once a round, an outage of S3 or the catalog that is longer than their clients wait (not in mode file)")
	fs.BoolVar(&cfg.keep, "keep", false, "keep the data of rounds in which all held too")
	fs.BoolVar(&cfg.verbose, "v", false, "tell what happens")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	cfg.modes = strings.Split(modes, ",")
	if cfg.seed == 0 {
		cfg.seed = rand.Uint64()
	}
	if cfg.limit == 0 {
		cfg.limit = 5*cfg.duration + 2*time.Minute
	}
	if err := cfg.check(fs.Args()); err != nil {
		fmt.Fprintln(stderr, "crashtest:", err)
		return cfg, err
	}
	return cfg, nil
}

func (cfg config) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	if cfg.kills < 1 || cfg.perRound < 1 || cfg.duration <= 0 || cfg.limit < cfg.duration {
		return fmt.Errorf("-kills and -round must be at least 1, -duration above 0, -limit not below it")
	}
	for _, m := range cfg.modes {
		if !known(m) {
			return fmt.Errorf("unknown mode %q: there are %s", m, strings.Join(modeNames, ", "))
		}
	}
	return nil
}
