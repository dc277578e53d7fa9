package dedupe

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/buffer"
)

const (
	// slack is for how many seconds longer than its window an entry is kept, for
	// appends that were under way when it expired.
	slack = 60
	// mergeMargin is the disk space that a merge leaves alone.
	mergeMargin   = 64 << 20
	quarantineDir = "quarantine"
)

// A set is what a stream remembers of one kind of key: the keys that are not in a
// file yet, in memory, and the files.
type set struct {
	kind   kind
	dir    string
	fs     buffer.FS
	window uint32 // seconds

	open   map[Key]uint32 // key to arrival; guarded by stream.mu
	frozen map[Key]uint32 // those being written to a file; guarded by stream.mu, its content does not change

	filesMu sync.RWMutex
	files   []*keyFile // guarded by filesMu, and by stream.merging against removal
}

// within reports whether something that arrived then is remembered now. Seconds
// count whole, so that a key is remembered for up to a second longer than the
// window, never shorter.
func (s *set) within(then, now uint32) bool { return now <= then || now-then <= s.window }

// expired is the arrival before which nothing needs to be kept.
func (s *set) expired(now uint32) uint32 {
	if now <= s.window+slack {
		return 0
	}
	return now - s.window - slack
}

// inMemory reports whether the key is remembered and not in a file. stream.mu is held.
func (s *set) inMemory(k *Key, now uint32) bool {
	if then, ok := s.open[*k]; ok && s.within(then, now) {
		return true
	}
	then, ok := s.frozen[*k]
	return ok && s.within(then, now)
}

// remember keeps a key until it is in a file. stream.mu is held.
func (s *set) remember(k Key, arrival uint32) {
	s.open[k] = max(s.open[k], arrival)
}

// inFiles is the latest arrival under a key in the files; filesMu is held. Mapped
// memory is read: see guarded.
func (s *set) inFiles(k *Key, now uint32) (then uint32, ok bool, err error) {
	for _, f := range s.files {
		if !s.within(f.head.newest, now) {
			continue
		}
		at, found, err := f.find(k)
		if err != nil {
			return 0, false, err
		}
		if found {
			then, ok = max(then, at), true
		}
	}
	return then, ok, nil
}

// stored is how many entries the files hold, and their size.
func (s *set) stored() (entries, bytes uint64, files int) {
	s.filesMu.RLock()
	defer s.filesMu.RUnlock()
	for _, f := range s.files {
		entries += f.head.entries
		bytes += f.head.size()
	}
	return entries, bytes, len(s.files)
}

// write puts the keys of a map into a new file, and adds that.
func (s *set) write(keys map[Key]uint32, now uint32) error {
	list := make([]entry, 0, len(keys))
	for k, at := range keys {
		if at >= s.expired(now) {
			list = append(list, entry{k, at})
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b entry) int { return compareKeys(a.key, b.key) })
	w, err := newFileWriter(s.fs, s.dir, s.kind, uint64(len(list)), s.window)
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	for _, e := range list {
		if err := w.add(e); err != nil {
			w.abandon()
			return fmt.Errorf("write key file: %w", err)
		}
	}
	path, err := w.finish()
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	f, err := openKeyFile(s.fs, path)
	if err != nil {
		if f != nil {
			f.close()
		}
		return fmt.Errorf("open the key file just written: %w", err)
	}
	s.replace(nil, f)
	return nil
}

// replace takes files away, which it closes, and adds one, if it is not nil.
func (s *set) replace(old []*keyFile, add *keyFile) {
	s.filesMu.Lock()
	defer s.filesMu.Unlock()
	s.files = slices.DeleteFunc(slices.Clone(s.files), func(f *keyFile) bool { return slices.Contains(old, f) })
	if add != nil {
		s.files = append(s.files, add)
	}
	slices.SortFunc(s.files, func(a, b *keyFile) int { return cmp.Compare(b.head.newest, a.head.newest) })
	for _, f := range old {
		f.close()
	}
}

