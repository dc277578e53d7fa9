package retention

import "sluice/internal/lake"

// A Status is how far a table's partitions are dropped, or the objects of dropped ones
// deleted.
type Status struct {
	Table lake.TableName
	// Partitions are those that are done, of Of; of a table whose partitions are still
	// looked at Of is 0.
	Partitions, Of int
	// Objects and Bytes of them are deleted; while partitions are dropped, none are.
	Objects int
	Bytes   int64
}

// Status is what is being done; ok is false where nothing is.
func (r *Reaper) Status() (s Status, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status, r.status.Table.Table != ""
}

func (r *Reaper) tell(s Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = s
}

// told changes the status.
func (r *Reaper) told(change func(s *Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
}
