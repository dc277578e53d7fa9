package store

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A body that yields nothing more is given up after a bounded number of tries;
// each byte that comes makes them fresh.
func TestResumesAreBounded(t *testing.T) {
	broken := errors.New("broken")
	var waited []time.Duration
	asked := 0
	r := &resumedBody{
		body: io.NopCloser(iotest.ErrReader(broken)),
		left: 10,
		wait: func(d time.Duration) error { waited = append(waited, d); return nil },
		resume: func(left int64) (io.ReadCloser, error) {
			if asked++; asked == 3 {
				return io.NopCloser(strings.NewReader("x")), nil // and then a premature end
			}
			return io.NopCloser(iotest.ErrReader(broken)), nil
		},
	}
	got, err := io.ReadAll(r)
	if string(got) != "x" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", got, err)
	}
	ms := time.Millisecond
	want := []time.Duration{100 * ms, 200 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms}
	if diff := cmp.Diff(want, waited); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	if r.left != 9 {
		t.Errorf("%d bytes left", r.left)
	}
	r.Close()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}
