package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sluice/internal/client"
)

// An instance is one life of the server.
type instance struct {
	cmd    *exec.Cmd
	begun  time.Time
	served chan struct{} // closed when it serves
	exited chan struct{} // closed when it has ended; after that err is set
	err    error
	doomed atomic.Bool // it is being ended from here
	// givenUp counts the attempts to deliver a batch that it gave up.
	givenUp atomic.Int64
	steps   chan string // what it logs of its batches, as it logs it; dropped if nobody listens

	// Set before served is closed.
	startUp time.Duration
	url     string
	client  *client.Client
	http    *http.Client
}

// startServer runs "sluice serve". Its log goes to book, line by line.
func startServer(binary, dataDir string, env []string, book *logbook) (*instance, error) {
	cmd := exec.Command(binary, "serve", "--data-dir", dataDir, "--listen", "127.0.0.1:0")
	cmd.Env = env
	dieWithParent(cmd)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	i := &instance{cmd: cmd, begun: time.Now(), served: make(chan struct{}), exited: make(chan struct{}), steps: make(chan string)}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	book.write(fmt.Sprintf("=== started, process %d", cmd.Process.Pid))
	go i.follow(stderr, book)
	return i, nil
}

// follow reads the log until the process has ended.
func (i *instance) follow(stderr io.Reader, book *logbook) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		book.write(lines.Text())
		var line struct{ Msg, At string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		if line.Msg == "serving" && i.url == "" {
			i.url = line.At
			i.startUp = time.Since(i.begun)
			i.client = client.New(i.url)
			i.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}}
			close(i.served)
		}
		if line.Msg == "batch not delivered, will be tried again" {
			i.givenUp.Add(1)
		}
		select {
		case i.steps <- line.Msg:
		default:
		}
	}
	io.Copy(io.Discard, stderr) // of a line too long
	i.err = i.cmd.Wait()
	if i.http != nil {
		i.http.CloseIdleConnections()
	}
	book.write(fmt.Sprintf("=== ended: %v", i.err))
	close(i.exited)
}

func (i *instance) ended() bool {
	select {
	case <-i.exited:
		return true
	default:
		return false
	}
}

// kill ends the process with SIGKILL.
func (i *instance) kill() {
	i.doomed.Store(true)
	i.cmd.Process.Kill()
	<-i.exited
}

// terminate asks the process to end.
func (i *instance) terminate() {
	i.doomed.Store(true)
	i.cmd.Process.Signal(syscall.SIGTERM)
}

// A fleet is where the clients find the instance that serves.
type fleet struct {
	mu      sync.Mutex
	now     *instance     // nil: none serves; guarded by mu
	changed chan struct{} // closed and made anew when now changes; guarded by mu
}

func newFleet() *fleet { return &fleet{changed: make(chan struct{})} }

func (f *fleet) set(i *instance) {
	f.mu.Lock()
	f.now = i
	close(f.changed)
	f.changed = make(chan struct{})
	f.mu.Unlock()
}

// get waits for an instance that serves; nil when ctx ends.
func (f *fleet) get(ctx context.Context) *instance {
	for {
		f.mu.Lock()
		i, changed := f.now, f.changed
		f.mu.Unlock()
		if ctx.Err() != nil {
			return nil
		}
		if i != nil {
			return i
		}
		wait(ctx, changed)
	}
}

// A logbook keeps what the servers of a round log, and finds in it what must not
// be there.
type logbook struct {
	path string
	mu   sync.Mutex
	file *os.File // guarded by mu
	last string   // error that was logged; guarded by mu
	rep  *report
}

func newLogbook(path string, rep *report) (*logbook, error) {
	f, err := os.Create(path)
	return &logbook{path: path, file: f, rep: rep}, err
}

// evil are the texts that must not be in a log.
var evil = []string{"panic", "fatal error:", "DATA RACE", "BUG:", "quarantine", "SIGSEGV", "log failed for good", "log takes nothing for now"}

func (b *logbook) write(line string) {
	b.mu.Lock()
	fmt.Fprintln(b.file, time.Now().Format("15:04:05.000"), line)
	if strings.Contains(line, `"level":"ERROR"`) {
		b.last = line
	}
	b.mu.Unlock()
	for _, text := range evil {
		if strings.Contains(line, text) {
			b.rep.violate("the server's log says %q: %s", text, line)
			return
		}
	}
}

// lastError is the error that was logged last, which is probably why a request just
// failed.
func (b *logbook) lastError() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// there is an error if the log's file is gone: then somebody removed the round's
// folder, and what does not hold says nothing of the server.
func (b *logbook) there() error {
	if _, err := os.Stat(b.path); err != nil {
		return fmt.Errorf("somebody removed the round's folder, what did not hold from then on is no finding: %w", err)
	}
	return nil
}

func (b *logbook) close() { b.file.Close() }
