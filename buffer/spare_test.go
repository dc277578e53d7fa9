package buffer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer"
	"sluice/buffer/faultfs"
)

func reuseConfig(fs buffer.FS, size int64) buffer.Config {
	cfg := faultConfig(fs)
	cfg.Size = func(string) int64 { return size }
	return cfg
}

// useUp fills a batch of stream a with frames as long as a specimen's and
// releases it.
func useUp(t *testing.T, b *buffer.Buffer) {
	t.Helper()
	for n := 5000; len(b.Sealed()) == 0; {
		for _, records := range []int{2, 1, 5, 3} {
			if len(b.Sealed()) == 0 {
				mustAppend(t, b, "a", block(n, records))
				n += records
			}
		}
	}
	releaseAll(t, b)
}

func releaseAll(t *testing.T, b *buffer.Buffer) {
	t.Helper()
	for _, batch := range b.Sealed() {
		if err := b.Release(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

// spares lists the files of stream a that are kept for another batch.
func spares(t *testing.T, fs buffer.FS) (paths []string) {
	t.Helper()
	list, err := fs.ReadDir(faultDir + "/a")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if strings.HasSuffix(e.Name, ".spare") {
			paths = append(paths, faultDir+"/a/"+e.Name)
		}
	}
	return paths
}

// reusedSpecimen is a specimen in a file that holds the frames of another batch
// where its own do not stand. Its data go on to the end of the file.
func reusedSpecimen(t *testing.T, sealed bool) *specimen {
	t.Helper()
	fs := faultfs.New()
	b := mustOpen(t, reuseConfig(fs, 9000))
	useUp(t, b)
	s := &specimen{}
	var err error
	if s.old, err = fs.ReadFile(spares(t, fs)[0]); err != nil || bytes.Count(s.old, []byte("\xfeSLF")) < 100 {
		t.Fatalf("no old frames: %v", err)
	}
	s.write(t, b, 2000)
	s.id = onlyBatch(t, b).ID
	if s.data, err = fs.ReadFile(s.path()); err != nil || len(s.data) < len(s.old) {
		t.Fatalf("%d bytes, of which %d are old: %v", len(s.data), len(s.old), err)
	}
	s.data = s.data[:len(s.old)] // there are zeros behind
	if sealed {
		mustSeal(t, b, "a")
		whole, err := fs.ReadFile(s.path())
		if err != nil {
			t.Fatal(err)
		}
		copy(s.data, whole) // as if what is behind had not been cut off
		s.starts[len(s.starts)-1] = len(whole) - sealLen
	}
	b.Close()
	return s
}

// sealLen is the length of a seal with the rules of faultConfig.
const sealLen = 48 + 56 + 1

// TestReusedTornTail cuts what is new in a file that was written again at every
// byte, old bytes standing behind: none of those is taken for the batch's.
func TestReusedTornTail(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%v", sealed), func(t *testing.T) {
			t.Parallel()
			s := reusedSpecimen(t, sealed)
			end := s.starts[len(s.starts)-1]
			if sealed {
				end += sealLen - 1
			}
			for cut := 160; cut < end; cut++ {
				data, there := slices.Concat(s.data[:cut], s.old[cut:]), cut
				for there < end && s.old[there] == s.data[there] {
					there++
				}
				s.tornAt(t, s.file(t, data), there, false)
				if t.Failed() {
					t.Fatalf("cut at %d", cut)
				}
			}
		})
	}
}

// TestReusedDamage is TestDamage for a file that was written again.
func TestReusedDamage(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%v", sealed), func(t *testing.T) {
			t.Parallel()
			s := reusedSpecimen(t, sealed)
			end := s.starts[len(s.starts)-1]
			if sealed {
				end += sealLen
			}
			for at := range end {
				data := slices.Clone(s.data)
				data[at] ^= 0x81
				s.damagedAt(t, data, at, sealed)
				if t.Failed() {
					t.Fatalf("damaged byte %d", at)
				}
			}
		})
	}
}

