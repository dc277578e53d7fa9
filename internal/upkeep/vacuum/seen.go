package vacuum

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sluice/internal/lake"
)

// seen is since when folders are unregistered, by key.
type seen struct {
	Folders map[string]time.Time `json:"folders"`
}

const seenFile = "seen.json"

// readSeen reads what earlier looks found. What cannot be read is as if it were not
// there: every folder waits anew.
func (v *Vacuum) readSeen() (seen, error) {
	s := seen{Folders: map[string]time.Time{}}
	text, err := os.ReadFile(filepath.Join(v.cfg.Dir, seenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Folders == nil {
		v.cfg.Log.Warn("what was unregistered when is not known any more: everything waits anew", "file", filepath.Join(v.cfg.Dir, seenFile), "error", err)
		return seen{Folders: map[string]time.Time{}}, nil
	}
	return s, nil
}

// writeSeen replaces the file; if we crash in between, it is what it was.
func (v *Vacuum) writeSeen(s seen) error {
	text, err := json.Marshal(s)
	if err != nil {
		panic("BUG: what was seen has no JSON: " + err.Error())
	}
	if err := lake.ReplaceFile(filepath.Join(v.cfg.Dir, seenFile), text); err != nil {
		return fmt.Errorf("remember what is unregistered: %w", err)
	}
	return nil
}
