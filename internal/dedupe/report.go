package dedupe

import (
	"fmt"
	"path/filepath"
	"time"
)

// A State is what there is to know of a stream.
type State struct {
	Duplicates int64 // dropped since the stream began; after a kill, some of the last may be missing
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
	}
	return st
}
