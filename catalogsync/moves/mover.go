package moves

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A Store is where the files are.
type Store interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	Delete(ctx context.Context, key string) error
	Key(uri string) (key string, ok bool)
}

// A MoverCatalog is what moving needs beside landing; *catalogsync.Catalog is one.
type MoverCatalog interface {
	Catalog
	Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error)
}

// A Config is what a Mover works with.
type Config struct {
	Catalog MoverCatalog
	Store   Store
	// Owner is the same after a restart, and no other process that is alive has it: what
	// it left open is canceled at once.
	Owner string
	// Grace is for how long files stay where a partition was; default 1 h. No query may
	// take longer.
	Grace time.Duration
	// Lease is after how long another's open move is canceled; default 2 h.
	Lease time.Duration
	// Fence is for how long a request to the catalog may be under way: see the package's
	// doc. Default 20 min.
	Fence time.Duration
	Pause time.Duration // between looks at what a move waits for; default 200 ms
	Log   *slog.Logger
}

// A Mover moves partitions.
type Mover struct {
	cfg Config

	mu    sync.Mutex
	alive map[string]bool // ids of moves under way in this process; guarded by mu
}

// New makes one.
func New(cfg Config) *Mover {
	if cfg.Grace == 0 {
		cfg.Grace = time.Hour
	}
	if cfg.Lease == 0 {
		cfg.Lease = 2 * time.Hour
	}
	if cfg.Fence == 0 {
		cfg.Fence = catalogsync.RequestFence
	}
	if cfg.Pause == 0 {
		cfg.Pause = 200 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Mover{cfg: cfg, alive: map[string]bool{}}
}

// ErrBusy says that the partition is being moved already, or was a moment ago; ErrGone
// that it is not where it was thought to be, or that its files changed while others were
// made of them. Nothing has happened, and it can be tried again later.
var (
	ErrBusy = errors.New("the partition is being moved already")
	ErrGone = errors.New("the partition's files changed meanwhile")
)

// A Rewrite makes the files of a partition anew.
type Rewrite interface {
	// Make is given the objects of the partition and the key of the folder to which it
	// moves. It puts files there and returns the objects that went into them.
	Make(ctx context.Context, folder string, objects []store.Object) (used []store.Object, err error)
	// Copy puts an object that went into none there, under the name that it has. It may be
	// asked to again when the object was replaced.
	Copy(ctx context.Context, folder string, o store.Object) error
	// Ready is called before others are shown the new files.
	Ready(ctx context.Context) error
}

// Move makes the files of a partition anew at another location. Of a table without
// partitions p is one without values at the table's location.
func (m *Mover) Move(ctx context.Context, table lake.Table, p lake.Partition, rewrite Rewrite) error {
	id := string(lake.NewBatchID(time.Now()))
	to, ok := lake.MovedLocation(table.Location, p.Location, id)
	if !ok {
		return fmt.Errorf("partition %q of %s lies at %s, outside its table's folder %s", p.Values, table.Name, p.Location, table.Location)
	}
	mv := move{ID: id, Values: p.Values, From: p.Location, To: to, Owner: m.cfg.Owner, State: stateOpen, At: time.Now().UTC()}
	m.live(id, true)
	defer m.live(id, false)
	if err := m.begin(ctx, table.Name, mv); err != nil {
		return err
	}
	if err := m.upToCommit(ctx, table, mv, rewrite); err != nil {
		// Also when ctx is why: what cannot be canceled now is by a later Sweep.
		late, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer stop()
		if cancelErr := m.cancel(late, table.Name, mv); cancelErr != nil {
			m.cfg.Log.Warn("a move that failed is not canceled yet", "table", table.Name.String(), "partition", p.Values, "move", id, "error", cancelErr)
		}
		return err
	}
	if len(table.PartitionKeys) == 0 {
		return nil
	}
	return m.finish(context.WithoutCancel(ctx), table.Name, mv)
}

func (m *Mover) live(id string, is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if is {
		m.alive[id] = true
	} else {
		delete(m.alive, id)
	}
}

// change changes a table's ledger.
func (m *Mover) change(ctx context.Context, name lake.TableName, do func(t *lake.Table, l *ledger) error) error {
	_, err := m.cfg.Catalog.Amend(ctx, name, func(t *lake.Table) error {
		l, err := read(*t)
		if err != nil {
			return err
		}
		if err := do(t, &l); err != nil {
			return err
		}
		l.write(t)
		return nil
	})
	return err
}

func (m *Mover) begin(ctx context.Context, name lake.TableName, mv move) error {
	return m.change(ctx, name, func(t *lake.Table, l *ledger) error {
		have := l.of(mv.Values)
		switch {
		case have != nil && have.ID == mv.ID: // written, the answer was lost
			return nil
		case Held(*t) != "":
			return fmt.Errorf("table %s is being %s: %w", name, Held(*t), ErrBusy)
		case have != nil:
			return ErrBusy
		case len(l.Old) >= maxOld:
			return fmt.Errorf("table %s: %d locations wait for their files to be deleted", name, len(l.Old))
		}
		l.Moves = append(l.Moves, mv)
		l.turn()
		return nil
	})
}

// where is the partition's location now; "" when it is not there.
func (m *Mover) where(ctx context.Context, name lake.TableName, values []string) (string, error) {
	if len(values) == 0 {
		t, err := m.cfg.Catalog.Table(ctx, name)
		return t.Location, err
	}
	found, err := m.cfg.Catalog.Find(ctx, name, [][]string{values})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].Location, nil
}

