package dedupe

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"

	"sluice/buffer"
	"sluice/internal/lake"
)

// stateFile, in a stream's folder, holds a savedState. It is replaced as a whole.
const stateFile = "state.json"

// A savedState is what a stream's files do not say: how many duplicates there
// were, and up to where the log was read into them.
type savedState struct {
	Duplicates int64 `json:"duplicates"`
	// Covered are the batches of the log whose keys were in files, as they were
	// then, for Field and the windows as these were then.
	Covered       map[lake.BatchID]extent `json:"covered,omitempty"`
	Field         string                  `json:"field,omitempty"`
	FieldWindow   uint32                  `json:"field_window"`
	RequestWindow uint32                  `json:"request_window"`
}

// An extent is how far a batch goes. A batch that has the same extent again has
// the same records: it only grows, and when it was damaged and salvaged there is
// less of it.
type extent struct {
	End     int64 `json:"end"`
	Records int64 `json:"records"`
}

func (s *stream) fieldName() string {
	if s.field == nil {
		return ""
	}
	return hex.EncodeToString(s.field.salt[:])
}

// covers reports whether a batch need not be read.
func (st *savedState) covers(s *stream, b *buffer.SnapshotBatch) bool {
	return st.Covered[b.ID] == extent{b.End, b.Records} && st.Field == s.fieldName() &&
		st.FieldWindow >= s.fields.window && st.RequestWindow >= s.requests.window
}

// loadState reads the state file, and the tally. A state that cannot be understood
// leaves the counter to the tally, and is said; the log is then read as a whole.
func (s *stream) loadState() (st savedState, err error) {
	s.loadTally()
	b, err := buffer.ReadFile(s.f.fs, filepath.Join(s.dir, stateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return st, nil
	case err != nil:
		return st, fmt.Errorf("read state: %w", err)
	}
	if err := json.Unmarshal(b, &st); err != nil {
		s.f.log.Error("the state of deduplication is damaged: its counter is what the file duplicates has", "stream", s.name,
			"path", filepath.Join(s.dir, stateFile), "error", err)
		st = savedState{}
	}
	s.mu.Lock()
	s.duplicates = max(s.duplicates, st.Duplicates)
	s.mu.Unlock()
	s.saved = st
	return st, nil
}

// saveState makes the state durable, if it is another than the last; flushing is
// held, and all keys of the batches are in files.
func (s *stream) saveState(covered map[lake.BatchID]extent) error {
	s.mu.Lock()
	st := savedState{
		Duplicates: s.duplicates, Covered: covered, Field: s.fieldName(), FieldWindow: s.fields.window, RequestWindow: s.requests.window,
	}
	s.mu.Unlock()
	if st.same(&s.saved) {
		return nil
	}
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, stateFile)
	if err := s.replaceFile(path, b); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	s.saved = st
	return nil
}

func (st *savedState) same(other *savedState) bool {
	return st.Duplicates == other.Duplicates && st.Field == other.Field && st.FieldWindow == other.FieldWindow &&
		st.RequestWindow == other.RequestWindow && maps.Equal(st.Covered, other.Covered)
}

// replaceFile writes a file aside and gives it its name. If we crash in between, it
// is the old one or the new one.
func (s *stream) replaceFile(path string, content []byte) error {
	aside := path + asideExt
	fsys := s.f.fs
	if err := fsys.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(aside)
	if err != nil {
		return err
	}
	err = f.WriteVec([][]byte{content}, 0)
	if err == nil {
		err = f.Sync()
	}
	f.Close() // synced
	if err == nil {
		err = fsys.Rename(aside, path)
	}
	if err != nil {
		fsys.Remove(aside) // if it stays, the next Open removes it
		return err
	}
	return fsys.SyncDir(s.dir)
}
