package buffer_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
)

// fill appends until the log is full, and says how many records it took.
func fill(t *testing.T, b *buffer.Buffer, stream string, bl lake.Block) (n int) {
	t.Helper()
	for {
		err := b.Append(context.Background(), stream, bl)
		var full *buffer.FullError
		if errors.As(err, &full) {
			if full.Reason == "" || full.RetryAfter <= 0 {
				t.Fatalf("full: %+v", full)
			}
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
}

// TestCeilings fills the log up to each ceiling: appends are refused, a seal is
// not, a restart works, and a release lets appends go on.
func TestCeilings(t *testing.T) {
	const disk = 4 << 20
	big := loadBlock(100_000, 100)
	for _, test := range []struct {
		name string
		set  func(*buffer.Config, *faultfs.FS)
		most int64 // bytes that the segments may take
	}{
		{"max bytes", func(c *buffer.Config, _ *faultfs.FS) { c.MaxBytes = disk }, disk},
		{"min free", func(c *buffer.Config, fs *faultfs.FS) { c.MinFree = 1 << 20; fs.SetCapacity(disk) }, disk - 1<<20},
		{"disk full", func(_ *buffer.Config, fs *faultfs.FS) { fs.SetCapacity(disk) }, disk},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := faultfs.New()
			cfg := faultConfig(fs)
			cfg.Size = func(string) int64 { return 1 << 20 }
			test.set(&cfg, fs)
			b := mustOpen(t, cfg)
			mustAppend(t, b, "other", block(0, 1))
			n := fill(t, b, "a", big)
			if int64(n)*100_000 < test.most/2 {
				t.Errorf("full after %d blocks", n)
			}
			if used := diskBytes(b); used > test.most {
				t.Errorf("segments take %d bytes, more than %d", used, test.most)
			}
			var full *buffer.FullError
			if err := b.Ready(); test.name != "disk full" && !errors.As(err, &full) {
				t.Errorf("ready: %v", err)
			}
			if test.name == "disk full" { // to the last byte
				free, err := fs.Free("/")
				if err != nil {
					t.Fatal(err)
				}
				fs.SetCapacity(disk - free)
			}
			mustSeal(t, b, "a")
			mustSeal(t, b, "other")
			b.Close()

			b = mustOpen(t, cfg)
			records := 0
			for _, batch := range b.Sealed() {
				records += len(read(t, batch.Blocks()))
			}
			if records != n*100+1 {
				t.Errorf("%d records after the restart, want %d", records, n*100+1)
			}
			if err := b.Release(context.Background(), b.Sealed()[0]); err != nil {
				t.Fatal(err)
			}
			if again := fill(t, b, "a", big); again == 0 {
				t.Error("still full after a release")
			}
		})
	}
}

func diskBytes(b *buffer.Buffer) (n int64) {
	for _, st := range b.Streams() {
		n += st.DiskBytes
	}
	return n
}

// TestSalvageOnFullDisk starts with a damaged segment and no room for a copy:
// it is set aside, intact, said, and salvaged once there is room.
func TestSalvageOnFullDisk(t *testing.T) {
	fs := faultfs.New()
	g := newLedger()
	id := damagedLog(t, g, fs, true)
	fs.SetCapacity(1)
	b := mustOpen(t, faultConfig(fs))
	if st := b.Streams(); len(st) != 1 || st[0].Err == nil || !strings.Contains(st[0].Err.Error(), string(id)) {
		t.Errorf("states: %+v", st)
	}
	b.Close()
	fs.SetCapacity(1 << 30)
	b = mustOpen(t, faultConfig(fs))
	g.check(t, b, "a")
	if sealed := b.Sealed(); len(sealed) != 1 || sealed[0].ID != id {
		t.Errorf("sealed: %v", sealed)
	}
}

