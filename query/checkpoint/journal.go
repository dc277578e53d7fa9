package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"

	"sluice/buffer"
	"sluice/internal/lake"
)

const journalName = "batches"

// A journal numbers batches, durably.
type journal struct {
	fs   buffer.FS
	path string
	max  int
	log  *slog.Logger

	mu    sync.Mutex // guards all below
	first uint64     // the number of keys[0]
	keys  []key
	file  buffer.File // nil before the first write
	size  int64
	// broken says that a write failed: what the file holds is not known, and it is
	// written anew before anything is added to it.
	broken bool
}

func openJournal(fsys buffer.FS, dir string, most int, log *slog.Logger) (*journal, error) {
	j := &journal{fs: fsys, path: filepath.Join(dir, journalName), max: most, log: log, first: 1}
	b, err := buffer.ReadFile(fsys, j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal of batches: %w", err)
	}
	lost := j.parse(b)
	if lost > 0 {
		// What cannot be parsed is kept aside; the numbers that it had stay lost.
		if err := j.setAside(); err != nil {
			return nil, err
		}
		log.Error("the journal of batches is damaged: checkpoints whose next range has a batch that was lost will say so", "file", j.path, "lost", lost)
	}
	// Always anew: a tail is cut so, and a process that was killed before its fsync,
	// or whose fsync failed, leaves lines that only the page cache has.
	err = j.rewrite()
	if errors.Is(err, buffer.ErrNoSpace) { // no reason not to start: it is written before it is relied on
		log.Warn("the journal of batches cannot be written for now: queries with a checkpoint and deliveries wait until it can", "file", j.path, "error", err)
		return j, nil
	}
	if err != nil {
		return nil, fmt.Errorf("write journal of batches %s: %w", j.path, err)
	}
	return j, nil
}

// reach sees to it that the numbers up to latest, which a checkpoint has, were
// given. Where they were not, the journal was lost, and what else it held is not
// known: numbers go on behind one that counts as lost, so that every checkpoint
// there is will say so.
func (j *journal) reach(latest uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lastLocked() >= latest {
		return nil
	}
	j.log.Error("the journal of batches is not the one that the checkpoints were made with: none of them can go on", "file", j.path, "latest", j.lastLocked(), "want", latest)
	if err := j.setAside(); err != nil {
		return err
	}
	j.first, j.keys = latest+1, []key{{}}
	if err := j.rewrite(); err != nil {
		return fmt.Errorf("write journal of batches %s: %w", j.path, err)
	}
	return nil
}

// setAside keeps what cannot be made use of.
func (j *journal) setAside() error {
	if err := j.fs.Link(j.path, j.path+".damaged"); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep damaged journal of batches: %w", err)
	}
	return nil
}

// parse reads the lines, without a torn tail. lost counts damaged ones, whose keys
// are zero.
func (j *journal) parse(b []byte) (lost int) {
	type line struct {
		number uint64
		key    key
		ok     bool
	}
	var lines []line
	proven := 0 // lines before this one were durable when a later one was written
	for at := 0; at+lineLen <= len(b); at += lineLen {
		number, group, k, ok := parseLine(b[at : at+lineLen])
		if ok && len(lines)-group >= 0 {
			proven = max(proven, len(lines)-group)
		}
		lines = append(lines, line{number, k, ok})
	}
	keep := 0
	for keep < len(lines) && (lines[keep].ok || keep < proven) {
		keep++
	}
	for i := range keep {
		if lines[i].ok && lines[i].number > uint64(i) {
			j.first = lines[i].number - uint64(i)
			break
		}
	}
	for i := range keep {
		k := lines[i].key
		// A line that is whole and out of its place was written by nobody here.
		if !lines[i].ok || lines[i].number != j.first+uint64(i) {
			k = key{}
			lost++
		}
		j.keys = append(j.keys, k)
	}
	return lost
}

