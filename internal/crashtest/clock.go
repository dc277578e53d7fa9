package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A clock is the wall clock of a round's servers: this machine's, and an offset
// that jumps. The file holds the offset, in seconds; the servers have it mapped, so
// that a jump is there at once, for whatever they do, and outlasts them. Their
// monotonic clock goes on undisturbed, as it does when the clock of a machine is set.
type clock struct {
	file *os.File

	mu     sync.Mutex
	offset time.Duration   // guarded by mu
	days   map[string]bool // that it has shown; guarded by mu
}

// clockVariable names the file to the server.
const clockVariable = "CRASHTEST_CLOCK"

func openClock(path string) (*clock, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	c := &clock{file: f, days: map[string]bool{}}
	return c, c.set(0)
}

func (c *clock) set(offset time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteLocked()
	if _, err := c.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(offset/time.Second)), 0); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	c.offset = offset
	c.noteLocked()
	return nil
}

func (c *clock) noteLocked() {
	c.days[time.Now().Add(c.offset).UTC().Format(time.DateOnly)] = true
}

// showed reports whether it was that day at some time.
func (c *clock) showed(day string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteLocked()
	return c.days[day]
}

func (c *clock) now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// maxJump is how far the clock is from the truth at most. What the servers
// remember for a window they must know under any two such clocks.
const (
	maxJump = 10 * 24 * time.Hour
	window  = 30 * 24 * time.Hour
)

// jump is the next offset: near the last by up to some minutes, or hours or days
// away, or right again.
func jump(rng *rand.Rand, from time.Duration) (to time.Duration, how string) {
	reach, unit := time.Duration(0), ""
	switch rng.IntN(8) {
	case 0:
		return 0, "set right"
	case 1, 2:
		reach, unit = 20*time.Minute, "minutes"
	case 3, 4, 5:
		reach, unit = 36*time.Hour, "hours"
	default:
		reach, unit = 2*maxJump, "days"
	}
	to = max(-maxJump, min(from+between(rng, -reach, reach).Truncate(time.Second), maxJump))
	if to < from {
		return to, "back by " + unit
	}
	return to, "ahead by " + unit
}

// jumpClock has the servers' clock jump until ctx ends; it stays where it is then.
func (r *round) jumpClock(ctx context.Context, rng *rand.Rand, length time.Duration) error {
	for sleep(ctx, between(rng, length/10, length)) {
		to, how := jump(rng, r.place.clock.now())
		r.rep.phase("clock " + how)
		r.rep.tell("the clock is %s, and now %v off", how, to)
		if err := r.place.clock.set(to); err != nil {
			return err
		}
	}
	return nil
}

// clockSource is added to package time of the server under test.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var jumped = new(atomic.Int64)

func init() {
	path, ok := syscall.Getenv("` + clockVariable + `")
	if !ok {
		return
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		panic("open the clock: " + err.Error())
	}
	b, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("map the clock: " + err.Error())
	}
	jumped = (*atomic.Int64)(unsafe.Pointer(&b[0]))
}

func jumpedNow() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	return sec + jumped.Load(), nsec, mono
}
`

// clockOverlay makes, in the folder, the overlay with which the command is built so
// that its clock can jump: all of it, the libraries too, since it is the standard
// library's clock. What is shipped has nothing of this.
func clockOverlay(ctx context.Context, dir string) (path string, err error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	std := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	text, err := os.ReadFile(filepath.Join(std, "time.go"))
	if err != nil {
		return "", err
	}
	const reads = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(text), reads) != 1 {
		return "", fmt.Errorf("time.Now of this Go is not written as expected: adapt the clock, or leave it alone with -clock=false")
	}
	replace := map[string]string{}
	for name, text := range map[string]string{
		"time.go":      strings.Replace(string(text), reads, strings.Replace(reads, "runtimeNow", "jumpedNow", 1), 1),
		"clockjump.go": clockSource,
	} {
		ours := filepath.Join(dir, name)
		if err := os.WriteFile(ours, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(std, name)] = ours
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o644)
}
