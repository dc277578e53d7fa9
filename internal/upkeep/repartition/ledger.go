package repartition

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"sluice/internal/lake"
)

// A ledger is which files' rows are in the new table; see the package's doc.
type ledger struct {
	ID   string           `json:"id"`
	From string           `json:"from"`
	Into string           `json:"into"`
	Done map[string]int64 `json:"done"` // rows by file
	// Write is the statement that has the files in Begun, empty: none.
	Write lake.WriteID     `json:"write,omitempty"`
	Begun map[string]int64 `json:"begun,omitempty"`

	path string
	old  bool // it was there
}

func (r *Rewriter) path(from, into lake.TableName) string {
	return filepath.Join(r.cfg.Dir, from.String()+"--"+into.String()+".json")
}

func (r *Rewriter) ledger(from, into lake.TableName) (*ledger, error) {
	l := &ledger{ID: rand.Text(), From: from.String(), Into: into.String(), Done: map[string]int64{}, path: r.path(from, into)}
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(text, l)
	}
	if err != nil {
		return nil, fmt.Errorf("read what was rewritten: %w", err)
	}
	if l.From != from.String() || l.Into != into.String() {
		return nil, fmt.Errorf("read what was rewritten: %s is of %s and %s", l.path, l.From, l.Into)
	}
	l.old = true
	return l, nil
}

func (l *ledger) save() error {
	text, err := json.Marshal(l)
	if err != nil {
		panic("BUG: a ledger has no JSON: " + err.Error())
	}
	if err := lake.ReplaceFile(l.path, text); err != nil {
		return fmt.Errorf("note what is rewritten: %w", err)
	}
	l.old = true
	return nil
}

// settle notes what became of the statement that the ledger has begun.
func (r *Rewriter) settle(l *ledger) error {
	if l.Write == "" {
		return nil
	}
	if r.cfg.Engine.Writing(l.Write) {
		return fmt.Errorf("the statement %s was interrupted, and cannot be brought to its end yet: try again", l.Write)
	}
	if !r.cfg.Engine.Written(l.Write) {
		l.Begun = nil
	}
	return r.done(l)
}

// done notes that the files of the statement are in the new table. If we crash before
// the engine has forgotten the statement, the ledger still names it, without files, and
// the next run has it forgotten.
func (r *Rewriter) done(l *ledger) error {
	maps.Copy(l.Done, l.Begun)
	l.Begun = nil
	if err := l.save(); err != nil {
		return err
	}
	if err := r.cfg.Engine.ForgetWrite(l.Write); err != nil {
		return err
	}
	l.Write = ""
	return nil
}
