package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"sluice/query/ddl"
	"sluice/query/executor"
	"sluice/query/fetch"
	"sluice/query/live"
	"sluice/query/presto"
	"sluice/query/presto/function"
	"sluice/query/result"
	"sluice/query/write"
)

// An Engine answers queries. Its methods may be called at the same time.
type Engine struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	queue    *queue
	dir      string // Config.Dir, absolute
	exec     *executor.Executor
	shapes   viewShapes
	objects  *fetch.Cache
	live     *live.Cache   // nil without a buffer
	writer   *write.Writer // nil where statements only read
	prepared prepared
	planning planning

	mu      sync.Mutex // guards closed and running
	closed  bool
	running map[string]*running // by id
	open    sync.WaitGroup      // one a query
}

// Open makes an Engine. It wipes Config.Dir.
func Open(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	e := &Engine{cfg: cfg, log: cfg.Log, queue: newQueue(cfg.Concurrent, cfg.Queue), running: make(map[string]*running)}
	e.metrics = newMetrics(cfg.Metrics, e.queue)
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open query engine: %w", err)
	}
	e.dir = dir
	spill := filepath.Join(dir, "spill")
	if err := os.RemoveAll(spill); err != nil {
		return nil, fmt.Errorf("open query engine: %w", err)
	}
	if err := os.MkdirAll(spill, 0o755); err != nil {
		return nil, fmt.Errorf("open query engine: %w", err)
	}
	if cfg.Buffer != nil {
		e.live, err = live.Open(live.Config{Dir: filepath.Join(dir, "live"), Converter: cfg.Converter, MaxBytes: cfg.Cache, Log: cfg.Log})
		if err != nil {
			return nil, err
		}
	}
	if e.objects, err = fetch.Open(fetch.Config{
		Dir: filepath.Join(dir, "objects"), Source: cfg.Store, Limit: e.objectLimit,
		Memory: cfg.Footers, Parallel: requests, Log: cfg.Log,
	}); err != nil {
		return nil, err
	}
	if cfg.Write != nil {
		w := *cfg.Write
		if cfg.Checkpoints != nil {
			w.Checkpoints = cfg.Checkpoints
		}
		if e.writer, err = write.Open(w); err != nil {
			return nil, err
		}
	}
	macros, deterministic := presto.Macros()
	var functions []executor.Function
	for _, f := range function.All() {
		functions = append(functions, executor.Function(f))
	}
	e.exec, err = executor.New(executor.Config{
		Macros: macros, Deterministic: deterministic, Functions: functions,
		Memory: max(cfg.Memory/int64(cfg.Concurrent), minMemory), Threads: cfg.Threads, Ceiling: e.ceiling(),
		TempDir: spill, MaxTemp: max(cfg.Spill/int64(cfg.Concurrent), 1),
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// minMemory is the least with which DuckDB can scan a Parquet file.
const minMemory = 64 << 20

// minSlack is the least that queries may take beyond their memory: an instance of the
// executor takes some of it before it computes anything.
const minSlack = 256 << 20

// ceiling is what all queries together may allocate, with what is in no buffer of the
// executor's and so not counted as Config.Memory: strings, lists and constants while
// they are made.
func (e *Engine) ceiling() int64 {
	memory := max(e.cfg.Memory, int64(e.cfg.Concurrent)*minMemory)
	return memory + max(memory/2, minSlack)
}

func (c *Config) setDefaults() {
	if c.Database == "" {
		c.Database = "default"
	}
	if c.Dropped == nil {
		c.Dropped = func(string, time.Time) bool { return false }
	}
	if c.Threads == 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	if c.Queue == 0 {
		c.Queue = 16 * c.Concurrent
	}
	if c.Footers == 0 {
		c.Footers = 64 << 20
	}
	if c.Spill == 0 {
		c.Spill = c.Cache
	}
	if c.MaxSQL == 0 {
		c.MaxSQL = 1 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// objectLimit is what live rows leave of the cache.
func (e *Engine) objectLimit() int64 {
	if e.live == nil {
		return e.cfg.Cache
	}
	return max(e.cfg.Cache-e.live.Bytes(), 0)
}

// Query starts a query. Everything acknowledged before the call is in its
// answer. When ctx ends, the query ends. An error is an *Error.
func (e *Engine) Query(ctx context.Context, req Request) (*Rows, error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, &Error{Code: CodeInternal, Message: errClosed.Error(), cause: errClosed}
	}
	e.open.Add(1)
	e.mu.Unlock()
	started := time.Now()
	limits := e.bounds(req.Limits)
	ctx, cancel := context.WithCancelCause(ctx)
	listed, unlist := e.enlist(req, started, cancel)
	ctx, stop := context.WithTimeoutCause(ctx, limits.Timeout, limits.timeout())
	ctx, calls := executor.WithCalls(ctx)
	r := &Rows{ctx: ctx, replay: req.Replay, id: listed.id, sql: req.SQL, dir: e.cfg.Dir, price: e.cfg.PricePerTB, started: started, limits: limits,
		release: []func(){func() { cancel(nil) }, unlist, stop}}
	r.letGo = func() {
		if r.run != nil {
			r.run.Abandon()
		}
		listed.over.Store(true)
		// What a call uses that goes on stays until it returns, the query's turn too: so
		// no more of them go on than queries may run.
		calls.After(func() { releaseAll(r.release) })
		e.open.Done()
	}
	returned := false
	defer func() {
		if !returned { // a panic, which a handler may survive: the place must not be lost with it
			r.letGo()
		}
	}()
	err := e.start(ctx, req, r, listed)
	returned = true
	if err == nil {
		r.done = func(code Code, s Stats) { e.ended(req, code, s) }
		return r, nil
	}
	fault := r.fault(err, req.SQL)
	r.letGo()
	e.ended(req, fault.Code, r.Stats())
	return nil, fault
}

// start plans and runs the query; what it holds it notes in r, also when it
// fails.
func (e *Engine) start(ctx context.Context, req Request, r *Rows, listed *running) error {
	if len(req.SQL) > e.cfg.MaxSQL {
		return fault(CodeInvalid, "the statement has %d bytes; at most %d are allowed", len(req.SQL), e.cfg.MaxSQL)
	}
	if req.Database == "" {
		req.Database = e.cfg.Database
	}
	if !req.Dialect.valid() {
		return fault(CodeInvalid, "there is no dialect %q; there are presto and duckdb", string(req.Dialect))
	}
	if !req.Limits.valid() {
		return fault(CodeInvalid, "limits must not be negative")
	}
	if req.Dialect == DuckDB && len(req.Parameters) > 0 {
		return fault(CodeInvalid, "parameters are of the dialect presto")
	}
	if req.Dialect != DuckDB {
		if src, done, err := e.unprepare(ctx, &req); err != nil || done {
			r.src = src
			return err
		}
		r.sql = req.SQL
	}
	if src, ok, err := e.checkpointCommand(ctx, req); ok {
		r.src = src
		return err
	}
	if err := e.begin(ctx, req, r); err != nil {
		return err
	}
	leave, err := e.queue.enter(ctx)
	if err != nil {
		return err
	}
	r.release = append(r.release, leave)
	listed.begun.Store(true)
	if s, ok, err := ddl.Parse(req.SQL); err != nil {
		return err
	} else if ok {
		return e.define(ctx, req, s, r)
	}
	if cmd, ok, err := parseCommand(req.SQL, req.Database); err != nil {
		return err
	} else if ok {
		rows, columns, err := e.command(ctx, cmd, req.Visible)
		if err != nil {
			return err
		}
		r.src = &fixed{columns: columns, rows: rows}
		return nil
	}
	if s, ok, err := write.Parse(req.SQL); err != nil {
		return err
	} else if ok {
		return e.write(ctx, req, s, r)
	}
	sql, mode, err := explained(req.SQL)
	if err != nil {
		return err
	}
	if mode != explainNot && r.run != nil {
		return fault(CodeInvalid, "a checkpoint is of a query that is answered, and EXPLAIN does not answer it")
	}
	p, q, err := e.plan(ctx, req, sql, mode, r)
	if err != nil {
		return err
	}
	q.Memory = r.limits.Memory
	if mode != explainPlan {
		if err := r.limits.scan(r.stats.Bytes, r.stats.Files); err != nil {
			return err
		}
	}
	if mode != explainNot {
		src, err := p.answer(ctx, q)
		if err != nil {
			return p.locate(ctx, err, q)
		}
		r.src = src
		return nil
	}
	rows, err := p.run(ctx, q)
	if err != nil {
		return p.locate(ctx, err, q)
	}
	r.src = rows
	return nil
}

// plan plans the query, anew where an object that was listed is not there any more,
// or another: then there is another listing.
func (e *Engine) plan(ctx context.Context, req Request, sql string, mode explaining, r *Rows) (p *plan, q executor.Query, err error) {
	usage := &fetch.Usage{}
	for attempt := range attempts {
		r.stats = Stats{}
		p = &plan{usage: usage, engine: e, database: req.Database, visible: req.Visible, dialect: req.Dialect, parameters: req.Parameters, rows: r, explain: mode, fresh: attempt > 0}
		q, err = p.make(ctx, sql)
		var moved *movedError
		if !errors.As(err, &moved) || r.run != nil { // the range of a run is fixed once
			break
		}
		e.log.Info("a query is planned anew", "attempt", attempt+1, "err", err)
	}
	return p, q, err
}

func (e *Engine) ended(req Request, outcome Code, s Stats) {
	e.metrics.ended(outcome, s, s.Elapsed)
	e.log.Info("query", "outcome", string(outcome), "who", req.Who, "rows", s.Rows, "ms", s.ElapsedMillis, "files", s.Files,
		"bytes", s.Bytes, "partitions", s.Partitions, "pruned", s.PartitionsPruned, "live_rows", s.LiveRows, "sql", shorten(req.SQL))
}

// shorten keeps a log line readable.
func shorten(sql string) string {
	const most = 300
	if len(sql) > most {
		sql = sql[:most] + "…"
	}
	return strings.ToValidUTF8(sql, "")
}

// Close waits for the queries that run, refuses new ones, and frees the engine. For what
// the executor is still at although its query has ended, it does not wait.
func (e *Engine) Close() error {
	e.mu.Lock()
	already := e.closed
	e.closed = true
	e.mu.Unlock()
	e.open.Wait()
	if !already {
		e.exec.Close()
	}
	return nil
}

var _ source = (*executor.Rows)(nil)
var _ result.Rows = (*Rows)(nil)
