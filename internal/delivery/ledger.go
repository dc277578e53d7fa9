package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/lake"
)

// Totals are what has become of a stream's records since it began.
type Totals struct {
	Delivered    int64     `json:"delivered"` // records in the table
	Failed       int64     `json:"failed"`    // records under the error prefix
	Filtered     int64     `json:"filtered"`  // records that the transform left out
	Batches      int64     `json:"batches"`
	LastDelivery time.Time `json:"last_delivery"`
}

// A ledger keeps the totals of every stream across restarts: a file
// {stream}.json each, replaced as a whole.
type ledger struct {
	dir string

	mu      sync.Mutex
	entries map[string]*entry // guarded by mu
}

type entry struct {
	Totals
	// Releasing are the batches that are counted already and whose logs may
	// still be there.
	Releasing []lake.BatchID `json:"releasing,omitempty"`
}

const ledgerExt = ".json"

func openLedger(dir string) (*ledger, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make ledger folder: %w", err)
	}
	l := &ledger{dir: dir, entries: map[string]*entry{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read ledger folder: %w", err)
	}
	for _, f := range files {
		stream, ok := strings.CutSuffix(f.Name(), ledgerExt)
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		e := &entry{}
		if err == nil {
			err = json.Unmarshal(b, e)
		}
		if err != nil {
			return nil, fmt.Errorf("read ledger %s: %w (it holds only the stream's counters: move it aside to go on with counters from zero)", filepath.Join(dir, f.Name()), err)
		}
		l.entries[stream] = e
	}
	return l, nil
}

// count adds a delivered batch to its stream's totals, unless it was counted
// before a crash. When it returns nil that is durable.
func (l *ledger) count(stream string, batch lake.BatchID, became Totals, at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.entries[stream]
	if old == nil {
		old = &entry{}
	}
	if slices.Contains(old.Releasing, batch) {
		return nil
	}
	e := *old
	e.Delivered += became.Delivered
	e.Failed += became.Failed
	e.Filtered += became.Filtered
	e.Batches += became.Batches
	e.LastDelivery = at.UTC()
	e.Releasing = append(slices.Clone(e.Releasing), batch)
	if err := l.write(stream, &e); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	l.entries[stream] = &e
	return nil
}

// released forgets a batch whose log is gone. The file is written with the next
// batch: a batch id does not come back.
func (l *ledger) released(stream string, batch lake.BatchID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[stream]; e != nil {
		e.Releasing = slices.DeleteFunc(slices.Clone(e.Releasing), func(id lake.BatchID) bool { return id == batch })
	}
}

func (l *ledger) totals(stream string) Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[stream]; e != nil {
		return e.Totals
	}
	return Totals{}
}

func (l *ledger) streams() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.entries {
		names = append(names, name)
	}
	return names
}

func (l *ledger) write(stream string, e *entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return writeDurably(filepath.Join(l.dir, stream+ledgerExt), b)
}
