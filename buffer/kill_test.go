package buffer_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/buffer"
)

// killedDir is the environment variable that makes the test binary the process
// which is killed: it logs into this folder and prints what was acknowledged.
const killedDir = "SLUICE_TEST_KILLED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForever(dir, os.Getenv(killedDir+"_ROUND")))
		os.Exit(1) // it is killed before
	}
	os.Exit(m.Run())
}

func killedConfig(dir string) buffer.Config {
	return buffer.Config{Dir: dir, Size: func(string) int64 { return 100_000 }}
}

// appendForever appends from several goroutines to two streams, and seals.
func appendForever(dir, round string) error {
	b, err := buffer.Open(killedConfig(dir))
	if err != nil {
		return err
	}
	failed := make(chan error)
	var print sync.Mutex
	for g := range 6 {
		stream := []string{"x", "y"}[g%2]
		go func() {
			for i := 0; ; i++ {
				bl := block(i, 1)
				line := fmt.Sprintf(`{"round":%s,"from":%d,"n":%d,"pad":%q}`, round, g, i, strings.Repeat("-", i%7*900))
				bl.Data = []byte(line + "\n")
				if err := b.Append(context.Background(), stream, bl); err != nil {
					failed <- err
					return
				}
				print.Lock()
				fmt.Println(line)
				print.Unlock()
			}
		}()
	}
	go func() {
		for {
			if err := b.Seal(context.Background(), "x"); err != nil {
				failed <- err
			}
		}
	}()
	return <-failed
}

// TestKilled kills a process that appends, ten times over on one folder. Every
// record that it had acknowledged is found once, and nothing else but records
// that it may have been appending.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for round := range 10 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedDir+"="+dir, fmt.Sprintf("%s_ROUND=%d", killedDir, round))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for n := 0; ; n++ {
			if n == 40+round*61 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			line, err := lines.ReadString('\n')
			if err != nil {
				break // a line that was cut off was acknowledged too, but we cannot know which
			}
			acked[line] = true
		}
		cmd.Wait()
		if cmd.ProcessState.Success() || cmd.ProcessState.ExitCode() == 1 {
			t.Fatalf("round %d: the process ended by itself: %v", round, cmd.ProcessState)
		}
	}
	b := mustOpen(t, killedConfig(dir))
	found := map[string]int{}
	for _, stream := range []string{"x", "y"} {
		for _, line := range held(t, b, stream) {
			found[line]++
		}
	}
	for line, n := range found {
		if n != 1 {
			t.Fatalf("%q is there %d times", line, n)
		}
	}
	for line := range acked {
		if found[line] != 1 {
			t.Fatalf("%q was acknowledged and is gone", line)
		}
	}
	if extra := len(found) - len(acked); extra > 10*(6+64<<10/30) { // what was in flight or in the pipe
		t.Errorf("%d records were never acknowledged", extra)
	}
	if damaged, _ := filepath.Glob(filepath.Join(dir, "*", "quarantine", "*")); len(damaged) != 0 {
		t.Errorf("what a kill left was taken for damage: %v", damaged)
	}
	t.Logf("%d records acknowledged, %d found, %d batches sealed", len(acked), len(found), len(b.Sealed()))
}
