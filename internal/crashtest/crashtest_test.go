package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/s3test"
)

// A short run in every mode that can run here: a few kills each, with S3, the
// catalog and the disk failing, once for longer than the clients wait, and the clock
// jumping. The program itself runs as long as one likes.
func TestRun(t *testing.T) {
	cfg := config{duration: 5 * time.Second, kills: 9, perRound: 3, seed: uint64(time.Now().UnixNano()), modes: modeNames,
		disk: true, clock: true, sieges: true, limit: 8 * time.Minute} // with the command's build, on a machine that does other things too
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
	if len(cfg.modes) > 1 && (rep.sieges.Load() < 2 || rep.givenUp.Load() == 0) {
		t.Errorf("no outage outlasted the clients:\n%s", &summary)
	}
	if clockJumps && !strings.Contains(summary.String(), "clock ahead") && !strings.Contains(summary.String(), "clock back") {
		t.Errorf("the clock did not jump:\n%s", &summary)
	}
	t.Logf("\n%s", &summary)
}

// The clock of a process that is built as the command is jumps when it is told to.
func TestClockJumps(t *testing.T) {
	if !clockJumps {
		t.Skip("only on Linux")
	}
	dir := t.TempDir()
	source, added := filepath.Join(dir, "main.go"), filepath.Join(dir, "clockjump.go")
	for path, text := range map[string]string{
		source: "package main\nimport (\"fmt\"; \"time\")\nfunc main() { for { var s string; fmt.Println(time.Now().Unix()); if _, err := fmt.Scan(&s); err != nil { return } } }\n",
		added:  clockSource,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := openClock(filepath.Join(dir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.file.Close()
	binary := filepath.Join(dir, "now")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source, added).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), clockVariable+"="+c.file.Name())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []time.Duration{0, 48 * time.Hour, -72 * time.Hour} {
		var now int64
		if _, err := fmt.Fscan(out, &now); err != nil {
			t.Fatal(err)
		}
		// To the hour: how long the process takes is nobody's promise.
		if off := time.Until(time.Unix(now, 0)).Round(time.Hour); off != offset {
			t.Errorf("its clock is off by %v, want %v", off, offset)
		}
		next := map[time.Duration]time.Duration{0: 48 * time.Hour, 48 * time.Hour: -72 * time.Hour}[offset]
		if err := c.set(next); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(in, "again") // one word, for one answer
	}
	in.Close()
	io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !c.showed(time.Now().Add(48*time.Hour).UTC().Format(time.DateOnly)) || c.showed("2001-01-01") {
		t.Errorf("it showed %v", c.days)
	}
}

// A jump goes anywhere within its bounds.
func TestJump(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	at, hows := time.Duration(0), map[string]int{}
	for range 1000 {
		var how string
		at, how = jump(rng, at)
		hows[how]++
		if at < -maxJump || at > maxJump {
			t.Fatalf("%v off", at)
		}
	}
	if len(hows) != 7 {
		t.Errorf("jumps: %v", hows)
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-modes", "tape"}, {"-kills", "0"}, {"-duration", "10s", "-limit", "5s"}, {"rest"}, {"-nonsense"}} {
		var stderr strings.Builder
		if code := command(t.Context(), args, &stderr, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: %d, %s", args, code, &stderr)
		}
	}
}
