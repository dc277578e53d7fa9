package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer"
	"sluice/internal/lake"
)

// The faults of whoever asks, and the states that he has to know of.
var (
	ErrInvalid  = errors.New("not possible")
	ErrNotFound = errors.New("no such checkpoint")
	ErrBusy     = errors.New("checkpoint in use")
	// ErrExpired: the range is not known any more, or a confirmation came too late.
	ErrExpired = errors.New("expired")
)

// A Config says where checkpoints are kept and how many.
type Config struct {
	Dir     string // made if it is not there, its own
	FS      buffer.FS
	Max     int // checkpoints
	Batches int // remembered by the journal
	// Confirm is for how long an answer that was sent waits for its confirmation.
	Confirm    time.Duration
	Log        *slog.Logger          // nil discards
	Registerer prometheus.Registerer // nil: metrics are not exported
}

// A Book holds the checkpoints of a node. Its methods may be called from any
// goroutine.
type Book struct {
	cfg      Config
	fs       buffer.FS
	log      *slog.Logger
	journal  *journal
	runs     *prometheus.CounterVec
	planning chan struct{} // holds a token while somebody plans

	mu    sync.Mutex // guards names and what is in the entries
	names map[string]*entry
}

// An entry is a checkpoint, or one that is about to be.
type entry struct {
	name  string
	state State         // Run is 0 before the first commit
	dirty bool          // the file may not be what state says
	busy  chan struct{} // holds a token while a run is under way
	run   *Run          // the one under way
	// pledge is that of a run which is not released, and holds the token with it.
	pledge *Pledge
	users  int // runs under way or waiting; the entry stays while there are some
}

func newEntry(s State) *entry {
	return &entry{name: s.Name, state: s, busy: make(chan struct{}, 1)}
}

// Open reads what there is.
func Open(cfg Config) (*Book, error) {
	if cfg.Dir == "" || cfg.Max < 1 || cfg.Batches < 1 || cfg.Confirm <= 0 {
		return nil, fmt.Errorf("open checkpoints: Dir %q is empty, or Max %d, Batches %d or Confirm %s is not positive", cfg.Dir, cfg.Max, cfg.Batches, cfg.Confirm)
	}
	b := &Book{cfg: cfg, fs: cfg.FS, log: cfg.Log, planning: make(chan struct{}, 1), names: make(map[string]*entry)}
	if b.fs == nil {
		b.fs = buffer.OS()
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if err := b.open(); err != nil {
		return nil, fmt.Errorf("open checkpoints %s: %w", cfg.Dir, err)
	}
	b.runs = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_checkpoint_runs_total", Help: "Runs of checkpointed queries ended, by outcome: committed, abandoned or failed (to be committed)"}, []string{"outcome"})
	for _, outcome := range []string{"committed", "abandoned", "failed"} {
		b.runs.WithLabelValues(outcome)
	}
	if cfg.Registerer != nil {
		gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sluice_checkpoint_batches", Help: "Batches whose order is remembered for checkpoints"}, func() float64 { return float64(b.journal.len()) })
		for _, c := range []prometheus.Collector{b.runs, gauge} {
			if err := cfg.Registerer.Register(c); err != nil {
				return nil, errors.Join(fmt.Errorf("open checkpoints: %w", err), b.Close())
			}
		}
	}
	return b, nil
}

func (b *Book) open() error {
	if err := b.fs.Mkdir(b.cfg.Dir); err != nil {
		return err
	}
	if err := b.fs.SyncDir(filepath.Dir(b.cfg.Dir)); err != nil {
		return err
	}
	// A rename that an earlier process did not see through to the disk must not be
	// taken back after what it made was shown.
	if err := b.fs.SyncDir(b.cfg.Dir); err != nil {
		return err
	}
	files, err := b.fs.ReadDir(b.cfg.Dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(b.cfg.Dir, f.Name)
		if strings.HasSuffix(f.Name, newExt) {
			if err := b.fs.Remove(path); err != nil {
				return err
			}
			continue
		}
		name, ok := strings.CutSuffix(f.Name, ".json")
		if !ok || CheckName(name) != nil {
			continue
		}
		e := newEntry(State{Name: name})
		text, err := buffer.ReadFile(b.fs, path)
		if err == nil {
			e.state, err = parseState(name, text)
		}
		if err != nil {
			e.state = State{Name: name, Err: fmt.Errorf("%w: the checkpoint %s cannot be used, its file %s cannot be read (%v): DROP CHECKPOINT %s lets its next run begin anew", ErrExpired, name, path, err, name)}
			b.log.Error("a checkpoint's file cannot be read", "checkpoint", name, "file", path, "error", err)
		}
		b.names[name] = e
	}
	if b.journal, err = openJournal(b.fs, b.cfg.Dir, b.cfg.Batches, b.log); err != nil {
		return err
	}
	var latest uint64
	for _, e := range b.names {
		for _, r := range e.state.Tables {
			latest = max(latest, r.To)
		}
	}
	return b.journal.reach(latest)
}

// Close lets go of the files. Runs under way can still be committed or not.
func (b *Book) Close() error { return b.journal.close() }

// Note numbers a batch that is about to leave the log, and whose files are
// registered, if it has no number yet. When it returns nil that is durable.
func (b *Book) Note(id lake.BatchID) error {
	_, err := b.journal.note(id)
	return err
}

// List is every checkpoint, by name.
func (b *Book) List() []State {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []State
	for _, e := range b.names {
		if e.state.Run == 0 && e.state.Err == nil {
			continue
		}
		s := e.state.clone()
		s.Busy = len(e.busy) > 0
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y State) int { return strings.Compare(x.Name, y.Name) })
	return list
}

