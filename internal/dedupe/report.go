package dedupe

import (
	"fmt"
	"path/filepath"
	"time"
)

// A State is what there is to know of a stream.
type State struct {
	Duplicates int64 // dropped since the stream began; after a power cut, some since the last delivery may be missing
	Keys       int64 // remembered, some of them expired
	Err        error // what keeps the stream from taking records, or from being exact; nil when all is well
}

// State is what there is to know of a stream; zero for one of which nothing is
// remembered.
func (f *Filter) State(name string) State {
	v, _ := f.streams.Load(name)
	s, _ := v.(*stream)
	if s == nil {
		return State{}
	}
	st := State{}
	for _, set := range s.sets() {
		entries, _, _ := set.stored()
		st.Keys += int64(entries)
	}
	ahead := s.ahead(f.now())
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range s.sets() {
		st.Keys += int64(len(set.open) + len(set.frozen))
	}
	st.Duplicates = s.duplicates
	switch {
	case s.notLoaded != nil:
		st.Err = &StuckError{s.name, s.notLoaded}
	case s.mergeErr != nil:
		st.Err = &StuckError{s.name, s.mergeErr}
	case s.lost > 0 && time.Now().Before(s.lostUntil):
		st.Err = fmt.Errorf("%d deduplication keys were lost to damage on the disk: until %s, records with them may be taken twice; the damaged files are in %s",
			s.lost, s.lostUntil.UTC().Format(time.RFC3339), filepath.Join(s.dir, quarantineDir))
	case ahead != nil:
		st.Err = ahead
	}
	return st
}

// ahead is the error of keys that arrived later than it is now, by more than their
// window: those of a clock that was wrong then, or of one that is wrong now.
func (s *stream) ahead(now uint32) error {
	var n, latest uint32
	for _, set := range s.sets() {
		for _, f := range set.list() {
			if newest := f.head.newest; newest > now && newest-now > set.window {
				n, latest = n+1, max(latest, newest+min(set.window, 1<<32-1-newest))
			}
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d files of deduplication keys are from a time that this machine's clock has not reached: if it was ahead and is right now, records with these keys are dropped as duplicates until %s; to forget them, stop the service and move the newest .keys files out of %s",
		n, time.Unix(int64(latest), 0).UTC().Format(time.RFC3339), s.dir)
}
