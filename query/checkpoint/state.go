package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"time"
)

// A State is what is remembered under a name.
type State struct {
	Name      string           `json:"name"`
	Run       int64            `json:"run"`             // of the latest committed one; 1 is the first
	Token     string           `json:"token,omitempty"` // that run's
	Committed time.Time        `json:"committed"`       // when it was
	Tables    map[string]Range `json:"tables"`          // by database.table

	// Err is why the checkpoint cannot be used: its file cannot be read.
	Err error `json:"-"`
	// Busy says that a run is under way.
	Busy bool `json:"-"`
}

// A Range is what the latest committed run that read a table read of it: the
// batches numbered after From, up to To. The next one begins after To.
type Range struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	Run  int64  `json:"run"` // that run
}

// maxNumber bounds the numbers of batches: 12 digits.
const maxNumber = 1e12 - 1

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

// CheckName says whether a checkpoint can have the name.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%w: %.80q is no name of a checkpoint: use 1 to 64 of a-z, 0-9, '_', '-' and '.', a letter or digit first", ErrInvalid, name)
	}
	return nil
}

func (s State) clone() State {
	s.Tables = maps.Clone(s.Tables)
	if s.Tables == nil {
		s.Tables = make(map[string]Range)
	}
	return s
}

// parseState reads a checkpoint's file.
func parseState(name string, b []byte) (State, error) {
	var s State
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return State{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return State{}, fmt.Errorf("something follows the object")
	}
	if s.Name != name || s.Run < 1 || len(s.Tables) == 0 {
		return State{}, fmt.Errorf("it is of the checkpoint %.80q, run %d, with %d tables", s.Name, s.Run, len(s.Tables))
	}
	for table, r := range s.Tables {
		if r.From > r.To || r.To >= maxNumber || r.Run < 1 || r.Run > s.Run {
			return State{}, fmt.Errorf("table %.80q: range %d to %d of run %d", table, r.From, r.To, r.Run)
		}
	}
	return s, nil
}
