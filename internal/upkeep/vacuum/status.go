package vacuum

import "sluice/internal/lake"

// A Status is how far a look over the lake is.
type Status struct {
	// Table is the one that is looked at, the Number-th of Of, from 1. Before the first, when
	// unfinished uploads are looked at, Number is 0.
	Table      lake.TableName
	Number, Of int
	Listed     int // objects that were looked at
	// Of what was removed; that comes when all tables were looked at.
	Removed int
	Bytes   int64
}

// Status is how far the look is; ok is false where there is none.
func (v *Vacuum) Status() (s Status, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status, v.looking
}

// told changes the status.
func (v *Vacuum) told(change func(s *Status)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.status)
}

// begun says that a look begins, or that there is none any more.
func (v *Vacuum) begun(is bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looking, v.status = is, Status{}
}