// Last is the number of the latest batch.
func (b *Book) Last() uint64 { return b.journal.last() }

// Drop forgets a checkpoint, durably. It does not wait for a run under way.
func (b *Book) Drop(name string) error {
	e, err := b.use(name, false)
	if err != nil {
		return err
	}
	defer b.unuse(e)
	select {
	case e.busy <- struct{}{}:
	default:
		return fmt.Errorf("%w: a run of the checkpoint %s is under way", ErrBusy, name)
	}
	defer func() { <-e.busy }()
	if err := removeFile(b.fs, b.path(name)); err != nil {
		b.mu.Lock()
		e.dirty = true
		b.mu.Unlock()
		return fmt.Errorf("drop checkpoint %s: %w", name, err)
	}
	b.mu.Lock()
	e.state = State{Name: name}
	b.mu.Unlock()
	return nil
}

func (b *Book) path(name string) string { return filepath.Join(b.cfg.Dir, name+".json") }

// use finds a checkpoint, or makes room for one.
func (b *Book) use(name string, create bool) (*entry, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.names[name]
	switch {
	case e != nil && (create || e.state.Run > 0 || e.state.Err != nil):
	case !create:
		return nil, fmt.Errorf("%w: %s (SHOW CHECKPOINTS lists those there are)", ErrNotFound, name)
	case len(b.names) >= b.cfg.Max:
		return nil, fmt.Errorf("%w: there are %d checkpoints already, as many as there may be (query.checkpoints.max): drop one with DROP CHECKPOINT", ErrInvalid, len(b.names))
	default:
		e = newEntry(State{Name: name})
		b.names[name] = e
	}
	e.users++
	return e, nil
}

// unuse lets an entry go that is no checkpoint and that nobody wants to make one.
func (b *Book) unuse(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.users--; e.users == 0 && e.state.Run == 0 && e.state.Err == nil && !e.dirty {
		delete(b.names, e.name)
	}
}

// settle makes the file what the entry says, where that is not certain. The
// entry's token is held.
func (b *Book) settle(e *entry) error {
	b.mu.Lock()
	dirty, state := e.dirty, e.state
	b.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := b.put(state); err != nil {
		return fmt.Errorf("write checkpoint %s again after an error: %w", state.Name, err)
	}
	b.mu.Lock()
	e.dirty = false
	b.mu.Unlock()
	return nil
}

// put makes a checkpoint's file what s says, durably; none before the first run.
func (b *Book) put(s State) error {
	if s.Run == 0 {
		return removeFile(b.fs, b.path(s.Name))
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := replaceFile(b.fs, b.path(s.Name), append(text, '\n'))
	if err != nil {
		return err
	}
	f.Close() // it is synced
	return nil
}

// acquire waits for the entry's token.
func (e *entry) acquire(ctx context.Context) error {
	select {
	case e.busy <- struct{}{}:
		return nil
	default:
	}
	select {
	case e.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: another run of the checkpoint %s was under way for as long as this one may wait", ErrBusy, e.name)
	}
}
