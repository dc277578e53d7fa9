package dedupe

import (
	"errors"
	"io/fs"
	"path/filepath"

	"sluice/buffer"
)

const (
	// tallyFile, in a stream's folder, counts its duplicates; see the package's doc.
	tallyFile = "duplicates"
	tallyLen  = 12
)

func putTally(n int64) []byte {
	b := le.AppendUint64(nil, uint64(n))
	return le.AppendUint32(b, crcOf(0, b))
}

// parseTally is the count in the file; 0 where it is none that putTally made.
func parseTally(b []byte) int64 {
	if len(b) < tallyLen || le.Uint32(b[8:]) != crcOf(0, b[:8]) {
		return 0
	}
	return max(0, int64(le.Uint64(b)))
}

// tally has the count of duplicates survive this process before anybody is told
// of them. It is written and not synced: a kill loses nothing of what is written,
// and a power cut at most what was counted since the state file was. If we crash
// before it is written, nobody was answered.
//
// One write serves all who wait for it.
func (s *stream) tally() {
	s.tallyMu.Lock()
	defer s.tallyMu.Unlock()
	s.mu.Lock()
	n := s.duplicates
	s.mu.Unlock()
	if n == s.tallied {
		return
	}
	if err := s.writeTally(n); err != nil {
		if !s.tallyFailed {
			s.f.log.Warn("the count of duplicates is not written; a kill before the next delivery costs what came since", "stream", s.name, "error", err)
		}
		s.tallyFailed = true
		return
	}
	s.tallied, s.tallyFailed = n, false
}

func (s *stream) writeTally(n int64) error {
	path := filepath.Join(s.dir, tallyFile)
	f, err := s.f.fs.OpenWrite(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = s.f.fs.Create(path)
	}
	if err != nil {
		return err
	}
	defer f.Close() // nothing rests on it
	return f.WriteVec([][]byte{putTally(n)}, 0)
}

// loadTally takes up the count that the file has. One that cannot be read costs the
// count alone, and keeps no records out.
func (s *stream) loadTally() {
	b, err := buffer.ReadFile(s.f.fs, filepath.Join(s.dir, tallyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.f.log.Warn("the count of duplicates is not read", "stream", s.name, "error", err)
	}
	s.mu.Lock()
	s.duplicates = max(s.duplicates, parseTally(b))
	s.mu.Unlock()
}
