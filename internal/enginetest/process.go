package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a server may take to come up.
const patience = 3 * time.Minute

// A process is a server that was started, with its log in a file.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{} // closed when it has ended
	lines  chan string   // what it says; dropped when nobody listens
}

// start runs a command with its output in the file log. Its children end with it.
func start(cmd *exec.Cmd, log string) (*process, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithUs(cmd)
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	p := &process{cmd: cmd, log: log, exited: make(chan struct{}), lines: make(chan string, 100)}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer f.Close()
		defer r.Close()
		for s := bufio.NewReader(r); ; {
			line, err := s.ReadString('\n')
			f.WriteString(line)
			select {
			case p.lines <- strings.TrimSuffix(line, "\n"):
			default:
			}
			if err != nil {
				return
			}
		}
	})
	go func() {
		cmd.Wait() // how it ended, its log says
		reading.Wait()
		close(p.exited)
	}()
	return p, nil
}

// await returns the first line that the function takes.
func (p *process) await(ctx context.Context, take func(line string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case line := <-p.lines:
			if take(line) {
				return nil
			}
		case <-p.exited:
			return fmt.Errorf("it ended; its log:\n%s", p.tail())
		case <-ctx.Done():
			return fmt.Errorf("it did not come up: %w; its log:\n%s", ctx.Err(), p.tail())
		}
	}
}

func (p *process) tail() []byte {
	b, _ := os.ReadFile(p.log)
	return tail(b, 3<<10)
}

// stop ends the process as an operator would, and if that takes long, as a power cut.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.exited
	}
}

// output runs a command and returns what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, tail(stderr.Bytes(), 2<<10))
	}
	return stdout.String(), nil
}

// freePort is a loopback port that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
