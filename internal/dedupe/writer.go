package dedupe

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"sluice/buffer"
)

// An entry is a key and the second in which its record arrived.
type entry struct {
	key     Key
	arrival uint32
}

const (
	fileExt    = ".keys"
	asideExt   = ".tmp" // of a file being written
	writeAhead = 256 << 10
)

// A region is a part of a file that is written from its beginning to its end.
type region struct {
	file buffer.File
	off  int64
	buf  []byte
}

func (r *region) write(b []byte) error {
	r.buf = append(r.buf, b...)
	if len(r.buf) < writeAhead {
		return nil
	}
	return r.flush()
}

func (r *region) flush() error {
	if len(r.buf) == 0 {
		return nil
	}
	err := r.file.WriteVec([][]byte{r.buf}, r.off)
	r.off += int64(len(r.buf))
	r.buf = r.buf[:0]
	return err
}

// A fileWriter writes a key file aside, in memory that does not depend on how
// many entries it gets.
type fileWriter struct {
	fs      buffer.FS
	dir     string
	head    fileHeader
	salt    uint32
	file    buffer.File
	buckets region
	entries region

	at     uint64 // the bucket being filled
	bucket [bucketLen]byte
	held   []byte // its entries
	first  uint64 // how many entries are in buckets before it
}

// newFileWriter begins a file for at most n entries in the folder, which exists.
func newFileWriter(fs buffer.FS, dir string, k kind, n uint64, window uint32) (*fileWriter, error) {
	if n > maxEntries {
		return nil, fmt.Errorf("%d keys do not go into one file", n)
	}
	w := &fileWriter{fs: fs, dir: dir, head: fileHeader{kind: k, buckets: bucketsFor(n), window: window, oldest: 1<<32 - 1}}
	rand.Read(w.head.id[:]) // never fails
	w.salt = w.head.salt()
	f, err := fs.Create(w.aside())
	if err != nil {
		return nil, err
	}
	w.file = f
	w.buckets = region{file: f, off: headerLen}
	w.entries = region{file: f, off: int64(w.head.entriesAt())}
	return w, nil
}

func (w *fileWriter) name() string {
	return w.head.kind.String() + "-" + hex.EncodeToString(w.head.id[:]) + fileExt
}

func (w *fileWriter) path() string  { return filepath.Join(w.dir, w.name()) }
func (w *fileWriter) aside() string { return w.path() + asideExt }

// add appends an entry; their keys ascend strictly.
func (w *fileWriter) add(e entry) error {
	for b := bucketOf(&e.key, w.head.buckets); w.at < b; {
		if err := w.endBucket(); err != nil {
			return err
		}
	}
	setFilter(w.bucket[filterAt:filterAt+filterLen], &e.key)
	w.held = append(w.held, e.key[:]...)
	w.held = le.AppendUint32(w.held, e.arrival)
	w.head.entries++
	w.head.oldest, w.head.newest = min(w.head.oldest, e.arrival), max(w.head.newest, e.arrival)
	return nil
}

func (w *fileWriter) endBucket() error {
	b := w.bucket[:]
	le.PutUint32(b, uint32(w.first))
	le.PutUint32(b[4:], uint32(len(w.held)/entryLen))
	le.PutUint32(b[8:], crcOf(w.salt, w.held))
	le.PutUint32(b[bucketSum:], sumBucket(w.salt, w.at, b))
	if err := w.buckets.write(b); err != nil {
		return err
	}
	if err := w.entries.write(w.held); err != nil {
		return err
	}
	w.first = w.head.entries
	w.at++
	w.held = w.held[:0]
	clear(b)
	return nil
}

// finish makes the file durable under its name and returns its path.
//
// If we crash before the rename, the file is one that was being written, which
// Open removes: its keys are still in the log or in the files that it was made of.
// If we crash before the folder's fsync, it is there whole or not at all.
func (w *fileWriter) finish() (path string, err error) {
	defer func() {
		if err != nil {
			w.abandon()
		}
	}()
	for w.at < w.head.buckets {
		if err := w.endBucket(); err != nil {
			return "", err
		}
	}
	var head [headerLen]byte
	w.head.put(head[:])
	if err := w.entries.write(head[:]); err != nil {
		return "", err
	}
	for _, r := range []*region{&w.buckets, &w.entries} {
		if err := r.flush(); err != nil {
			return "", err
		}
	}
	if err := w.file.WriteVec([][]byte{head[:]}, 0); err != nil {
		return "", err
	}
	if err := w.file.Sync(); err != nil {
		return "", fmt.Errorf("fsync %s: %w", w.aside(), err)
	}
	if err := w.fs.Rename(w.aside(), w.path()); err != nil {
		return "", err
	}
	if err := w.fs.SyncDir(w.dir); err != nil {
		w.fs.Remove(w.path()) // if it stays, it holds nothing that is wrong
		return "", fmt.Errorf("fsync folder %s: %w", w.dir, err)
	}
	w.file.Close() // synced
	return w.path(), nil
}

// abandon removes what was written.
func (w *fileWriter) abandon() {
	w.file.Close()
	w.fs.Remove(w.aside()) // if it stays, the next Open removes it
}