// TestReusedLostCommit has a disk that did not write a commit in the middle,
// but the zeros before it: that is damage, not the end.
func TestReusedLostCommit(t *testing.T) {
	s := reusedSpecimen(t, false)
	from, to := s.starts[1], s.starts[3]
	data := slices.Clone(s.data)
	clear(data[from:to])
	fs := s.file(t, data)
	b := mustOpen(t, faultConfig(fs))
	if got, want := strings.Join(held(t, b, "a"), ""), s.want(func(i int) bool { return i == 0 || i == 3 }); got != want || !quarantined(fs) {
		t.Errorf("found %q, want %q; quarantined: %v", got, want, quarantined(fs))
	}
}

// TestReusedIsNotTorn kills the process between two commits: recovery finds the
// end of what is new, and nothing to warn of.
func TestReusedIsNotTorn(t *testing.T) {
	fs := faultfs.New()
	b := mustOpen(t, reuseConfig(fs, 20_000))
	for round := range 3 {
		useUp(t, b)
		for n := range 40 * round {
			mustAppend(t, b, "a", block(2000+n, 1))
			cfg := reuseConfig(fs.Kill(), 20_000)
			registry := prometheus.NewPedanticRegistry()
			cfg.Registerer = registry
			again := mustOpen(t, cfg)
			if got := strings.Join(held(t, again, "a"), ""); got != string(block(2000, n+1).Data) {
				t.Fatalf("after %d: found %q", n, got)
			}
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() == "sluice_buffer_torn_total" {
					t.Fatalf("after %d: taken for torn", n)
				}
			}
		}
	}
}

// TestReuse has a stream write the same files again and again.
func TestReuse(t *testing.T) {
	fs := faultfs.New()
	ops := map[string]int{}
	fs.SetHook(func(op, _ string) error { ops[op]++; return nil })
	b := mustOpen(t, reuseConfig(fs, 9000))
	for range 10 {
		useUp(t, b)
		if got := spares(t, fs); len(got) != 1 {
			t.Fatalf("spares: %v", got)
		}
	}
	if ops["create"] != 1 || ops["remove"] != 0 {
		t.Errorf("10 batches in turn made %d files and removed %d", ops["create"], ops["remove"])
	}
	for range 60 { // a file is not used for ever
		useUp(t, b)
	}
	if ops["create"] != 2 || ops["remove"] != 1 {
		t.Errorf("70 batches in turn made %d files and removed %d", ops["create"], ops["remove"])
	}
	b.Close()
	mustOpen(t, reuseConfig(fs, 9000))
	if got := spares(t, fs); len(got) != 0 {
		t.Errorf("after a restart: %v", got)
	}
}

// TestNotReused lists the segments whose files are not kept.
func TestNotReused(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, cfg buffer.Config){
		"sealed on request": func(t *testing.T, cfg buffer.Config) {
			b := mustOpen(t, cfg)
			mustAppend(t, b, "a", block(0, 10))
			mustSeal(t, b, "a")
			releaseAll(t, b)
		},
		"of an earlier process": func(t *testing.T, cfg buffer.Config) {
			b := mustOpen(t, cfg)
			mustAppend(t, b, "a", block(0, 100))
			b.Close()
			releaseAll(t, mustOpen(t, cfg))
		},
		"larger than what may be kept": func(t *testing.T, cfg buffer.Config) {
			cfg.Reuse = 500
			b := mustOpen(t, cfg)
			mustAppend(t, b, "a", block(0, 100))
			releaseAll(t, b)
		},
		"being read": func(t *testing.T, cfg buffer.Config) {
			b := mustOpen(t, cfg)
			mustAppend(t, b, "a", block(0, 100))
			snap, err := b.Snapshot("a")
			if err != nil {
				t.Fatal(err)
			}
			defer snap.Close()
			releaseAll(t, b)
			mustAppend(t, b, "a", block(100, 100), block(200, 3))
			if got := strings.Join(read(t, snap.Batches[0].Blocks(0)), ""); got != string(block(0, 100).Data) {
				t.Errorf("the snapshot reads %q", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fs := faultfs.New()
			use(t, reuseConfig(fs, 900))
			if got := spares(t, fs); len(got) != 0 {
				t.Errorf("kept: %v", got)
			}
		})
	}
}

