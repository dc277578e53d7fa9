package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"sluice/ingest"
)

func TestReadAll(t *testing.T) {
	m := newMemory(t, 32<<20)
	for _, n := range []int{0, 1, 4095, 4096, 16 << 10, 16<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20} {
		want := bytes.Repeat([]byte{'x'}, n)
		for _, hint := range []int64{-1, int64(n), 3, 64 << 20} {
			for _, src := range []io.Reader{bytes.NewReader(want), iotest.DataErrReader(bytes.NewReader(want)), iotest.HalfReader(bytes.NewReader(want))} {
				w, p := m.ReadAll(context.Background(), src, hint)
				if p != nil {
					t.Fatalf("%d bytes: %v", n, p)
				}
				if !bytes.Equal(w.B, want) {
					t.Errorf("%d bytes, hint %d: got %d", n, hint, len(w.B))
				}
				w.Free()
			}
		}
	}
	if _, p := m.ReadAll(context.Background(), io.MultiReader(bytes.NewReader(make([]byte, 100_000)), iotest.ErrReader(errors.New("gone"))), -1); p == nil || p.Code != ingest.CodeCutOff {
		t.Errorf("a body that breaks off: %v", p)
	}
	if _, p := m.ReadAll(context.Background(), bytes.NewReader(make([]byte, 40<<20)), -1); p == nil || p.Status != 503 {
		t.Errorf("a body larger than memory: %v", p)
	}
	if n := m.InUse(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}
