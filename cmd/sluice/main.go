// Command sluice takes JSON events in, makes partitioned Parquet of them, and
// answers SQL over both. See README.md, and sluice --help.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOGC") == "" {
		// What is held is a few large buffers without pointers: to collect twice as
		// often costs next to nothing, and half of the garbage is not there.
		debug.SetGCPercent(50)
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes the command line and returns the exit code: 0 for success, 1
// where something failed, 2 where the command line or the configuration is
// wrong, 130 where the user interrupted.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && exitCode(ctx, err) != exitInterrupted {
		fmt.Fprintln(stderr, "sluice:", err.Error()+advice(err))
	}
	return exitCode(ctx, err)
}
