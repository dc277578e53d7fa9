package terminal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Prompts open at once keep each other's statements; a long file is cut.
func TestHistoryIsShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	a, b := openHistory(path), openHistory(path)
	for i := range 3 {
		if err := a.remember(fmt.Sprintf("SELECT %d", i)); err != nil {
			t.Fatal(err)
		}
		if err := b.remember(fmt.Sprintf("SELECT %d", 10+i)); err != nil {
			t.Fatal(err)
		}
	}
	if c := openHistory(path); strings.Join(c.lines, " ") != "SELECT 0; SELECT 10; SELECT 1; SELECT 11; SELECT 2; SELECT 12;" {
		t.Errorf("%q", c.lines)
	}
	for i := range 1200 {
		if err := a.remember(fmt.Sprintf("SELECT %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	c := openHistory(path)
	if err := c.trim(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != maxHistory || !strings.HasSuffix(string(text), "SELECT 1199;\n") {
		t.Errorf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if err := openHistory(filepath.Join(t.TempDir(), "no", "folder")).remember("SELECT 1"); err == nil {
		t.Error("no error where nothing can be kept")
	}
}
