package moves_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/moves"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A world is a catalog and a store that several processes use, one operation at a time,
// in an order that a schedule says. After each operation a reader looks.
type world struct {
	table   lake.Table
	part    string // the partition's location; of a table without partitions none
	objects map[string]object
	etags   int
	// zombies are requests to change the partition's location that nobody waits for any
	// more, and that the catalog may carry out at any time.
	zombies []string
	landed  map[string]bool // rows that must be seen
	gone    map[string]bool // rows that must not be
	violate func(format string, args ...any)

	procs   []*proc
	running *proc
	choose  func(options []choice) choice
	trace   []point
}

type object struct {
	rows []string
	etag int
}

// A choice is what happens next: process n goes on or, with crash, is killed; n is -1
// for a zombie.
type choice struct {
	n     int
	crash bool
}

// A point is where there was a choice.
type point struct {
	options []choice
	taken   choice
}

// A proc is a process: it is run until its next operation.
type proc struct {
	name    string
	resume  chan bool // false: it is killed
	yielded chan bool // true: it is over
	over    bool
	again   func() // what starts in its place when it is killed; nil: nothing
	mayDie  bool
}

const root = "s3://b/d/t/"

func newWorld(partitioned bool, violate func(string, ...any)) *world {
	w := &world{
		table:   lake.Table{Name: lake.TableName{Database: "d", Table: "t"}, Location: root, Parameters: map[string]string{}},
		objects: map[string]object{}, landed: map[string]bool{}, gone: map[string]bool{}, violate: violate,
	}
	if partitioned {
		w.table.PartitionKeys = []lake.Column{{Name: "dt", Type: lake.String}}
		w.part = root + "dt=1/"
	}
	return w
}

func (w *world) location() string {
	if len(w.table.PartitionKeys) > 0 {
		return w.part
	}
	return w.table.Location
}

// spawn adds a process.
func (w *world) spawn(name string, mayDie bool, again func(), do func(ctx context.Context)) {
	p := &proc{name: name, resume: make(chan bool), yielded: make(chan bool), again: again, mayDie: mayDie}
	w.procs = append(w.procs, p)
	go func() {
		if !<-p.resume {
			return
		}
		do(context.Background())
		p.yielded <- true
	}()
}

// step is called at the beginning of every operation: it waits until it is the process's
// turn again.
func (w *world) step() {
	p := w.running
	p.yielded <- false
	if !<-p.resume {
		runtime.Goexit()
	}
}

// run has the processes run to their ends.
func (w *world) run() {
	var last *proc
	for {
		var options []choice
		at := slices.Index(w.procs, last)
		if last != nil && !last.over {
			options = append(options, choice{n: at}) // by default it goes on
		}
		for i, p := range w.procs {
			if !p.over && i != at {
				options = append(options, choice{n: i})
			}
		}
		if len(options) == 0 {
			return
		}
		for _, o := range slices.Clone(options) {
			if w.procs[o.n].mayDie && (o.n == at || last == nil) {
				options = append(options, choice{n: o.n, crash: true})
			}
		}
		if len(w.zombies) > 0 {
			options = append(options, choice{n: -1})
		}
		c := w.choose(options)
		w.trace = append(w.trace, point{options, c})
		last = w.do(c, last)
		w.look()
	}
}

func (w *world) do(c choice, last *proc) *proc {
	if c.n < 0 {
		w.part, w.zombies = w.zombies[0], w.zombies[1:]
		return last
	}
	p := w.procs[c.n]
	w.running = p
	p.resume <- !c.crash
	if c.crash {
		p.over, p.mayDie = true, false
		if p.again != nil {
			p.again()
		}
		return nil
	}
	if <-p.yielded {
		p.over = true
	}
	return p
}

// look is a reader: no row twice, and each that was landed.
func (w *world) look() {
	seen := map[string]int{}
	key, _ := w.Key(w.location())
	for k, o := range w.objects {
		if path.Dir(k)+"/" == key {
			for _, r := range o.rows {
				seen[r]++
			}
		}
	}
	for r, n := range seen {
		if n > 1 {
			w.violate("row %s is seen %d times", r, n)
		}
	}
	for r := range w.gone {
		if seen[r] > 0 {
			w.violate("row %s is seen, and was taken away", r)
		}
	}
	for r := range w.landed {
		if seen[r] == 0 {
			w.violate("row %s is not seen at %s", r, key)
		}
	}
}

func (w *world) Table(context.Context, lake.TableName) (lake.Table, error) {
	w.step()
	return w.copyTable(), nil
}

func (w *world) copyTable() lake.Table {
	t := w.table
	t.Parameters = maps.Clone(t.Parameters)
	return t
}

func (w *world) Amend(_ context.Context, _ lake.TableName, change func(t *lake.Table) error) (lake.Table, error) {
	w.step()
	t := w.copyTable()
	if err := change(&t); err != nil {
		return lake.Table{}, err
	}
	w.table = t
	return w.copyTable(), nil
}

func (w *world) Find(context.Context, lake.TableName, [][]string) ([]lake.Partition, error) {
	w.step()
	return w.partitions(), nil
}

func (w *world) partitions() []lake.Partition {
	return []lake.Partition{{Values: []string{"1"}, Location: w.part}}
}

func (w *world) Partitions(context.Context, lake.TableName, string) ([]lake.Partition, error) {
	w.step()
	return w.partitions(), nil
}

func (w *world) Register(context.Context, lake.Table, []lake.Partition) ([]lake.Partition, error) {
	w.step()
	return w.partitions(), nil
}

