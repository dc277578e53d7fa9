package write

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"sluice/internal/lake"
	"sluice/query/checkpoint"
)

// The states of an entry.
const (
	stateUpload   = "upload"   // objects may be missing: to be undone
	stateRegister = "register" // all objects are there: to be registered
	stateDone     = "done"     // it came to its end, which is remembered for who asks
)

// An entry of the journal is what a statement puts and registers.
type entry struct {
	State string   `json:"state"`
	Keys  []string `json:"keys"` // of the objects
	// Make is set where the statement makes the table.
	Make       bool             `json:"make,omitempty"`
	Table      lake.Table       `json:"table"` // no name: nothing is registered
	Partitions []lake.Partition `json:"partitions,omitempty"`
	// Into are the partitions of a table that there was, the new ones among them, to
	// which rows are added, where they were then; of a table without partitions one
	// without values.
	Into []lake.Partition `json:"into,omitempty"`
	// Keep has the end of the statement remembered.
	Keep bool `json:"keep,omitempty"`
	// Pledge is of the checkpoint that moves with the statement.
	Pledge *checkpoint.Pledge `json:"pledge,omitempty"`

	// failed says that whoever asked was told so: it is undone, whatever the journal
	// says as long as that cannot be changed.
	failed bool
}

const journalExt = ".json"

// readJournal reads the entries in a folder. What cannot be read stays where it is
// and is said: it is no reason not to start.
func readJournal(dir string, log *slog.Logger) (map[lake.WriteID]entry, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := make(map[lake.WriteID]entry)
	for _, f := range files {
		id, ok := lake.ParseWriteID(strings.TrimSuffix(f.Name(), journalExt))
		if !ok || !strings.HasSuffix(f.Name(), journalExt) {
			continue
		}
		path := filepath.Join(dir, f.Name())
		text, err := os.ReadFile(path)
		var e entry
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err != nil {
			log.Error("an entry of the journal of SQL writes cannot be read: what its statement wrote is not brought to an end", "path", path, "err", err)
			continue
		}
		out[id] = e
	}
	return out, nil
}

func (w *Writer) entryPath(id lake.WriteID) string {
	return filepath.Join(w.cfg.Journal, string(id)+journalExt)
}

// note makes the entry durable: written under another name, synced, and renamed. If
// we crash before the rename, the entry is what it was.
func (w *Writer) note(id lake.WriteID, e entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		panic("BUG: an entry has no JSON: " + err.Error())
	}
	if err := lake.ReplaceFile(w.entryPath(id), text); err != nil {
		return fmt.Errorf("note what is written: %w", err)
	}
	return nil
}

// keep has the entry say that the statement came to its end, where somebody will ask.
func (w *Writer) keep(id lake.WriteID) error {
	if err := w.note(id, entry{State: stateDone}); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[id] = true
	return nil
}

// Done reports whether the INSERT with the id of a job came to its end: all of its rows
// are in the table. What a crash interrupted has none before Sweep has brought it to one.
func (w *Writer) Done(id lake.WriteID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[id]
}

// Forget lets go of what Done tells.
func (w *Writer) Forget(id lake.WriteID) error {
	if !w.Done(id) {
		return nil
	}
	if err := w.strike(id); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.kept, id)
	return nil
}

// strike takes the entry out: the statement is at an end.
func (w *Writer) strike(id lake.WriteID) error {
	err := os.Remove(w.entryPath(id))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = lake.SyncDir(w.cfg.Journal)
	}
	if err != nil {
		return fmt.Errorf("strike what was written from the journal: %w", err)
	}
	return nil
}
