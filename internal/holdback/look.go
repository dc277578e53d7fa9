package holdback

import (
	"os"

	"sluice/internal/lake"
)

// A Look is the moment at which a reader began: see the package.
type Look struct {
	s       *Shelf
	commits uint64
}

// Look begins one, before the reader's snapshot of the log. It must be ended.
func (s *Shelf) Look() *Look {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &Look{s: s, commits: s.commits}
	s.looks[l] = struct{}{}
	return l
}

// Pieces are those of the table that the look sees, after the snapshot was taken. The
// files stay until the look ends. Those of batches that are in the snapshot are to be
// passed over.
func (l *Look) Pieces(table lake.TableName) (list []Piece) {
	if l == nil {
		return nil
	}
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		if b.table != table {
			continue
		}
		for _, p := range b.pieces {
			list = append(list, s.describe(p))
		}
	}
	for _, p := range s.gone {
		if p.batch.table == table && p.commit > l.commits {
			list = append(list, s.describe(p))
		}
	}
	return list
}

// Hides reports whether an object, by its key, is of a join that the look does not see.
func (l *Look) Hides(key string) bool {
	if l == nil {
		return false
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	commit, ok := l.s.keys[home(key)]
	return ok && (commit == 0 || commit > l.commits)
}

// home is an object's key before compaction moved its partition, which takes objects
// along under their names.
func home(key string) string {
	home, _ := lake.HomeLocation(key)
	return home
}

// Joining reports whether an object, by its key, is of a join that is not committed: its
// rows are held yet.
func (s *Shelf) Joining(key string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	commit, ok := s.keys[home(key)]
	return ok && commit == 0
}

// End ends the look. It may be called more than once.
func (l *Look) End() {
	if l == nil {
		return
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	delete(l.s.looks, l)
	l.s.forgetLocked()
}

// forgetLocked lets go of what every look that is left sees as delivered.
func (s *Shelf) forgetLocked() {
	oldest := s.commits
	for l := range s.looks {
		oldest = min(oldest, l.commits)
	}
	for key, commit := range s.keys {
		if commit > 0 && commit <= oldest {
			delete(s.keys, home(key))
		}
	}
	stay := s.gone[:0]
	for _, p := range s.gone {
		if p.commit > oldest {
			stay = append(stay, p)
			continue
		}
		os.Remove(s.path(p.file)) // what stays is removed by Open: no manifest has it
	}
	clear(s.gone[len(stay):])
	s.gone = stay
}
