package terminal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPager(t *testing.T) {
	read := filepath.Join(t.TempDir(), "read")
	for name, tt := range map[string]struct {
		command       string
		height, width int
		text          string
		paged         bool
	}{
		"fits":       {"cat > " + read, 10, 80, strings.Repeat("x\n", 8), false},
		"taller":     {"cat > " + read, 10, 80, strings.Repeat("x\n", 9), true},
		"wrapped":    {"cat > " + read, 10, 4, strings.Repeat("12345\n", 5), true},
		"much":       {"cat > " + read, 10, 80, strings.Repeat("x\n", 100_000), true},
		"off":        {"", 10, 80, strings.Repeat("x\n", 100), false},
		"no newline": {"cat > " + read, 10, 80, "x", false},
	} {
		os.Remove(read)
		var screen strings.Builder
		p := &pager{screen: &screen, command: tt.command, height: tt.height, width: tt.width}
		for i := 0; i < len(tt.text); i += 7 {
			if _, err := p.Write([]byte(tt.text[i:min(i+7, len(tt.text))])); err != nil {
				t.Fatal(name, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(name, err)
		}
		paged, _ := os.ReadFile(read)
		want, other := screen.String(), string(paged)
		if tt.paged {
			want, other = other, want
		}
		if want != tt.text || other != "" {
			t.Errorf("%s: %d bytes of %d where they belong, %d elsewhere", name, len(want), len(tt.text), len(other))
		}
	}
}

// Who leaves the program ends the answer.
func TestPagerLeft(t *testing.T) {
	p := &pager{screen: &strings.Builder{}, command: "head -n 1 > /dev/null", height: 3, width: 80}
	var err error
	for i := 0; err == nil && i < 1_000_000; i++ {
		_, err = p.Write([]byte("a line\n"))
	}
	if !errors.Is(err, errLeft) {
		t.Errorf("error %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
