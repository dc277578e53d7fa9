package terminal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/query/result"
)

// openTerminal makes a pseudo terminal: what is typed into keys comes out of screen's
// program side.
func openTerminal(t *testing.T) (keys, program *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 80}); err != nil {
		t.Fatal(err)
	}
	return keys, program
}

// A person at a terminal completes a name with Tab, pages a long answer, drops a line
// with Ctrl-C and leaves with Ctrl-D.
func TestAtATerminal(t *testing.T) {
	keys, program := openTerminal(t)
	s := newService()
	paged := filepath.Join(t.TempDir(), "paged")
	var asked []string
	history := filepath.Join(t.TempDir(), "history")
	ended := make(chan error, 1)
	go func() {
		ended <- Run(context.Background(), Config{In: program, Out: program, Pager: "cat > " + paged, HistoryFile: history,
			Query: func(ctx context.Context, sql string) (result.Rows, error) {
				if _, names := s.answers[sql]; names {
					return s.query(ctx, sql)
				}
				asked = append(asked, sql)
				return &lines{names: strings.Fields(strings.Repeat("row ", 30))}, nil
			}})
	}()
	screen := &watched{more: make(chan struct{}, 1)}
	go screen.read(keys)
	screen.until(t, promptNew)
	fmt.Fprint(keys, "SELECT * FROM purchase\t")
	screen.until(t, "purchase_items  purchases")
	fmt.Fprint(keys, "s WHERE use\t")
	screen.until(t, "WHERE user_id")
	fmt.Fprint(keys, " > 1;\r")
	screen.until(t, "0 files scanned")
	fmt.Fprint(keys, "SELECT dropped\x03")
	fmt.Fprint(keys, "\\timing\r")
	screen.until(t, "timing is off")
	fmt.Fprint(keys, "\x04")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || asked[0] != "SELECT * FROM purchases WHERE user_id > 1" {
		t.Errorf("asked %q", asked)
	}
	if text, err := os.ReadFile(paged); err != nil || strings.Count(string(text), " row") != 30 {
		t.Errorf("%q, %v", text, err)
	}
	if kept, err := os.ReadFile(history); err != nil || string(kept) != "SELECT * FROM purchases WHERE user_id > 1;\n" {
		t.Errorf("%q, %v", kept, err)
	}
}

// watched is what was shown, from a place on.
type watched struct {
	mu   sync.Mutex // guards text
	text string
	more chan struct{} // one is in it when there may be more text
	seen int
}

func (w *watched) read(from *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		w.text += string(buf[:n])
		w.mu.Unlock()
		select {
		case w.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// until waits until part was shown, behind what was waited for before.
func (w *watched) until(t *testing.T, part string) {
	t.Helper()
	for {
		w.mu.Lock()
		i := strings.Index(w.text[w.seen:], part)
		if i >= 0 {
			w.seen += i + len(part)
		}
		text := w.text[w.seen:]
		w.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-w.more:
		case <-t.Context().Done():
			t.Fatalf("%q was not shown: %q", part, text)
		}
	}
}