// Relocate may be carried out and answered, or late, without an answer.
func (w *world) Relocate(_ context.Context, _ lake.TableName, _ []string, location string) (bool, error) {
	w.step()
	w.zombies = append(w.zombies, location)
	w.step()
	if i := slices.Index(w.zombies, location); i >= 0 {
		w.zombies = slices.Delete(w.zombies, i, i+1)
		w.part = location
		return true, nil
	}
	return false, errors.New("no answer")
}

func (w *world) Key(uri string) (string, bool) { return strings.CutPrefix(uri, "s3://b/") }

func (w *world) List(_ context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		w.step()
		for _, k := range slices.Sorted(maps.Keys(w.objects)) {
			if strings.HasPrefix(k, prefix+"/") && !yield(store.Object{Key: k, Size: 1, ETag: fmt.Sprint(w.objects[k].etag)}, nil) {
				return
			}
		}
	}
}

func (w *world) Delete(_ context.Context, key string) error {
	w.step()
	delete(w.objects, key)
	return nil
}

func (w *world) put(key string, rows ...string) {
	w.step()
	w.etags++
	w.objects[key] = object{rows, w.etags}
}

// deliver is a delivery of a file with one row, from its beginning, as often as it takes.
func (w *world) deliver(ctx context.Context, id lake.BatchID) {
	for range 50 {
		t, _ := w.Table(ctx, w.table.Name)
		parts := []lake.Partition{{Location: t.Location}}
		var err error
		if len(t.PartitionKeys) > 0 {
			parts = []lake.Partition{{Values: []string{"1"}, Location: root + "dt=1/"}}
			parts, err = moves.Places(ctx, w, t, parts)
		}
		put := func(_ context.Context, parts []lake.Partition) error {
			for _, p := range parts {
				key, _ := w.Key(p.Location)
				w.put(key+id.DataFile(), string(id))
			}
			return nil
		}
		if err == nil {
			_ = put(ctx, parts)
			err = moves.Land(ctx, w, t, parts, put)
		}
		if err == nil {
			w.landed[string(id)] = true
			return
		}
	}
	w.violate("delivery %s comes to no end", id)
}

// withdraw takes away the file of a delivery that was not brought to its end, from its
// beginning, as often as it takes.
func (w *world) withdraw(ctx context.Context, id lake.BatchID) {
	for range 50 {
		t, _ := w.Table(ctx, w.table.Name)
		parts := []lake.Partition{{Location: t.Location}}
		if len(t.PartitionKeys) > 0 {
			parts = []lake.Partition{{Values: []string{"1"}, Location: root + "dt=1/"}}
		}
		remove := func(ctx context.Context, parts []lake.Partition) error {
			for _, p := range parts {
				key, _ := w.Key(p.Location)
				_ = w.Delete(ctx, key+id.DataFile())
			}
			return nil
		}
		_ = remove(ctx, parts)
		if moves.Withdraw(ctx, w, t, parts, remove) == nil {
			w.gone[string(id)] = true
			return
		}
	}
	w.violate("withdrawal of %s comes to no end", id)
}

// update changes a partition's columns: it writes where the partition is along.
func (w *world) update(ctx context.Context) {
	const id = "20260131T235959Z-00000000beef"
	announced := false
	_, _ = w.Amend(ctx, w.table.Name, func(t *lake.Table) (err error) {
		announced, err = catalogsync.Announce(t, id, [][]string{{"1"}})
		return err
	})
	if !announced {
		return
	}
	parts, _ := w.Find(ctx, w.table.Name, nil)
	if answered, _ := w.Relocate(ctx, w.table.Name, nil, parts[0].Location); !answered {
		return
	}
	_, _ = w.Amend(ctx, w.table.Name, func(t *lake.Table) error { return catalogsync.Retract(t, id) })
}

// A merger makes one file of those there are, which were landed; as compaction it leaves
// alone what was not.
type merger struct {
	w *world
	n int
}

func (m merger) Make(_ context.Context, folder string, objects []store.Object) (used []store.Object, err error) {
	var rows []string
	for _, o := range objects {
		m.w.step()
		have, ok := m.w.objects[o.Key]
		if !ok {
			return nil, errors.New("gone")
		}
		if slices.ContainsFunc(have.rows, func(r string) bool { return !m.w.landed[r] }) {
			continue
		}
		rows, used = append(rows, have.rows...), append(used, o)
	}
	if len(used) > 0 {
		m.w.put(fmt.Sprintf("%s/merged-%d", folder, m.n), rows...)
	}
	return used, nil
}

func (m merger) Copy(_ context.Context, folder string, o store.Object) error {
	m.w.step()
	have, ok := m.w.objects[o.Key]
	if !ok {
		return errors.New("gone")
	}
	m.w.put(folder+"/"+path.Base(o.Key), have.rows...)
	return nil
}

func (merger) Ready(context.Context) error { return nil }

// compact is a run of a compactor.
func (w *world) compact(ctx context.Context, n int, fence time.Duration) {
	m := moves.New(moves.Config{Catalog: w, Store: w, Owner: fmt.Sprint(n), Fence: fence, Grace: 24 * time.Hour, Pause: 1})
	_, _ = m.Sweep(ctx, w.table.Name)
	t, _ := w.Table(ctx, w.table.Name)
	p := lake.Partition{Location: t.Location}
	if len(t.PartitionKeys) > 0 {
		parts, _ := w.Partitions(ctx, w.table.Name, "")
		p = parts[0]
	}
	_ = m.Move(ctx, t, p, merger{w, n})
}
