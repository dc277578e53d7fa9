package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What nobody looks at gets no pager, whatever PAGER says.
func TestPagerCommand(t *testing.T) {
	t.Setenv("PAGER", "cat")
	if got := pagerCommand(&bytes.Buffer{}); got != "" {
		t.Errorf("a buffer: %q", got)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := pagerCommand(f); got != "" {
		t.Errorf("a file: %q", got)
	}
}