func (m *Mover) upToCommit(ctx context.Context, table lake.Table, mv move, rewrite Rewrite) error {
	// After the begin: no other move of it can begin now.
	if at, err := m.where(ctx, table.Name, mv.Values); err != nil || at != mv.From {
		return errors.Join(err, ErrGone)
	}
	folder, ok := m.cfg.Store.Key(mv.To)
	if !ok {
		return fmt.Errorf("the location %s is not in the lake", mv.To)
	}
	folder = strings.TrimSuffix(folder, "/")
	first, err := m.list(ctx, mv.From)
	if err != nil {
		return err
	}
	used, err := rewrite.Make(ctx, folder, slices.Collect(maps.Values(first)))
	if err != nil {
		return err
	}
	merged := map[string]store.Object{}
	for _, o := range used {
		merged[o.Key] = o
	}
	copied := map[string]store.Object{}
	for range maxTries {
		done, err := m.tryCommit(ctx, table, mv, folder, merged, copied, rewrite)
		if done || err != nil {
			return err
		}
	}
	return ErrBusy
}

// maxTries bounds how often a move is about to be committed, and files are put or
// columns changed just then; waiting for one who changes columns, it is some 20 s.
const maxTries = 100

// list are the visible objects right at a location, by key. Those below it are an
// error: readers differ in whether they see them.
func (m *Mover) list(ctx context.Context, location string) (map[string]store.Object, error) {
	key, ok := m.cfg.Store.Key(location)
	if !ok {
		return nil, fmt.Errorf("the location %s is not in the lake", location)
	}
	key = strings.TrimSuffix(key, "/")
	out := map[string]store.Object{}
	for o, err := range m.cfg.Store.List(ctx, key) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", location, err)
		}
		name := strings.TrimPrefix(o.Key, key+"/")
		if hidden(name) || o.Size == 0 {
			continue
		}
		if strings.Contains(name, "/") {
			return nil, fmt.Errorf("%s has files in folders below it, such as %s", location, name)
		}
		out[o.Key] = o
	}
	return out, nil
}

func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// errAgain says that files were put meanwhile, errUpdating that columns of the table's
// partitions are being changed.
var (
	errAgain    = errors.New("files were put meanwhile")
	errUpdating = errors.New("partitions of the table are being updated")
)

// pause waits for an update of partitions to be over.
func (m *Mover) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(m.cfg.Pause):
		return nil
	}
}

