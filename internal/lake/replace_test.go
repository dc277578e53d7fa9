package lake_test

import (
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/lake"
)

// A replaced file has the new content alone, nothing is left beside it, and where it
// cannot be written the old one stays.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.json")
	for _, text := range []string{"longer than the next", "short"} {
		if err := lake.ReplaceFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q, %v; want %q", b, err, text)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if err := os.Mkdir(path+".new", 0o755); err != nil { // in the way
		t.Fatal(err)
	}
	if err := lake.ReplaceFile(path, []byte("never")); err == nil {
		t.Error("no error")
	}
	if b, _ := os.ReadFile(path); string(b) != "short" {
		t.Errorf("the file became %q", b)
	}
}
