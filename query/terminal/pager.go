package terminal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"unicode/utf8"
)

// A pager writes to the screen what fits on it, and passes on to a program what is
// more, from its beginning on.
type pager struct {
	screen  io.Writer
	command string // for sh; empty: none
	height  int    // of the screen, in lines
	width   int    // in columns; 0: not known

	held  bytes.Buffer // what was not written anywhere yet
	begun bool         // the screen gets it
	cmd   *exec.Cmd
	pipe  io.WriteCloser
	left  bool // whoever read has left the program
}

// errLeft says that the program was left before all was written.
var errLeft = errors.New("the pager was left")

// maxHeld bounds what is held back, whatever the lines.
const maxHeld = 1 << 20

func (p *pager) Write(b []byte) (int, error) {
	switch {
	case p.left:
		return 0, errLeft
	case p.pipe != nil:
		return p.pass(b)
	case p.command == "" || p.begun:
		return p.screen.Write(b)
	}
	p.held.Write(b)
	if p.rows() < p.height-1 && p.held.Len() < maxHeld { // the line about the cost fits too
		return len(b), nil
	}
	if err := p.start(); err != nil {
		p.begun = true
		_, err := p.held.WriteTo(p.screen)
		return len(b), err
	}
	if _, err := p.pass(p.held.Bytes()); err != nil {
		return 0, err
	}
	p.held.Reset()
	return len(b), nil
}

// rows is how many lines of the screen what is held takes.
func (p *pager) rows() int {
	n := 0
	for line := range bytes.Lines(p.held.Bytes()) {
		n++
		if p.width > 0 {
			n += max(utf8.RuneCount(line)-2, 0) / p.width
		}
	}
	return n
}

// start runs the program. Where there is none, the screen does.
func (p *pager) start() error {
	cmd := exec.Command("sh", "-c", p.command)
	cmd.Stdout, cmd.Stderr = p.screen, os.Stderr
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.pipe = cmd, pipe
	return nil
}

// pass writes to the program; who left it wants no more.
func (p *pager) pass(b []byte) (int, error) {
	n, err := p.pipe.Write(b)
	if err != nil {
		p.left = true
		return n, errLeft
	}
	return n, nil
}

// Close writes what was held back, and waits until whoever reads leaves the program.
func (p *pager) Close() error {
	if p.pipe != nil {
		p.pipe.Close()
		p.cmd.Wait() // it says itself what is wrong
		return nil
	}
	_, err := p.held.WriteTo(p.screen)
	return err
}