// tryCommit does steps 3 and 4.
func (m *Mover) tryCommit(ctx context.Context, table lake.Table, mv move, folder string, merged, copied map[string]store.Object, rewrite Rewrite) (bool, error) {
	t, err := m.cfg.Catalog.Table(ctx, table.Name)
	if err != nil {
		return false, err
	}
	l, err := read(t)
	if err != nil {
		return false, err
	}
	mine := l.find(mv.ID)
	if mine == nil || mine.State != stateOpen {
		return false, fmt.Errorf("somebody canceled the move: %w", ErrGone)
	}
	landings := mine.Landings
	if err := m.carry(ctx, mv, folder, merged, copied, rewrite); err != nil {
		return false, err
	}
	if err := rewrite.Ready(ctx); err != nil {
		return false, err
	}
	err = m.change(ctx, table.Name, func(t *lake.Table, l *ledger) error {
		mine := l.find(mv.ID)
		switch {
		case mine == nil && len(mv.Values) == 0 && t.Location == mv.To, mine != nil && mine.State == stateMoved:
			return nil // it was written, and the answer was lost
		case mine == nil:
			return fmt.Errorf("somebody canceled the move: %w", ErrGone)
		case mine.Landings != landings:
			return errAgain
		case len(mv.Values) > 0:
			if updating, err := catalogsync.Updating(t, m.cfg.Fence); err != nil || updating {
				return errors.Join(err, errUpdating)
			}
		case t.Location != mv.From:
			return ErrGone
		}
		if len(mv.Values) == 0 {
			t.Location = mv.To
			l.remove(mv.ID)
			l.Old = append(l.Old, old{Location: mv.From, At: time.Now().UTC()})
		} else {
			mine.State, mine.At = stateMoved, time.Now().UTC()
		}
		l.turn()
		return nil
	})
	if errors.Is(err, errAgain) {
		return false, nil
	}
	if errors.Is(err, errUpdating) {
		return false, m.pause(ctx)
	}
	return err == nil, err
}

// carry copies what is new at the old location.
func (m *Mover) carry(ctx context.Context, mv move, folder string, merged, copied map[string]store.Object, rewrite Rewrite) error {
	now, err := m.list(ctx, mv.From)
	if err != nil {
		return err
	}
	for key, o := range merged {
		if have, ok := now[key]; !ok || have.ETag != o.ETag || have.Size != o.Size {
			return fmt.Errorf("%s: %w", path.Base(key), ErrGone)
		}
	}
	for key := range copied {
		if _, ok := now[key]; !ok {
			return fmt.Errorf("%s: %w", path.Base(key), ErrGone)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		o := now[key]
		if _, ok := merged[key]; ok || copied[key].ETag == o.ETag {
			continue
		}
		if err := rewrite.Copy(ctx, folder, o); err != nil {
			return fmt.Errorf("copy %s: %w", key, err)
		}
		copied[key] = o
	}
	return nil
}

// cancel takes an open move back.
func (m *Mover) cancel(ctx context.Context, name lake.TableName, mv move) error {
	return m.change(ctx, name, func(t *lake.Table, l *ledger) error {
		if have := l.find(mv.ID); have == nil || have.State != stateOpen {
			return nil
		}
		l.remove(mv.ID)
		l.Old = append(l.Old, old{Values: mv.Values, Location: mv.To, At: time.Now().UTC()})
		l.turn()
		return nil
	})
}

// finish does steps 5 and 6. What goes wrong is left to the next Sweep: the new
// location is the right one already.
func (m *Mover) finish(ctx context.Context, name lake.TableName, mv move) error {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	answered, err := m.cfg.Catalog.Relocate(ctx, name, mv.Values, mv.To)
	if errors.Is(err, catalogsync.ErrNotFound) {
		return m.close(ctx, name, mv, answered) // it was dropped
	}
	if err != nil {
		return fmt.Errorf("move partition %q of %s: %w", mv.Values, name, err)
	}
	return m.close(ctx, name, mv, answered)
}

// close ends a move whose partition is where it was to go, or was dropped, if no request
// can be under way any more; answered says that the owner's is not. Where one can, the
// next Sweep after it is answered closes the move.
func (m *Mover) close(ctx context.Context, name lake.TableName, mv move, answered bool) error {
	at, err := m.where(ctx, name, mv.Values)
	if err != nil || at != "" && at != mv.To {
		return err
	}
	return m.change(ctx, name, func(t *lake.Table, l *ledger) error {
		have := l.find(mv.ID)
		if have == nil || have.State != stateMoved {
			return nil
		}
		if have.Answered = have.Answered || answered; have.fenced(m.cfg.Fence) {
			return nil
		}
		l.remove(mv.ID)
		l.Old = append(l.Old, old{Values: mv.Values, Location: mv.From, At: time.Now().UTC()})
		if at == "" {
			l.Old = append(l.Old, old{Values: mv.Values, Location: mv.To, At: time.Now().UTC()})
		}
		l.turn()
		return nil
	})
}