// note numbers the batches that have no number yet, in their order, and returns
// the latest number. When it returns nil that is durable.
func (j *journal) note(ids ...lake.BatchID) (last uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fresh, err := j.unknownLocked(ids)
	if err != nil {
		return 0, err
	}
	if len(fresh) == 0 && !j.broken {
		return j.lastLocked(), nil
	}
	if j.file == nil || j.broken || len(j.keys)+len(fresh) > j.max+j.max/4 {
		keys, first := j.keys, j.first
		j.keys = append(j.keys[:len(j.keys):len(j.keys)], fresh...)
		if drop := len(j.keys) - j.max; drop > 0 && len(j.keys) > j.max+j.max/4 {
			j.keys, j.first = append([]key(nil), j.keys[drop:]...), j.first+uint64(drop)
		}
		if err := j.rewrite(); err != nil {
			j.keys, j.first = keys, first
			return 0, fmt.Errorf("write journal of batches %s: %w", j.path, err)
		}
		return j.lastLocked(), nil
	}
	for len(fresh) > 0 {
		n := min(len(fresh), maxGroup)
		if err := j.appendLocked(fresh[:n]); err != nil {
			j.broken = true
			return 0, fmt.Errorf("write journal of batches %s: %w", j.path, err)
		}
		fresh = fresh[n:]
	}
	return j.lastLocked(), nil
}

func (j *journal) lastLocked() uint64 { return j.first + uint64(len(j.keys)) - 1 }

// last is the latest number; 0 before the first.
func (j *journal) last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lastLocked()
}

// unknownLocked are the keys of ids that have no number. A batch that is asked for
// is in the log, so if it is known it is among the latest: but not certainly, and
// this is exact.
func (j *journal) unknownLocked(ids []lake.BatchID) ([]key, error) {
	missing := make(map[key]bool, len(ids))
	keys := make([]key, 0, len(ids))
	for _, id := range ids {
		k, err := keyOf(id)
		if err != nil {
			return nil, fmt.Errorf("number a batch: %w", err)
		}
		keys = append(keys, k)
		missing[k] = true
	}
	for i := len(j.keys) - 1; i >= 0 && len(missing) > 0; i-- {
		delete(missing, j.keys[i])
	}
	fresh := keys[:0]
	for _, k := range keys {
		if missing[k] {
			fresh = append(fresh, k)
			delete(missing, k)
		}
	}
	return fresh, nil
}

// appendLocked adds lines with one write and one fsync. If we crash in between,
// any of them may be there; none is relied on.
func (j *journal) appendLocked(keys []key) error {
	b := make([]byte, 0, len(keys)*lineLen)
	for i, k := range keys {
		b = appendLine(b, j.first+uint64(len(j.keys)+i), i, k)
	}
	if err := j.file.WriteVec([][]byte{b}, j.size); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.size += int64(len(b))
	j.keys = append(j.keys, keys...)
	return nil
}

// rewrite replaces the file by what is in memory. A lost batch's line is written
// so that it is not whole.
func (j *journal) rewrite() error {
	j.broken = true
	b := make([]byte, 0, len(j.keys)*lineLen)
	for i, k := range j.keys {
		if b = appendLine(b, j.first+uint64(i), 0, k); k == (key{}) {
			copy(b[len(b)-lineLen:], "!")
		}
	}
	f, err := replaceFile(j.fs, j.path, b)
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.size, j.broken = f, int64(len(b)), false
	return nil
}

// span are the batches numbered after from, up to to; missing counts those of them
// that are not remembered.
func (j *journal) span(from, to uint64) (set map[key]struct{}, missing uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	to = min(to, j.lastLocked())
	if from >= to {
		return nil, 0
	}
	if from+1 < j.first {
		missing = min(j.first-1, to) - from
	}
	set = make(map[key]struct{})
	for n := max(from+1, j.first); n <= to; n++ {
		if k := j.keys[n-j.first]; k == (key{}) {
			missing++
		} else {
			set[k] = struct{}{}
		}
	}
	return set, missing
}

// len is how many batches are remembered.
func (j *journal) len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.keys)
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
