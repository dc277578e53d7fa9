package buffer

import (
	"fmt"
	"sync"
	"time"
)

const (
	fullRetry = 5 * time.Second        // what a FullError advises
	freeFresh = 250 * time.Millisecond // how long an answer of statfs is believed
)

// space keeps the log below its ceilings. A segment takes its bytes before it
// grows into them, so what is refused is only ever growth: neither sealing nor
// what was preallocated is.
type space struct {
	fs      FS
	dir     string
	max     int64 // of used; 0 for no ceiling
	minFree int64

	mu   sync.Mutex
	used int64     // bytes of all segments
	free int64     // what the file system had at
	at   time.Time // this time, less what was taken since
}

// take claims want bytes, or fewer near a ceiling but never less than need. A
// forced claim is granted at any ceiling.
func (s *space) take(need, want int64, forced bool) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !forced {
		room, err := s.roomLocked(need)
		if err != nil {
			return 0, err
		}
		want = max(need, min(want, room))
	}
	s.used += want
	s.free -= want
	return want, nil
}

// roomLocked is how far the log may grow; a *FullError if by less than need.
func (s *space) roomLocked(need int64) (int64, error) {
	room := int64(1) << 62
	if s.max > 0 {
		if room = s.max - s.used; room < need {
			return 0, &FullError{fmt.Sprintf("its segments hold %d of at most %d bytes", s.used, s.max), fullRetry}
		}
	}
	if s.minFree > 0 {
		if now := time.Now(); s.at.IsZero() || now.Sub(s.at) >= freeFresh {
			free, err := s.fs.Free(s.dir)
			if err != nil {
				return 0, fmt.Errorf("look up free disk space: %w", err)
			}
			s.free, s.at = free, now
		}
		if s.free-s.minFree < need {
			return 0, &FullError{fmt.Sprintf("the disk has %d bytes free, %d are held back", s.free, s.minFree), fullRetry}
		}
		room = min(room, s.free-s.minFree)
	}
	return room, nil
}

// give returns bytes that a segment does not take any more.
func (s *space) give(n int64) {
	s.mu.Lock()
	s.used -= n
	s.free += n
	s.mu.Unlock()
}

// check is a *FullError if no segment could grow now.
func (s *space) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.roomLocked(sealRoom + fileHeaderLen + frameHeaderLen)
	return err
}

// diskFull is the FullError of a file system that has no room itself.
func diskFull(err error) error {
	return &FullError{fmt.Sprintf("the disk is full (%v)", err), fullRetry}
}
