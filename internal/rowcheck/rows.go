// Package rowcheck checks, for tests, what readers of a table see while it is written to and
// its files are made anew: each row once.
package rowcheck

import (
	"fmt"
	"maps"
	"sync"
)

// Rows are the rows of a table, by their ids. The zero value has none.
type Rows struct {
	mu   sync.Mutex
	may  map[int]bool // those that a reader may see; guarded by mu
	must map[int]bool // those that every reader must see; guarded by mu
}

// Sent says that the n rows from an id on are about to be written.
func (r *Rows) Sent(from, n int) { r.mark(&r.may, from, n) }

// Landed says that they are: every read that begins from now on must see them.
func (r *Rows) Landed(from, n int) { r.mark(&r.must, from, n) }

func (r *Rows) mark(set *map[int]bool, from, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *set == nil {
		*set = map[int]bool{}
	}
	for i := range n {
		(*set)[from+i] = true
	}
}

// Count is how many rows were sent, and how many of them landed.
func (r *Rows) Count() (sent, landed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.may), len(r.must)
}

// Check is an error if a read does not see what it must, sees a row twice, or one that
// was never sent.
func (r *Rows) Check(read func() (ids []int, err error)) error {
	r.mu.Lock()
	must := maps.Clone(r.must)
	r.mu.Unlock()
	ids, err := read()
	if err != nil {
		return err
	}
	seen := make(map[int]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return fmt.Errorf("row %d is seen twice", id)
		}
		seen[id] = true
	}
	for id := range must {
		if !seen[id] {
			return fmt.Errorf("row %d is not seen", id)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range seen {
		if !r.may[id] {
			return fmt.Errorf("row %d was never sent", id)
		}
	}
	return nil
}
