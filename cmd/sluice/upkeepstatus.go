package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/progress"
	"sluice/partitioner"

	"github.com/spf13/cobra"
)

// An upkeepStatus is what is being compacted, rewritten, dropped or looked at. GET of the
// call that began it gives it.
type upkeepStatus struct {
	Running   bool   `json:"running"`
	Table     string `json:"table,omitempty"`
	Into      string `json:"into,omitempty"`
	Partition string `json:"partition,omitempty"`
	// Number is that of the partition or the table, as Unit says, among so many.
	Unit    string    `json:"unit,omitempty"`
	Number  int       `json:"number,omitempty"`
	Of      int       `json:"of,omitempty"`
	Done    int64     `json:"done_bytes"` // merged, brought over or deleted
	Total   int64     `json:"total_bytes"`
	Listed  int       `json:"listed_objects,omitempty"`
	Deleted int       `json:"deleted_objects,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

const unitPartition, unitTable = "partition", "table"

func (s *service) compactStatus(ctx context.Context) upkeepStatus {
	c, ok := s.compactor.Status()
	if !ok {
		return upkeepStatus{}
	}
	out := upkeepStatus{Running: true, Table: c.Table.String(), Unit: unitPartition, Number: c.Number, Of: c.Of, Done: c.Done, Total: c.Total, Since: c.Since}
	if t, err := s.catalog.Table(ctx, c.Table); err == nil && len(t.PartitionKeys) == len(c.Partition) {
		out.Partition = partitioner.Path(t.PartitionKeys, c.Partition)
	}
	return out
}

func (s *service) repartitionStatus(context.Context) upkeepStatus {
	r, ok := s.repartitions.Status()
	if !ok {
		return upkeepStatus{}
	}
	return upkeepStatus{Running: true, Table: r.From.String(), Into: r.Into.String(), Done: r.Done, Total: r.Total}
}

func (s *service) retentionStatus(context.Context) upkeepStatus {
	r, ok := s.retention.Status()
	if !ok {
		return upkeepStatus{}
	}
	return upkeepStatus{Running: true, Table: r.Table.String(), Unit: unitPartition, Number: r.Partitions, Of: r.Of, Done: r.Bytes, Deleted: r.Objects}
}

func (s *service) vacuumStatus(context.Context) upkeepStatus {
	v, ok := s.vacuum.Status()
	if !ok {
		return upkeepStatus{}
	}
	out := upkeepStatus{Running: true, Unit: unitTable, Number: v.Number, Of: v.Of, Done: v.Bytes, Listed: v.Listed, Deleted: v.Removed}
	if v.Number > 0 {
		out.Table = v.Table.String()
	}
	return out
}

// text is the status for a line on a terminal.
func (u upkeepStatus) text() string {
	text := []string{cmp.Or(u.Partition, u.Table)}
	if u.Of > 1 {
		text = append(text, fmt.Sprintf("%s %d of %d", u.Unit, u.Number, u.Of))
	}
	if u.Listed > 0 {
		text = append(text, fmt.Sprintf("%d objects looked at", u.Listed))
	}
	if u.Deleted > 0 {
		text = append(text, fmt.Sprintf("%d deleted", u.Deleted))
	}
	return strings.Join(slices.DeleteFunc(text, func(t string) bool { return t == "" }), ", ")
}

// serveStatus answers GET of an errand.
func (e errand) serveStatus(s *service) http.Handler {
	return s.adminOnly(e.what, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(e.status(s, r.Context())) // a client that is gone hears nothing
	}))
}

// lookEvery is between looks at the status.
const lookEvery = time.Second

// A watch shows how far an errand is, on standard error.
type watch struct {
	bar    *progress.Bar
	mu     sync.Mutex
	status string // guarded by mu
}

func newWatch(label string, quiet bool) *watch {
	w := &watch{}
	w.bar = progress.New(os.Stderr, progress.Config{Label: label, Quiet: quiet, Status: func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.status
	}})
	return w
}

// follow shows the status until stop is called.
func (w *watch) follow(ctx context.Context, look func(ctx context.Context) (upkeepStatus, error)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	hide := w.bar.Start()
	go func() {
		defer close(gone)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			if s, err := look(ctx); err == nil {
				w.show(s)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		cancel()
		<-gone
		hide()
	}
}

func (w *watch) show(s upkeepStatus) {
	w.mu.Lock()
	w.status = s.text()
	w.mu.Unlock()
	w.bar.Set(s.Done, s.Total)
}

// upkeepMemory is from which size on garbage is collected more often by a process that
// compacts and does nothing else. What is in use takes less.
const upkeepMemory = 320 << 20

// watched runs an errand and shows meanwhile how far it is.
func (e errand) watched(o *options, c *cobra.Command, server string, quiet bool, req, out any, do func(ctx context.Context, s *service) error) error {
	label, _, _ := strings.Cut(c.Use, " ")
	w := newWatch(label, quiet)
	e.asking = func(ctx context.Context, server string, h *http.Client) func() {
		return w.follow(ctx, func(ctx context.Context) (s upkeepStatus, err error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(server, "/")+e.path, nil)
			if err != nil {
				return s, err
			}
			resp, err := h.Do(r)
			if err != nil {
				return s, err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return s, fmt.Errorf("%s", resp.Status)
			}
			return s, json.NewDecoder(resp.Body).Decode(&s)
		})
	}
	return e.run(o, c, server, req, out, func(ctx context.Context, s *service) error {
		if os.Getenv("GOMEMLIMIT") == "" { // nothing else is done here
			debug.SetMemoryLimit(upkeepMemory)
		}
		defer w.follow(ctx, func(ctx context.Context) (upkeepStatus, error) { return e.status(s, ctx), nil })()
		return do(ctx, s)
	})
}