// TestSetAsideThenSalvaged has an open segment that could not be salvaged at the
// first start, and another that was begun meanwhile: at the next start the older
// is sealed, the newer goes on.
func TestSetAsideThenSalvaged(t *testing.T) {
	fs := faultfs.New()
	g := newLedger()
	damagedLog(t, g, fs, false)
	fs.SetHook(func(op, _ string) error {
		if op == "link" {
			return faultfs.ErrInjected
		}
		return nil
	})
	b := mustOpen(t, faultConfig(fs))
	fs.SetHook(nil)
	if err := g.append(b, "a", 1); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if err := fs.WriteFile(faultDir+"/a/notes.txt", []byte("not ours")); err != nil {
		t.Fatal(err)
	}
	b = mustOpen(t, faultConfig(fs))
	g.check(t, b, "a")
	if sealed := b.Sealed(); len(sealed) != 1 || sealed[0].Reason != buffer.SealRecovery || sealed[0].Records != 6 {
		t.Errorf("sealed: %+v", sealed)
	}
	if st := b.Streams()[0]; st.Err != nil || st.OpenBatches != 1 {
		t.Errorf("state: %+v", st)
	}
	if _, err := fs.ReadFile(faultDir + "/a/notes.txt"); err != nil {
		t.Errorf("what is not ours was touched: %v", err)
	}
}

// TestSpaceIsMade fills the log with open batches alone: Run seals the largest,
// so that its delivery can make room.
func TestSpaceIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := faultConfig(faultfs.New())
		cfg.Size, cfg.MaxBytes = nil, 2<<20
		b := mustOpen(t, cfg)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		mustAppend(t, b, "small", block(0, 1))
		fill(t, b, "large", loadBlock(100_000, 100))
		synctest.Wait()
		if got := b.Sealed(); len(got) != 1 || got[0].Stream != "large" || got[0].Reason != buffer.SealSpace {
			t.Fatalf("sealed: %v", got)
		}
		if err := b.Append(context.Background(), "large", loadBlock(2<<20, 1)); err == nil {
			t.Error("appended beyond the ceiling")
		}
		synctest.Wait()
		if got := b.Sealed(); len(got) != 1 {
			t.Errorf("%d sealed while one waits for its delivery", len(got))
		}
		cancel()
		<-done
	})
}

// TestRecoveryIsBounded opens a log that is much larger than what opening it
// may allocate.
func TestRecoveryIsBounded(t *testing.T) {
	dir := t.TempDir()
	cfg := buffer.Config{Dir: dir, Size: func(string) int64 { return 16 << 20 }}
	b := mustOpen(t, cfg)
	for range 40 {
		mustAppend(t, b, "s", loadBlock(1<<20, 1000))
	}
	b.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b = mustOpen(t, cfg)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("recovering 40 MiB allocated %d bytes", n)
	}
	if st := b.Streams()[0]; st.Records != 40_000 || st.SealedBatches != 2 || st.OpenBatches != 1 {
		t.Errorf("recovered: %+v", st)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, buffer.Config{Dir: dir})
	if _, err := buffer.Open(buffer.Config{Dir: dir}); !errors.Is(err, buffer.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second open: %v", err)
	}
	b.Close()
	mustOpen(t, buffer.Config{Dir: dir})
}

func TestRefusedInput(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, buffer.Config{Dir: dir})
	for _, name := range []string{"", ".", "..", "a/b", "a b", "ä", strings.Repeat("x", 65), "a\x00"} {
		if err := b.Append(context.Background(), name, block(0, 1)); err == nil {
			t.Errorf("appended to %q", name)
		}
		if err := b.Seal(context.Background(), name); err == nil {
			t.Errorf("sealed %q", name)
		}
		if _, err := b.Snapshot(name); err == nil {
			t.Errorf("snapshot of %q", name)
		}
	}
	for name, bl := range map[string]lake.Block{
		"nothing":    {},
		"no records": {Data: []byte("{}\n")},
		"no newline": {Data: []byte("{}"), Records: 1},
		"too large":  loadBlock(buffer.MaxBlock+1, 1),
		"miscounted": {Data: []byte("\n"), Records: 2},
	} {
		if err := b.Append(context.Background(), "s", bl); err == nil {
			t.Errorf("appended a block with %s", name)
		}
	}
	if err := b.Append(context.Background(), strings.Repeat("x", 64), loadBlock(buffer.MaxBlock, 1)); err != nil {
		t.Error(err)
	}
	if _, err := buffer.Open(buffer.Config{MaxBytes: -1, QueueBytes: 1 << 40}); err == nil ||
		!strings.Contains(err.Error(), "Dir") || !strings.Contains(err.Error(), "MaxBytes") || !strings.Contains(err.Error(), "QueueBytes") {
		t.Errorf("open: %v", err)
	}
}
