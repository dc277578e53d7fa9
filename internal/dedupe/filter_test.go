package dedupe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/internal/dedupe"
	"sluice/internal/lake"
)

// A bench is a buffer and a filter before it.
type bench struct {
	t   testing.TB
	dir string
	cfg dedupe.Config
	log *buffer.Buffer
	f   *dedupe.Filter
}

func byID(window time.Duration) func(string) ([]string, time.Duration) {
	return func(string) ([]string, time.Duration) { return []string{"id"}, window }
}

func newBench(t testing.TB, cfg dedupe.Config) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), cfg: cfg}
	if b.cfg.Key == nil {
		b.cfg.Key = byID(time.Hour)
	}
	b.cfg.Dir = b.dir + "/dedupe"
	b.open()
	t.Cleanup(func() { b.f.Close(); b.log.Close() })
	return b
}

func (b *bench) open() {
	b.t.Helper()
	var err error
	if b.log, err = buffer.Open(buffer.Config{Dir: b.dir + "/buffer", MaxBytes: 1 << 30}); err != nil {
		b.t.Fatal(err)
	}
	b.cfg.Log = b.log
	if b.f, err = dedupe.Open(b.cfg); err != nil {
		b.t.Fatal(err)
	}
}

// restart ends the filter as a kill would where clean is false: what it has in
// memory is gone.
func (b *bench) restart(clean bool) {
	b.t.Helper()
	if clean {
		b.f.Close()
	}
	if err := b.log.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.open()
}

// records are the lines {"id":"…"} of some ids.
func records(ids ...string) string {
	var s strings.Builder
	for i, id := range ids {
		fmt.Fprintf(&s, "{\"n\":%d,\"id\":%q}\n", i, id)
	}
	return s.String()
}

func blockOf(data string, at time.Time) lake.Block {
	return lake.Block{Data: []byte(data), Records: strings.Count(data, "\n"), Arrival: at}
}

func (b *bench) append(data string, at time.Time) {
	b.t.Helper()
	if err := b.f.Append(context.Background(), "s", blockOf(data, at)); err != nil {
		b.t.Fatal(err)
	}
}

// lines are the records in the log.
func (b *bench) lines() []string {
	b.t.Helper()
	snap, err := b.log.Snapshot("s")
	if err != nil {
		b.t.Fatal(err)
	}
	defer snap.Close()
	var lines []string
	for i := range snap.Batches {
		for bl, err := range snap.Batches[i].Blocks(0)() {
			if err != nil {
				b.t.Fatal(err)
			}
			for line := range strings.Lines(string(bl.Data)) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// release delivers everything.
func (b *bench) release() {
	b.t.Helper()
	ctx := context.Background()
	if err := b.log.Seal(ctx, "s"); err != nil {
		b.t.Fatal(err)
	}
	if err := b.f.Sync(ctx, "s"); err != nil {
		b.t.Fatal(err)
	}
	for _, batch := range b.log.Sealed() {
		if err := b.log.Release(ctx, batch); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) expect(n int, duplicates int64) {
	b.t.Helper()
	if got := b.lines(); len(got) != n {
		b.t.Errorf("%d records in the log, want %d: %.300q", len(got), n, got)
	}
	if got := b.f.State("s").Duplicates; got != duplicates {
		b.t.Errorf("%d duplicates, want %d", got, duplicates)
	}
}

var now = time.Now().UTC().Truncate(time.Millisecond)

func TestDuplicatesAreDropped(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	b.append(records("a", "b", "a", "c"), now)
	b.expect(3, 1)
	b.append(records("b", "d"), now)
	b.expect(4, 2)
	b.append(records("a", "b", "c", "d"), now)
	b.expect(4, 6)
	b.append("{\"n\":1}\n{\"id\":null}\n{\"n\":1}\n{\"id\":[]}\n{\"id\":\"\"}\n{\"id\":\"\"}\n", now)
	b.expect(10, 6)
}

func TestKeysSurvive(t *testing.T) {
	for _, clean := range []bool{true, false} {
		t.Run(fmt.Sprint("clean ", clean), func(t *testing.T) {
			b := newBench(t, dedupe.Config{})
			b.append(records("a", "b"), now)
			b.restart(clean) // they are in the log
			b.append(records("b", "a"), now)
			b.expect(2, 2)
			b.release()
			b.append(records("a", "c"), now)
			b.expect(1, 3)
			b.restart(clean) // a and b are in a file, c is in the log
			b.append(records("a", "b", "c", "d"), now)
			if n := len(b.lines()); n != 2 {
				t.Errorf("%d records, want 2", n)
			}
		})
	}
}
