package executor

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// A Config bounds an Executor.
type Config struct {
	Memory  int64 // bytes, of one query
	Threads int   // of one query
	// Ceiling is what all queries together may allocate, in bytes, what their Memory
	// does not count included: see ceiling_linux.go. 0: there is none.
	Ceiling int64
	// TempDir is a folder for what does not fit into memory; it must exist.
	TempDir string
	// MaxTemp bounds what a query spills there, in bytes.
	MaxTemp int64
	// Macros are statements that make the macros which Parse, Text and Strings may
	// meet. Deterministic are the names of those that give the same answer to the
	// same arguments, as far as the functions in them do.
	Macros, Deterministic []string
	// Functions are there in every statement.
	Functions []Function
}

// An Executor runs SQL. Its methods may be called at the same time.
type Executor struct {
	cfg     Config
	planner *instance // parses and evaluates; reads no file

	functions *functions

	deterministic map[string]bool // set by New

	mu   sync.Mutex  // guards idle
	idle []*instance // connections to planner

	// spare holds instances that no query has used, opened when others had
	// ended: opening takes longer than many a query. Run receives, refill sends.
	spare     chan *instance
	refilling sync.WaitGroup

	left atomic.Int64 // calls that go on although their queries have ended
}

// spares is how many instances are kept ready.
const spares = 2

// plannerMemory bounds all parsing and evaluating together.
const plannerMemory = 256 << 20

// New makes an Executor.
func New(cfg Config) (*Executor, error) {
	options := cfg.options()
	options["memory_limit"] = strconv.Itoa(plannerMemory) + "B"
	options["temp_directory"] = ""
	e := &Executor{cfg: cfg, functions: newFunctions(cfg.Functions), spare: make(chan *instance, spares)}
	in, err := e.openInstance(options)
	if err != nil {
		e.functions.free()
		return nil, err
	}
	e.planner = in
	if err := e.prepare(); err != nil {
		in.close()
		e.functions.free()
		return nil, err
	}
	raiseCeiling(e.ceiling())
	return e, nil
}

// prepare sets the planner up.
func (e *Executor) prepare() error {
	if err := e.planner.lock(nil); err != nil {
		return err
	}
	if err := e.loadFunctions(); err != nil {
		return fmt.Errorf("open executor: %w", err)
	}
	for _, sql := range e.cfg.Macros {
		if err := e.planner.exec(sql); err != nil {
			return fmt.Errorf("open executor: %.80s: %w", sql, err)
		}
	}
	for _, name := range e.cfg.Deterministic {
		e.deterministic[name] = true
	}
	return nil
}

// openInstance makes an instance that has the functions.
func (e *Executor) openInstance(options map[string]string) (*instance, error) {
	in, err := openInstance(options)
	if err != nil {
		return nil, err
	}
	if err := e.functions.register(in); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// ceiling is what this executor adds to the process's.
func (e *Executor) ceiling() int64 {
	if e.cfg.Ceiling == 0 {
		return 0
	}
	return e.cfg.Ceiling + plannerMemory
}

// Close frees the executor. No call may be under way, no Rows open. While calls go on
// that were left, nothing is freed: the process is about to end.
func (e *Executor) Close() {
	if e.left.Load() > 0 {
		return
	}
	e.refilling.Wait()
	close(e.spare)
	for in := range e.spare {
		in.close()
	}
	for _, c := range e.idle {
		mapping.Disconnect(&c.conn)
	}
	e.planner.close()
	e.functions.free()
	raiseCeiling(-e.ceiling())
}

func (c Config) options() map[string]string {
	return map[string]string{
		"memory_limit":                 strconv.FormatInt(c.Memory, 10) + "B",
		"threads":                      strconv.Itoa(max(c.Threads, 1)),
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
		"allow_unsigned_extensions":    "false",
		"allow_persistent_secrets":     "false",
	}
}

// lend takes a connection to the planner; giveBack returns it.
func (e *Executor) lend() (*instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		return c, nil
	}
	return e.planner.connect()
}

func (e *Executor) giveBack(c *instance) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = append(e.idle, c)
}

// A Query is a statement to run, and what it may read.
type Query struct {
	SQL   string
	Setup []string // statements to run before, such as CREATE VIEW
	Files []string // absolute paths that may be read
	// Memory is less than Config.Memory, in bytes; 0: as much.
	Memory int64
	// Limits says that a query within the statement has a LIMIT. DuckDB 1.5 filters by what
	// joins find, below a LIMIT too, and so gives other rows: then it does not.
	Limits bool
	// Bigint makes columns of whole numbers wider than 64 bits bigint, and a value
	// that does not fit an error.
	Bigint bool
	// Shown are columns that are shown otherwise than their types say.
	Shown []Shown
}

// Shown says how a column of the answer is shown.
type Shown struct {
	Column int    // its place, from 0 on; -1: it is the one of this name
	Name   string // in any case
	Type   string // Presto's; empty: that of the values
	Zone   string // in which a timestamp with time zone is written; empty: UTC
}

// Run starts a query. When ctx ends, the query ends. The Rows must be closed.
func (e *Executor) Run(ctx context.Context, q Query) (*Rows, error) {
	r, err := e.begin(ctx)
	if err != nil {
		return nil, err
	}
	if q.Bigint {
		r.overflow = new(bool)
	}
	if err := r.call(func() error { return r.start(q, e.cfg.MaxTemp) }); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// begin gives a query an instance and a folder of its own.
func (e *Executor) begin(ctx context.Context) (*Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(e.cfg.TempDir, "query-")
	if err != nil {
		return nil, fmt.Errorf("run query: %w", err)
	}
	in, err := e.take()
	if err != nil {
		os.RemoveAll(temp)
		return nil, err
	}
	// The next instance is opened when this query no longer needs the processors.
	return &Rows{ctx: ctx, exec: e, in: in, temp: temp}, nil
}

// take is a spare instance, or a new one.
func (e *Executor) take() (*instance, error) {
	select {
	case in := <-e.spare:
		return in, nil
	default:
		return e.openInstance(e.cfg.options())
	}
}

// refill opens an instance for a later query. One that cannot be opened will be
// tried again, and reported, by the query that needs it.
func (e *Executor) refill() {
	if len(e.spare) == cap(e.spare) {
		return
	}
	in, err := e.openInstance(e.cfg.options())
	if err != nil {
		return
	}
	select {
	case e.spare <- in:
	default:
		in.close()
	}
}