// TestSparesMakeRoom fills the log up to its ceiling while files are kept: they
// go before an append is refused, and while they are there it is ready.
func TestSparesMakeRoom(t *testing.T) {
	big := loadBlock(100_000, 100)
	for name, set := range map[string]func(*buffer.Config, *faultfs.FS){
		"max bytes": func(c *buffer.Config, _ *faultfs.FS) { c.MaxBytes = 4 << 20 },
		"min free":  func(c *buffer.Config, fs *faultfs.FS) { c.MinFree = 1; fs.SetCapacity(4 << 20) },
		"disk full": func(_ *buffer.Config, fs *faultfs.FS) { fs.SetCapacity(4 << 20) },
	} {
		t.Run(name, func(t *testing.T) {
			amount := func(reuse int64) int {
				fs := faultfs.New()
				cfg := reuseConfig(fs, 1<<20)
				cfg.Reuse = reuse
				set(&cfg, fs)
				b := mustOpen(t, cfg)
				for range 22 {
					mustAppend(t, b, "a", big)
				}
				releaseAll(t, b)
				if kept := len(spares(t, fs)); kept != int(min(reuse, 2)) {
					t.Errorf("%d spares", kept)
				}
				if err := b.Ready(); err != nil {
					t.Errorf("ready: %v", err)
				}
				return fill(t, b, "b", big)
			}
			if with, without := amount(3<<20), amount(0); with < without-1 || without < 20 {
				t.Errorf("%d blocks beside spares, %d without", with, without)
			}
		})
	}
}

// TestLargeFilesGoInSteps releases a batch of 20 MiB that is not kept.
func TestLargeFilesGoInSteps(t *testing.T) {
	fs := faultfs.New()
	b := mustOpen(t, reuseConfig(fs, 20<<20))
	for len(b.Sealed()) == 0 {
		mustAppend(t, b, "a", loadBlock(4<<20, 1))
	}
	truncated := 0
	fs.SetHook(func(op, path string) error {
		if op == "truncate" && strings.HasSuffix(path, ".spare") {
			truncated++
		}
		return nil
	})
	releaseAll(t, b)
	if got := spares(t, fs); len(got) != 0 || truncated != 2 {
		t.Errorf("%d steps, left %v", truncated, got)
	}
	if n := diskBytes(b); n != 0 {
		t.Errorf("%d bytes counted", n)
	}
}

// TestReuseOnDisk writes files again on the operating system's file system.
func TestReuseOnDisk(t *testing.T) {
	dir := t.TempDir()
	cfg := buffer.Config{Dir: dir, Size: func(string) int64 { return 1 << 20 }, Reuse: 8 << 20}
	b := mustOpen(t, cfg)
	for range 5 {
		for len(b.Sealed()) == 0 {
			mustAppend(t, b, "a", loadBlock(100_000, 100))
		}
		releaseAll(t, b)
	}
	mustAppend(t, b, "a", block(0, 3))
	if list, err := filepath.Glob(filepath.Join(dir, "a", "*")); err != nil || len(list) != 1 {
		t.Errorf("files: %v, %v", list, err)
	} else if st, err := os.Stat(list[0]); err != nil || st.Size() < 1<<20 {
		t.Errorf("the open segment was not written into a file that was there: %v, %v", st, err)
	}
	b.Close()
	b = mustOpen(t, cfg)
	if got := strings.Join(held(t, b, "a"), ""); got != string(block(0, 3).Data) {
		t.Errorf("found %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "quarantine")); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was taken for damage")
	}
}
