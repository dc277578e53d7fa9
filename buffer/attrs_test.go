package buffer_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"
)

// Attributes come back with their block, small or large, before and after a
// restart, in the open batch and in a sealed one.
func TestAttrs(t *testing.T) {
	dir := t.TempDir()
	b, err := buffer.Open(buffer.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var want []lake.Block
	for i, n := range []int{1, 10_000} {
		for _, attrs := range []string{"", "a", string(bytes.Repeat([]byte{0xfe}, lake.MaxAttrs))} {
			data := bytes.Repeat([]byte(fmt.Sprintf("{\"a\":%d}\n", i)), n)
			bl := lake.Block{Data: data, Records: n, Arrival: time.UnixMilli(1).UTC(), Attrs: []byte(attrs)}
			if err := b.Append(context.Background(), "s", bl); err != nil {
				t.Fatal(err)
			}
			want = append(want, bl)
		}
	}
	tooMany := want[0]
	tooMany.Attrs = make([]byte, lake.MaxAttrs+1)
	if err := b.Append(context.Background(), "s", tooMany); err == nil {
		t.Error("a block with too many attributes was accepted")
	}
	check := func() {
		t.Helper()
		snap, err := b.Snapshot("s")
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		i := 0
		for bl, err := range snap.Batches[0].Blocks(0)() {
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bl.Data, want[i].Data) || !bytes.Equal(bl.Attrs, want[i].Attrs) {
				t.Errorf("block %d: %d bytes and %d of attributes", i, len(bl.Data), len(bl.Attrs))
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%d blocks, want %d", i, len(want))
		}
	}
	check()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = buffer.Open(buffer.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	check()
	if err := b.Seal(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	check()
}
