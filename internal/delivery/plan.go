package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"sluice/internal/lake"
)

// A plan is which objects a batch's attempts have put, or were about to put, into
// the store. Which records there are and where they go is fixed in the log when
// the batch is sealed, so nearly always every attempt makes the same objects. Not
// always: in strict mode a table that gained a column with another type in between
// turns a row into a failure, and the object it was in may not come again. So the
// plan is durable before the first upload, and an attempt removes what an earlier
// one put and it does not, and what a move made of it: see withdraw.
//
// If we crash before the plan is written nothing was uploaded; after, the next
// attempt knows of every object that may be there. It is removed after the batch's
// log; one that a crash leaves behind names a batch that never comes back, and Open
// removes it.
type plan struct {
	Objects []string `json:"objects"` // keys, sorted
	// Values are the partitions of those that are data files of a table with partition
	// keys; older plans lack them.
	Values map[string][]string `json:"values,omitempty"`
}

func (d *Deliverer) planPath(id lake.BatchID) string {
	return filepath.Join(d.cfg.Plans, string(id)+".json")
}

// plan writes down that the objects are about to be put, beside those of earlier
// attempts, and returns the earlier ones that are not among them. The objects' values
// are as in a plan.
func (d *Deliverer) plan(id lake.BatchID, objects []string, values map[string][]string) (stale plan, err error) {
	var p plan
	before, err := os.ReadFile(d.planPath(id))
	if err == nil {
		err = json.Unmarshal(before, &p)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return stale, fmt.Errorf("read plan: %w", err)
	}
	stale.Values = map[string][]string{}
	all := plan{Values: maps.Clone(values)}
	for _, key := range p.Objects {
		if slices.Contains(objects, key) {
			continue
		}
		stale.Objects = append(stale.Objects, key)
		if v, ok := p.Values[key]; ok {
			stale.Values[key], all.Values[key] = v, v
		}
	}
	all.Objects = slices.Concat(objects, stale.Objects)
	slices.Sort(all.Objects)
	after, err := json.Marshal(all)
	if err != nil {
		return stale, fmt.Errorf("marshal plan: %w", err)
	}
	if bytes.Equal(after, before) {
		return stale, nil
	}
	if err := writeDurably(d.planPath(id), after); err != nil {
		return stale, fmt.Errorf("write plan: %w", err)
	}
	return stale, nil
}

func (d *Deliverer) forgetPlan(id lake.BatchID) {
	if err := os.Remove(d.planPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("plan of a delivered batch not removed", "batch", id, "error", err)
	}
}

// dropPlans removes the plans of batches that are no more, and what a crash left
// half written.
func (d *Deliverer) dropPlans() error {
	if err := os.MkdirAll(d.cfg.Plans, 0o755); err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, b := range d.cfg.Log.Sealed() {
		keep[string(b.ID)+".json"] = true
	}
	entries, err := os.ReadDir(d.cfg.Plans)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if err := os.Remove(filepath.Join(d.cfg.Plans, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeDurably replaces a file as a whole: aside, synced, renamed, folder synced.
func writeDurably(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".aside-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