// list is the files as they are now; they stay open while stream.merging is held.
func (s *set) list() []*keyFile {
	s.filesMu.RLock()
	defer s.filesMu.RUnlock()
	return slices.Clone(s.files)
}

// tidy removes the files that hold nothing that is still remembered, and merges
// others until there are few. stream.merging is held.
//
// If we crash between the merged file and the removal of what it was made of, all
// of them are there, which says the same.
func (s *set) tidy(clock func() uint32) error {
	for _, f := range s.list() {
		if f.head.newest < s.expired(clock()) {
			if err := s.remove(f, nil); err != nil {
				return err
			}
		}
	}
	for {
		now := clock()
		picked := pickMerge(s.list(), now, s.window)
		if picked == nil {
			return nil
		}
		if err := s.roomFor(picked); err != nil {
			return err
		}
		var path string
		err := guarded(s.dir, func() (err error) {
			path, err = merge(s.fs, picked, s.expired(now), s.window)
			return err
		})
		if err != nil {
			return err
		}
		var merged *keyFile
		if path != "" {
			if merged, err = openKeyFile(s.fs, path); err != nil {
				if merged != nil {
					merged.close()
				}
				return err
			}
		}
		if err := s.remove(picked[0], merged); err != nil {
			return err
		}
		for _, f := range picked[1:] {
			if err := s.remove(f, nil); err != nil {
				return err
			}
		}
	}
}

// roomFor is nil if the disk has room to merge files.
func (s *set) roomFor(files []*keyFile) error {
	need := uint64(mergeMargin)
	for _, f := range files {
		need += f.head.size()
	}
	free, err := s.fs.Free(s.dir)
	if err == nil && (free < 0 || uint64(free) < need) {
		err = fmt.Errorf("merging %d key files needs %d bytes of disk, %d are free", len(files), need, free)
	}
	return err
}

// remove deletes a file, after another has taken its place.
func (s *set) remove(f *keyFile, add *keyFile) error {
	s.replace([]*keyFile{f}, add)
	if err := s.fs.Remove(f.path); err != nil {
		return fmt.Errorf("remove key file: %w", err) // it goes after the next Open
	}
	return nil
}

// salvage writes the entries of a damaged file that can be read to a new one, and
// moves the damaged one to quarantine. It returns the number of entries lost.
// stream.merging is held.
//
// If we crash after the new file is there and before the damaged one is moved, the
// next Open does it again.
func (s *set) salvage(bad *keyFile, now uint32) (lost uint64, err error) {
	c := &cursor{file: bad, skip: true}
	var path string
	err = guarded(s.dir, func() (err error) {
		path, err = mergeCursors(s.fs, []*cursor{c}, s.expired(now), s.window)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("salvage %s: %w", bad.path, err)
	}
	var good *keyFile
	if path != "" {
		if good, err = openKeyFile(s.fs, path); err != nil {
			if good != nil {
				good.close()
			}
			return 0, fmt.Errorf("salvage %s: %w", bad.path, err)
		}
	}
	if err := quarantine(s.fs, bad.path); err != nil {
		if good != nil {
			good.close()
			s.fs.Remove(path)
		}
		return 0, err
	}
	lost = c.lost()
	s.replace([]*keyFile{bad}, good)
	return lost, nil
}

// quarantine moves a file that cannot be made use of out of the way.
func quarantine(fs buffer.FS, path string) error {
	dir := filepath.Join(filepath.Dir(path), quarantineDir)
	err := fs.Mkdir(dir)
	if err == nil {
		err = fs.Rename(path, filepath.Join(dir, filepath.Base(path)))
	}
	if err == nil {
		err = errors.Join(fs.SyncDir(dir), fs.SyncDir(filepath.Dir(path)))
	}
	if err != nil {
		return fmt.Errorf("quarantine key file %s: %w", path, err)
	}
	return nil
}

// seconds is a time as it is stored.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), 1<<32-1)) }
