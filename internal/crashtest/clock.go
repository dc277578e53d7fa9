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

// commandPackage is what is built and put to the test.
const commandPackage = "sluice/cmd/sluice"

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

// clockSource is added to package main of the server under test. Go's runtime asks
// the kernel's clock_gettime, at an address that it keeps in a variable, for the
// wall clock and for the monotonic one; there it gets another one to ask. This is
// done when the packages that main imports are initialised already.
const clockSource = `package main

/*
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*clock_function)(clockid_t, struct timespec *);

static clock_function machines;
static const volatile int64_t *jumped;

static int jumping(clockid_t id, struct timespec *t) {
	int rc = machines(id, t);
	if (id == CLOCK_REALTIME)
		t->tv_sec += *jumped;
	return rc;
}

static uintptr_t jumping_clock(const char *path, uintptr_t from) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	void *at = mmap(0, sizeof *jumped, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return 0;
	jumped = at;
	machines = (clock_function)from;
	return (uintptr_t)jumping;
}
*/
import "C"

import (
	"os"
	_ "unsafe"
)

//go:linkname vdsoClockgettimeSym runtime.vdsoClockgettimeSym
var vdsoClockgettimeSym uintptr

func init() {
	path, ok := os.LookupEnv("` + clockVariable + `")
	if !ok {
		return
	}
	if vdsoClockgettimeSym == 0 {
		panic("the kernel has no clock_gettime in its vDSO, which this clock stands before")
	}
	at := uintptr(C.jumping_clock(C.CString(path), C.uintptr_t(vdsoClockgettimeSym)))
	if at == 0 {
		panic("map the clock " + path)
	}
	vdsoClockgettimeSym = at
}
`

// clockOverlay makes, in the folder, the overlay with which the command is built so
// that its clock can jump, the libraries' too: it is their runtime's. It adds a file
// to package main only, so that nothing else is compiled anew, least of all the
// standard library with all that imports it. What is shipped has nothing of this.
func clockOverlay(ctx context.Context, dir string) (path string, err error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", commandPackage).Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w", commandPackage, err)
	}
	ours := filepath.Join(dir, "clockjump.go")
	if err := os.WriteFile(ours, []byte(clockSource), 0o644); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(strings.TrimSpace(string(out)), "clockjump.go"): ours}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o644)
}
