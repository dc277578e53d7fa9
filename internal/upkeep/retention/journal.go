package retention

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluice/internal/lake"
)

// The states of an entry.
const (
	stateDropping = "dropping" // some may be registered
	stateDropped  = "dropped"
)

// An entry of the journal is partitions that were dropped together.
type entry struct {
	State string           `json:"state"`
	Table lake.TableName   `json:"table"`
	Parts []lake.Partition `json:"parts"`
	// Before bounds the objects: those modified before it are to be deleted.
	Before time.Time `json:"before"`
	// Due is from when on.
	Due time.Time `json:"due"`
}

const journalExt = ".json"

// readJournal reads the entries, by id.
func readJournal(dir string, log *slog.Logger) (map[string]entry, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]entry{}
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		id, ok := strings.CutSuffix(f.Name(), journalExt)
		if !ok {
			os.Remove(path) // half written
			continue
		}
		text, err := os.ReadFile(path)
		var e entry
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err == nil && e.State != stateDropped && e.State != stateDropping {
			err = fmt.Errorf("unknown state %q", e.State)
		}
		switch {
		case err != nil:
			log.Error("an entry of the journal of retention cannot be read: the objects of the partitions in it stay", "path", path, "error", err)
		default:
			out[id] = e
		}
	}
	return out, nil
}

// note makes an entry durable. If we crash before the rename, it is what it was.
func (r *Reaper) note(id string, e entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		panic("BUG: an entry has no JSON: " + err.Error())
	}
	if err := lake.ReplaceFile(filepath.Join(r.cfg.Dir, id+journalExt), text); err != nil {
		return fmt.Errorf("note what retention drops: %w", err)
	}
	return nil
}

// strike takes an entry out.
func (r *Reaper) strike(id string) error {
	err := os.Remove(filepath.Join(r.cfg.Dir, id+journalExt))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = lake.SyncDir(r.cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("strike what retention dropped: %w", err)
	}
	return nil
}
