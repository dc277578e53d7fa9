package dedupe

import (
	"errors"
	"fmt"
	"path/filepath"

	"sluice/buffer"
)

// A DamageError says where a key file is not what was written.
type DamageError struct {
	Path   string
	Reason string
	Bytes  int // of the file, where its header is lost
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("key file %s is damaged: %s", e.Path, e.Reason)
}

// A VersionError says that a key file was written by a newer Sluice.
type VersionError struct {
	Path    string
	Version int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("key file %s has format version %d, this program knows %d: start the newer Sluice that wrote it",
		e.Path, e.Version, formatVersion)
}

// A keyFile is one file of keys. Everything that is read of it is verified when
// it is read.
type keyFile struct {
	path string
	head fileHeader
	salt uint32
	m    *mapping
}

// openKeyFile reads a file's header. Where that is damaged and its copy at the
// end is not, the file is returned with the *DamageError.
func openKeyFile(fs buffer.FS, path string) (*keyFile, error) {
	m, err := mapFile(fs, path)
	if err != nil {
		return nil, err
	}
	k := &keyFile{path: path, m: m}
	err = guarded(filepath.Dir(path), k.readHeader)
	var damage *DamageError
	if err != nil && (!errors.As(err, &damage) || k.head.buckets == 0) {
		m.unmap()
		return nil, err
	}
	return k, err
}

func (k *keyFile) readHeader() error {
	data := k.m.data
	first, version, ok := parseHeader(data, len(data))
	if ok && version != formatVersion {
		return &VersionError{k.path, version}
	}
	var last fileHeader
	lastOK := false
	if len(data) >= 2*headerLen {
		last, version, lastOK = parseHeader(data[len(data)-headerLen:], len(data))
		lastOK = lastOK && version == formatVersion
	}
	switch {
	case ok:
		k.head = first
	case lastOK:
		k.head = last
	}
	k.salt = k.head.salt()
	if !ok || !lastOK || first != last {
		return &DamageError{Path: k.path, Reason: "its header does not stand at both ends", Bytes: len(data)}
	}
	return nil
}

func (k *keyFile) close() { k.m.unmap() }

// verified is a bucket whose checksum is right.
func (k *keyFile) verified(index uint64) ([]byte, error) {
	at := headerLen + index*bucketLen
	b := k.m.data[at : at+bucketLen]
	if le.Uint32(b[bucketSum:]) != sumBucket(k.salt, index, b) {
		return nil, &DamageError{Path: k.path, Reason: fmt.Sprintf("the checksum of bucket %d does not match", index)}
	}
	return b, nil
}

// entriesOf are the entries of a verified bucket.
func (k *keyFile) entriesOf(index uint64, b []byte) ([]byte, error) {
	first, n := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:]))
	if first+n > k.head.entries {
		return nil, &DamageError{Path: k.path, Reason: fmt.Sprintf("bucket %d has entries beyond the last", index)}
	}
	at := k.head.entriesAt() + first*entryLen
	entries := k.m.data[at : at+n*entryLen]
	if crcOf(k.salt, entries) != le.Uint32(b[8:]) {
		return nil, &DamageError{Path: k.path, Reason: fmt.Sprintf("the checksum of the entries of bucket %d does not match", index)}
	}
	return entries, nil
}

// find is the arrival under a key. Mapped memory is read: see guarded.
func (k *keyFile) find(key *Key) (arrival uint32, ok bool, err error) {
	index := bucketOf(key, k.head.buckets)
	b, err := k.verified(index)
	if err != nil || !inFilter(b[filterAt:filterAt+filterLen], key) {
		return 0, false, err
	}
	entries, err := k.entriesOf(index, b)
	if err != nil {
		return 0, false, err
	}
	for ; len(entries) > 0; entries = entries[entryLen:] {
		if Key(entries[:keyLen]) == *key {
			return le.Uint32(entries[keyLen:]), true, nil
		}
	}
	return 0, false, nil
}

// A cursor reads a file's entries in order. What a damaged bucket held is passed
// over and counted where skip is set, else it is an error.
type cursor struct {
	file    *keyFile
	skip    bool
	bucket  uint64 // the next to be read
	entries []byte // left of the one before it
	read    uint64 // entries read
	damage  error  // the first that was passed over
}

// next is the next entry; ok is false at the end.
func (c *cursor) next() (e entry, ok bool, err error) {
	for len(c.entries) == 0 {
		if c.bucket == c.file.head.buckets {
			return e, false, nil
		}
		b, err := c.file.verified(c.bucket)
		if err == nil {
			c.entries, err = c.file.entriesOf(c.bucket, b)
		}
		if err != nil {
			if !c.skip {
				return e, false, err
			}
			if c.damage == nil {
				c.damage = err
			}
		}
		c.bucket++
	}
	e = entry{Key(c.entries[:keyLen]), le.Uint32(c.entries[keyLen:])}
	c.entries = c.entries[entryLen:]
	c.read++
	return e, true, nil
}

// lost is how many of the file's entries could not be read, at the end.
func (c *cursor) lost() uint64 { return c.file.head.entries - min(c.read, c.file.head.entries) }
