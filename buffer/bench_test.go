//go:build linux

package buffer_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/buffer"
)

// The shapes of load that receivers bring: single events on many connections,
// and bodies of 500 events on a few.
var loads = []struct {
	name       string
	size, each int // bytes of a block, records in it
	goroutines int
}{
	{"240B×64", 240, 1, 64},
	{"120KB×8", 120_000, 500, 8},
}

// inParallel spreads b.N calls over that many goroutines.
func inParallel(b *testing.B, goroutines int, call func() error) {
	var wg sync.WaitGroup
	next := make(chan struct{}, b.N)
	for range b.N {
		next <- struct{}{}
	}
	close(next)
	b.ResetTimer()
	for range goroutines {
		wg.Go(func() {
			for range next {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}

// BenchmarkAppend is to be read beside BenchmarkFloor of the same run.
func BenchmarkAppend(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			buf := mustOpen(b, buffer.Config{Dir: b.TempDir()})
			block := loadBlock(load.size, load.each)
			b.SetBytes(int64(len(block.Data)))
			b.ReportAllocs()
			inParallel(b, load.goroutines, func() error { return buf.Append(context.Background(), "s", block) })
		})
	}
}

// BenchmarkFloor is the least that a durable log does: it appends to one file
// and shares each fdatasync among all who wait, without frames, checksums,
// batches or recovery.
func BenchmarkFloor(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			log := &floorLog{f: f}
			data := loadBlock(load.size, load.each).Data
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			inParallel(b, load.goroutines, func() error { return log.append(data) })
		})
	}
}

// floorLog writes at once and lets one of those who wait fsync for all whose
// write is done.
type floorLog struct {
	f     *os.File
	write sync.Mutex // one write at a time
	wrote int64      // guarded by write

	sync   sync.Mutex // one fsync at a time
	synced int64      // guarded by sync
}

func (l *floorLog) append(data []byte) error {
	l.write.Lock()
	_, err := l.f.Write(data)
	l.wrote += int64(len(data))
	mine := l.wrote
	l.write.Unlock()
	if err != nil {
		return err
	}
	l.sync.Lock()
	defer l.sync.Unlock()
	if l.synced >= mine {
		return nil
	}
	l.write.Lock()
	upTo := l.wrote
	l.write.Unlock()
	if err := unix.Fdatasync(int(l.f.Fd())); err != nil {
		return err
	}
	l.synced = upTo
	return nil
}
