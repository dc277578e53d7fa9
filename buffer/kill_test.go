package buffer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
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
	return buffer.Config{Dir: dir, Size: func(string) int64 { return 100_000 }, Reuse: 1 << 20}
}

// delivered marks a line of the output as a record whose batch may be gone.
const delivered = "delivered "

// appendForever appends from several goroutines to two streams, and seals; what
// stream y sealed is delivered to the output, and its files are written again.
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
	go func() {
		for range b.Changed() {
			for _, batch := range b.Sealed() {
				if batch.Stream != "y" {
					continue
				}
				if err := deliverTo(os.Stdout, &print, batch); err != nil {
					failed <- err
				}
				if err := b.Release(context.Background(), batch); err != nil {
					failed <- err
				}
			}
		}
	}()
	return <-failed
}

// deliverTo prints a batch's records.
func deliverTo(w io.Writer, print *sync.Mutex, batch *buffer.Batch) error {
	for bl, err := range batch.Blocks()() {
		if err != nil {
			return err
		}
		print.Lock()
		_, err = fmt.Fprintf(w, "%s%s %s", delivered, batch.ID, bl.Data) // one record
		print.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// TestKilled kills a process that appends, ten times over on one folder. Every
// record that it had acknowledged is found once, or was delivered, and nothing
// else but records that it may have been appending.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acked, gone := map[string]bool{}, map[string]string{} // to the batch that was delivered
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
			if line, ok := strings.CutPrefix(line, delivered); ok {
				id, line, _ := strings.Cut(line, " ")
				if before := gone[line]; before != "" && before != id {
					t.Fatalf("%q was delivered with batch %s and with %s", line, before, id)
				}
				gone[line] = id
			} else {
				acked[line] = true
			}
		}
		cmd.Wait()
		if cmd.ProcessState.Success() || cmd.ProcessState.ExitCode() == 1 {
			t.Fatalf("round %d: the process ended by itself: %v", round, cmd.ProcessState)
		}
	}
	b := mustOpen(t, killedConfig(dir))
	found := map[string]int{}
	for _, stream := range []string{"x", "y"} {
		snap, err := b.Snapshot(stream)
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		for i := range snap.Batches {
			id := string(snap.Batches[i].ID)
			for _, line := range read(t, snap.Batches[i].Blocks(0)) {
				found[line]++
				if before := gone[line]; before != "" && before != id {
					t.Fatalf("%q was delivered with batch %s and is in %s", line, before, id)
				}
			}
		}
	}
	for line, n := range found {
		if n != 1 {
			t.Fatalf("%q is there %d times", line, n)
		}
	}
	for line := range acked {
		if found[line] != 1 && gone[line] == "" {
			t.Fatalf("%q was acknowledged and is gone", line)
		}
	}
	if extra := len(found) - len(acked); extra > 10*(6+64<<10/30) { // what was in flight or in the pipe
		t.Errorf("%d records were never acknowledged", extra)
	}
	if damaged, _ := filepath.Glob(filepath.Join(dir, "*", "quarantine", "*")); len(damaged) != 0 {
		t.Errorf("what a kill left was taken for damage: %v", damaged)
	}
	t.Logf("%d records acknowledged, %d delivered, %d found, %d batches sealed", len(acked), len(gone), len(found), len(b.Sealed()))
}
