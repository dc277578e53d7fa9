package dedupe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/internal/dedupe"
	"sluice/internal/lake"
)

// plain has no key in any stream.
func plain(string) ([]string, time.Duration) { return nil, 0 }

func (b *bench) request(key string, first uint64, data string) error {
	bl := blockOf(data, now)
	bl.Attrs = lake.AppendRequest(nil, key, first)
	return b.f.Append(context.Background(), "s", bl)
}

func TestRequestSentAgain(t *testing.T) {
	for _, clean := range []bool{true, false} {
		b := newBench(t, dedupe.Config{Key: plain})
		send := func(key string, first uint64, data string) {
			t.Helper()
			if err := b.request(key, first, data); err != nil {
				t.Fatal(err)
			}
		}
		send("k", 0, "{\"a\":1}\n{\"a\":1}\n") // equal records, other places
		b.expect(2, 0)
		send("k", 0, "{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n")
		b.expect(3, 2)
		b.append("{\"a\":1}\n", now) // without a key
		b.restart(clean)
		send("k", 0, "{\"a\":1}\n{\"a\":1}\n")
		send("k", 2, "{\"a\":1}\n{\"a\":1}\n")
		send("other", 0, "{\"a\":1}\n")
		send("k", 0, "{\"a\":2}\n") // the key is used again by mistake: nothing is lost
		if n := len(b.lines()); n != 7 {
			t.Errorf("%d records, want 7", n)
		}
		b.release()
		b.restart(clean)
		send("k", 0, "{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n")
		send("other", 0, "{\"a\":1}\n")
		if n := len(b.lines()); n != 0 {
			t.Errorf("%d records, want none", n)
		}
	}
}

// When a stream gets another key, the records in its log are known by it, those of
// which all was said about the old one too.
func TestKeyChanges(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	b.append("{\"id\":1,\"other\":\"a\"}\n", now)
	b.restart(true)
	b.append("{\"id\":1,\"other\":\"b\"}\n", now)
	b.expect(1, 1)
	b.cfg.Key = func(string) ([]string, time.Duration) { return []string{"other"}, time.Hour }
	b.restart(true)
	b.append("{\"id\":2,\"other\":\"a\"}\n{\"id\":1,\"other\":\"b\"}\n{\"id\":3,\"other\":1}\n", now)
	b.expect(3, 2)
}

// A start does not read again what was read into files, and a batch that has grown
// since is read.
func TestCoveredBatches(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	b.append(records("a", "b"), now)
	b.restart(true)
	keys := func() int64 { return b.f.State("s").Keys }
	if keys() != 2 {
		t.Fatalf("%d keys", keys())
	}
	files, _ := filepath.Glob(b.cfg.Dir + "/s/*.keys")
	for _, f := range files { // so that it shows what is read
		os.Remove(f)
	}
	b.restart(false)
	if keys() != 0 {
		t.Errorf("%d keys were read from a batch that is covered", keys())
	}
	b.append(records("c"), now)
	b.restart(false)
	if keys() != 3 {
		t.Errorf("%d keys of a batch that has grown, want 3", keys())
	}
}

// Where every other record is there already, the others keep their places in the
// log: a restart knows them.
func TestGapsSurvive(t *testing.T) {
	const n = 20_000 // more gaps than one attribute holds
	b := newBench(t, dedupe.Config{})
	var half, all strings.Builder
	for i := range n {
		line := fmt.Sprintf("{\"id\":%d}\n", i)
		if i%2 == 0 {
			half.WriteString(line)
		}
		all.WriteString(line)
	}
	b.append(half.String(), now)
	if err := b.request("k", 0, all.String()); err != nil {
		t.Fatal(err)
	}
	b.expect(n, n/2)
	b.cfg.Key = plain // so that the request's key alone can tell
	b.restart(false)
	if err := b.request("k", 0, all.String()); err != nil {
		t.Fatal(err)
	}
	if got := len(b.lines()); got != n+n/2 { // the half that was not of this request is stored
		t.Errorf("%d records, want %d", got, n+n/2)
	}
}

// An append to the log that fails in the middle of a request's gaps leaves what was
// stored before it remembered, and no more.
func TestPartOfARequestFails(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	const n = 20_000
	var half, all strings.Builder
	for i := range n {
		line := fmt.Sprintf("{\"id\":%d}\n", i)
		if i%2 == 0 {
			half.WriteString(line)
		}
		all.WriteString(line)
	}
	b.append(half.String(), now)
	failing := &failingLog{Buffer: b.log, fail: func(n int) error {
		if n == 2 {
			return errors.New("disk on fire")
		}
		return nil
	}}
	b.f.Close()
	b.cfg.Log = failing
	f, err := dedupe.Open(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.f = f
	if err := b.request("k", 0, all.String()); err == nil {
		t.Fatal("the append did not fail")
	}
	part := len(b.lines())
	if part <= n/2 || part >= n {
		t.Fatalf("%d records after the failure", part)
	}
	if err := b.request("k", 0, all.String()); err != nil {
		t.Fatal(err)
	}
	if got := len(b.lines()); got != n {
		t.Errorf("%d records, want %d", got, n)
	}
}

// failingLog lets appends fail, counted from 1.
type failingLog struct {
	*buffer.Buffer
	fail func(n int) error
	n    int
}

func (l *failingLog) Append(ctx context.Context, stream string, bl lake.Block) error {
	l.n++
	if err := l.fail(l.n); err != nil {
		return err
	}
	return l.Buffer.Append(ctx, stream, bl)
}

// A key file that is lost at the start costs nothing that is in the log.
func TestLostFileIsReadFromTheLog(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	b.append(records("a", "b"), time.Now())
	b.restart(true)
	files, _ := filepath.Glob(b.cfg.Dir + "/s/*.keys")
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	if err := os.WriteFile(files[0], []byte("nothing of it is left"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.restart(false)
	b.append(records("a", "b"), time.Now())
	if n := len(b.lines()); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
	if b.f.State("s").Err == nil {
		t.Error("nothing says that a file was lost")
	}
}
