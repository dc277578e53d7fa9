package buffer

import (
	"errors"
	"fmt"
	"slices"
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

	spareMax int64   // bytes that spares may take
	spares   []spare // oldest first; their bytes are in used
}

// take claims want bytes, or fewer near a ceiling but never less than need. A
// forced claim is granted at any ceiling.
func (s *space) take(need, want int64, forced bool) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !forced {
		room, err := s.roomLocked(need, 0)
		if err == nil {
			want = max(need, min(want, room))
			break
		}
		var full *FullError
		if !errors.As(err, &full) || !s.dropLocked() {
			return 0, err
		}
	}
	s.used += want
	s.free -= want
	return want, nil
}

// roomLocked is how far the log may grow once extra bytes were freed; a
// *FullError if by less than need.
func (s *space) roomLocked(need, extra int64) (int64, error) {
	room := int64(1) << 62
	if s.max > 0 {
		if room = s.max - s.used + extra; room < need {
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
		if s.free+extra-s.minFree < need {
			return 0, &FullError{fmt.Sprintf("the disk has %d bytes free, %d are held back", s.free, s.minFree), fullRetry}
		}
		room = min(room, s.free+extra-s.minFree)
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
	var extra int64
	for _, sp := range s.spares {
		extra += sp.disk
	}
	_, err := s.roomLocked(sealRoom+fileHeaderLen+frameHeaderLen, extra)
	return err
}

// keep takes a spare in, and returns those that have to go for it.
func (s *space) keep(sp spare) (out []spare) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spares = append(s.spares, sp)
	var sum int64
	for i := len(s.spares) - 1; i >= 0; i-- {
		if sum += s.spares[i].disk; sum > s.spareMax {
			out = slices.Clone(s.spares[:i+1])
			s.spares = slices.Delete(s.spares, 0, i+1)
			break
		}
	}
	return out
}

// spareOf takes a spare of the stream out, if there is one.
func (s *space) spareOf(stream string) (sp spare, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.spares, func(sp spare) bool { return sp.stream == stream })
	if i < 0 {
		return spare{}, false
	}
	sp = s.spares[i]
	s.spares = slices.Delete(s.spares, i, i+1)
	return sp, true
}

// drop deletes the oldest spare, to make room.
func (s *space) drop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropLocked()
}

func (s *space) dropLocked() bool {
	for len(s.spares) > 0 {
		sp := s.spares[0]
		s.spares = slices.Delete(s.spares, 0, 1)
		if s.fs.Remove(sp.path) == nil {
			s.used -= sp.disk
			s.free += sp.disk
			return true
		}
		// Its file stays until the next start, and its bytes stay counted.
	}
	return false
}

// diskFull is the FullError of a file system that has no room itself.
func diskFull(err error) error {
	return &FullError{fmt.Sprintf("the disk is full (%v)", err), fullRetry}
}
