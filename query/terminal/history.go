package terminal

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// maxHistory is how many statements are kept, and maxHistoryFile how long the file
// gets before it is cut to them.
const (
	maxHistory     = 1000
	maxHistoryFile = 1 << 20
)

// A history is the statements typed before, in a file with one a line. Each is added
// when it is typed, so that prompts open at the same time keep each other's, and one
// that is killed loses nothing.
type history struct {
	path  string
	lines []string // oldest first
}

// openHistory reads the history; a file that is not there is an empty one, and
// an empty path is kept nowhere.
func openHistory(path string) *history {
	h := &history{path: path}
	if path == "" {
		return h
	}
	f, err := os.Open(path)
	if err != nil {
		return h
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" {
			h.lines = append(h.lines, line)
		}
	}
	h.lines = slices.Clone(h.lines[max(len(h.lines)-maxHistory, 0):])
	return h
}

// remember adds a statement, given without its semicolon, as one line. One with a line break in a string
// cannot be one and is not kept.
func (h *history) remember(statement string) error {
	line := oneLine(statement) + ";"
	if line == ";" || strings.Contains(line, "\n") || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return nil
	}
	h.lines = append(h.lines, line)
	if h.path == "" {
		return nil
	}
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("add to history: %w", err)
	}
	_, err = f.WriteString(line + "\n")
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("add to history: %w", err)
	}
	return nil
}

// trim cuts a file that has grown long to the statements that are kept.
func (h *history) trim() error {
	if info, err := os.Stat(h.path); h.path == "" || err != nil || info.Size() <= maxHistoryFile && len(h.lines) < maxHistory {
		return nil
	}
	aside := h.path + ".new"
	if err := os.WriteFile(aside, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("trim history: %w", err)
	}
	if err := os.Rename(aside, h.path); err != nil {
		return fmt.Errorf("trim history: %w", err)
	}
	return nil
}

// Add, Len and At make it a term.History. The terminal adds single lines, which
// are parts of statements: they are passed over, see remember.
func (h *history) Add(string) {}

func (h *history) Len() int { return len(h.lines) }

// At counts from the newest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
