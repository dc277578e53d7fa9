package moves

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

// A ledger is what the parameter catalogsync.ParamMoves of a table holds, as JSON:
//
//	{"epoch": "20260131T235959Z-0123456789ab",
//	 "moves": [{"id": …, "values": ["2026-01-31"], "from": …, "to": …, "owner": …,
//	            "state": "open", "landings": 2, "at": "2026-01-31T23:59:59Z",
//	            "answered": true, "asking": [{"id": …, "at": …}]}],
//	 "old":   [{"values": ["2026-01-30"], "location": …, "at": …}]}
//
// It is small: a move for each partition that is being moved, and for each one moved
// within the grace period where it was. maxOld bounds it.
type ledger struct {
	// Epoch is another one after every change but a landing.
	Epoch string `json:"epoch,omitempty"`
	Moves []move `json:"moves,omitempty"`
	// Old are locations whose files are to be deleted when the grace period is over.
	Old []old `json:"old,omitempty"`
}

// maxOld bounds how many locations wait for their deletion; no move begins past it.
// Glue takes 512,000 bytes.
const maxOld = 1000

// The states of a move.
const (
	stateOpen  = "open"  // its files are being made
	stateMoved = "moved" // the new location is the right one; the partition's is being changed
)

// A move is one of a partition.
type move struct {
	ID       string   `json:"id"`
	Values   []string `json:"values,omitempty"` // of the partition; none: the table
	From     string   `json:"from"`
	To       string   `json:"to"`
	Owner    string   `json:"owner,omitempty"` // whose it is
	State    string   `json:"state"`
	Landings int      `json:"landings,omitempty"` // counted while it was open
	// At is when it was begun or, once moved, when the owner was about to change the
	// partition's location.
	At time.Time `json:"at"`
	// Answered says that the owner was: no request of his is under way any more.
	Answered bool `json:"answered,omitempty"`
	// Asking are others who are about to change the location too, and may not have been
	// answered yet.
	Asking []asking `json:"asking,omitempty"`
}

// An asking is one who helps a move.
type asking struct {
	ID string    `json:"id"` // of this request
	At time.Time `json:"at"` // when it was about to be sent
}

// fenced reports whether a request to change the partition's location may be under way.
func (m *move) fenced(fence time.Duration) bool {
	return !m.Answered && time.Since(m.At) < fence ||
		slices.ContainsFunc(m.Asking, func(a asking) bool { return time.Since(a.At) < fence })
}

// An old location is one that nothing points to any more.
type old struct {
	Values   []string  `json:"values,omitempty"`
	Location string    `json:"location"`
	At       time.Time `json:"at"` // since when
}

func read(t lake.Table) (l ledger, err error) {
	text := t.Parameters[catalogsync.ParamMoves]
	if text == "" {
		return ledger{}, nil
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return ledger{}, fmt.Errorf("table %s: its parameter %s cannot be read: %w", t.Name, catalogsync.ParamMoves, err)
	}
	return l, nil
}

func (l ledger) write(t *lake.Table) {
	text, err := json.Marshal(l)
	if err != nil {
		panic("BUG: a ledger has no JSON: " + err.Error())
	}
	t.Parameters[catalogsync.ParamMoves] = string(text)
}

// turn begins another epoch.
func (l *ledger) turn() { l.Epoch = string(lake.NewBatchID(time.Now())) }

// of is the move of a partition, or nil.
func (l *ledger) of(values []string) *move {
	for i := range l.Moves {
		if slices.Equal(l.Moves[i].Values, values) {
			return &l.Moves[i]
		}
	}
	return nil
}

// find is the move with an id, or nil.
func (l *ledger) find(id string) *move {
	for i := range l.Moves {
		if l.Moves[i].ID == id {
			return &l.Moves[i]
		}
	}
	return nil
}

func (l *ledger) remove(id string) {
	l.Moves = slices.DeleteFunc(l.Moves, func(m move) bool { return m.ID == id })
}
