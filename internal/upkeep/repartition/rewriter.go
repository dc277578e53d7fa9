package repartition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/moves"
	"sluice/internal/lake"
	"sluice/internal/upkeep/pace"
	"sluice/partitioner"

	"github.com/prometheus/client_golang/prometheus"
)

// A Catalog is where the tables are; *catalogsync.Catalog is one.
type Catalog interface {
	moves.Catalog
	Ensure(ctx context.Context, want lake.Table) (lake.Table, error)
	Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error)
}

// An Engine answers SQL, in Presto's dialect.
type Engine interface {
	Query(ctx context.Context, sql string) (rows [][]string, err error)
	// Insert runs an INSERT under an id. ErrWide says that it writes to too many partitions.
	Insert(ctx context.Context, sql string, id lake.WriteID) (rows int64, err error)
	// Sweep brings to an end what was interrupted; Writing tells of a statement that is not
	// at its end, Written of one that is, until ForgetWrite.
	Sweep(ctx context.Context) error
	Writing(id lake.WriteID) bool
	Written(id lake.WriteID) bool
	ForgetWrite(id lake.WriteID) error
}

// ErrWide says that a statement writes to more partitions, or more bytes, than one may.
var ErrWide = errors.New("the statement writes too much")

// A Config is what a Rewriter works with.
type Config struct {
	Catalog Catalog
	Engine  Engine
	Dir     string      // of its own, for the ledgers
	Bytes   int64       // of files that are read by a statement, about; default 256 MiB
	Pace    *pace.Pacer // of the bytes that are read; nil: as fast as can be
	Log     *slog.Logger

	Registerer prometheus.Registerer
}

// A Rewriter rewrites one table at a time.
type Rewriter struct {
	cfg     Config
	metrics *metrics
	one     chan struct{} // holds a token while a table is rewritten

	mu  sync.Mutex
	now Status // guarded by mu
}

// A Status is the table that is being rewritten, and how many bytes of its files are done.
type Status struct {
	From, Into  lake.TableName
	Done, Total int64
}

// Status is what is being rewritten; ok is false where nothing is.
func (r *Rewriter) Status() (s Status, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now, r.now.Total > 0
}

func (r *Rewriter) set(s Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = s
}

// New makes one.
func New(cfg Config) (*Rewriter, error) {
	cfg.Bytes = cmp.Or(cfg.Bytes, 256<<20)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open rewriting of tables: %w", err)
	}
	r := &Rewriter{cfg: cfg, one: make(chan struct{}, 1)}
	r.metrics = newMetrics(cfg.Registerer, r)
	return r, nil
}

// A Job is two tables.
type Job struct {
	From lake.TableName
	// Into is the table as it is to be where it is not there: its name, location, keys and
	// parameters. Columns are the old table's.
	Into   lake.Table
	Rules  *partitioner.Rules // of the stream that fills it
	DryRun bool
}

// A Report is what was done, or would be.
type Report struct {
	// Files, Bytes and Rows were brought over, or would be; Before is how many files had been.
	Files  int
	Bytes  int64
	Rows   int64
	Before int
	// Lost are keys of the old table whose values the new one does not keep, since it has
	// another key of that name.
	Lost []string
	// Select is what rows are made of.
	Select string
}

// A file is one of the old table.
type file struct {
	uri         string
	bytes, rows int64
}

func why(l *ledger) string { return "rewritten into " + l.Into + " (" + l.ID + ")" }

// ErrLost says that it is not known any more which rows are in the new table.
var ErrLost = errors.New("which rows were rewritten is not known here")

// Run brings over what has not been. It may be repeated, after an error and when more
// was delivered to the old table.
func (r *Rewriter) Run(ctx context.Context, job Job) (Report, error) {
	select {
	case r.one <- struct{}{}:
		defer func() { <-r.one }()
	default:
		return Report{}, errors.New("another table is being rewritten at the moment")
	}
	old, err := r.cfg.Catalog.Table(ctx, job.From)
	if err != nil {
		return Report{}, err
	}
	l, err := r.ledger(job.From, job.Into.Name)
	if err != nil {
		return Report{}, err
	}
	s, err := r.shape(ctx, old, job)
	if err != nil {
		return Report{}, err
	}
	report := Report{Before: len(l.Done), Lost: s.lost, Select: "SELECT " + s.list() + " FROM lake." + table(job.From)}
	if !job.DryRun {
		if err := r.begin(ctx, l, job, s); err != nil {
			return report, err
		}
		report.Before = len(l.Done)
	}
	todo, all, err := r.todo(ctx, l, job.From)
	if err != nil {
		return report, err
	}
	if job.DryRun {
		for _, f := range todo {
			report.Files++
			report.Rows += f.rows
		}
		report.Bytes = all
		return report, nil
	}
	err = r.all(ctx, l, job, s, todo, all, &report)
	r.metrics.ran(err == nil)
	return report, err
}

// all brings over the files that are to do, of so many bytes.
func (r *Rewriter) all(ctx context.Context, l *ledger, job Job, s *shape, todo []file, bytes int64, report *Report) error {
	defer r.set(Status{})
	done := r.cfg.Pace.Start(ctx)
	for len(todo) > 0 {
		r.set(Status{From: job.From, Into: job.Into.Name, Done: report.Bytes, Total: bytes})
		n := next(todo, r.cfg.Bytes)
		if err := r.bring(ctx, l, job, s, todo[:n], report); err != nil {
			return err
		}
		done(report.Bytes)
		todo = todo[n:]
	}
	return nil
}

// shape checks the two tables.
func (r *Rewriter) shape(ctx context.Context, old lake.Table, job Job) (*shape, error) {
	keys, ok := job.Rules.Expressions()
	switch {
	case job.From == job.Into.Name:
		return nil, errors.New("the new table must be another one: a table cannot change its partition keys")
	case old.View != "":
		return nil, fmt.Errorf("%s is a view", job.From)
	case !ok:
		return nil, fmt.Errorf("the partitions of %s are laid out by a prefix: rows cannot be added to such a table by SQL", job.Into.Name)
	}
	var values [][]string
	if len(old.PartitionKeys) > 0 {
		parts, err := r.cfg.Catalog.Partitions(ctx, job.From, "")
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			values = append(values, p.Values)
		}
	}
	s, err := shapeOf(old, keys, values)
	if err != nil {
		return nil, err
	}
	have, err := r.cfg.Catalog.Table(ctx, job.Into.Name)
	if errors.Is(err, catalogsync.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, fits(have, job.Into, s)
}

// fits says why rows do not fit the new table that there is.
func fits(have, want lake.Table, s *shape) error {
	same := slices.EqualFunc(have.PartitionKeys, want.PartitionKeys, func(a, b lake.Column) bool { return a.Name == b.Name })
	if !same {
		return fmt.Errorf("the table %s has other partition keys than its stream's partition_by", have.Name)
	}
	for _, c := range s.columns {
		if h, ok := named(have.Columns, c.Name); ok && !h.Type.Equal(c.Type) {
			return fmt.Errorf("the column %s is %s in the old table, but %s in %s", c.Name, c.Type, h.Type, have.Name)
		}
	}
	return nil
}

// ParamRewritten is the parameter of a new table that names the ledger.
const ParamRewritten = "sluice.rewritten"

// begin does step 1, and settles what the last run left.
func (r *Rewriter) begin(ctx context.Context, l *ledger, job Job, s *shape) error {
	if !l.old { // before the hold has its id
		if err := l.save(); err != nil {
			return err
		}
	}
	want := job.Into
	want.Columns = s.columns
	have, err := r.cfg.Catalog.Ensure(ctx, want)
	if err != nil {
		return err
	}
	if err := fits(have, want, s); err != nil {
		return err
	}
	_, err = r.cfg.Catalog.Amend(ctx, want.Name, func(t *lake.Table) error {
		switch mark := t.Parameters[ParamRewritten]; {
		case mark == l.ID:
		case mark != "":
			return fmt.Errorf("%w: %s has rows of another rewriting (%s)", ErrLost, want.Name, mark)
		case len(l.Done) > 0:
			return fmt.Errorf("%w: %s is not the table that rows were brought into, it was made anew; --forget begins again", ErrLost, want.Name)
		}
		t.Parameters[ParamRewritten] = l.ID
		return nil
	})
	if err != nil {
		return err
	}
	err = moves.Hold(ctx, r.cfg.Catalog, job.From, why(l))
	switch {
	case errors.Is(err, moves.ErrHeld):
		return fmt.Errorf("%w: %s: %w. Another node began it, or this one with another data folder. Where that is lost, drop the new table, if nothing else is in it, and say --forget", ErrLost, job.From, err)
	case err != nil:
		return fmt.Errorf("hold %s: %w", job.From, err)
	}
	if err := r.cfg.Engine.Sweep(ctx); err != nil {
		return err
	}
	return r.settle(l)
}

// todo are the files that are not done, in the order of their folders, and their bytes.
func (r *Rewriter) todo(ctx context.Context, l *ledger, from lake.TableName) (files []file, bytes int64, err error) {
	rows, err := r.cfg.Engine.Query(ctx, `SELECT "$path", "$file_size", count(*) FROM lake.`+table(from)+` GROUP BY 1, 2 ORDER BY 1`)
	if err != nil {
		return nil, 0, fmt.Errorf("list the files of %s: %w", from, err)
	}
	for _, row := range rows {
		f := file{uri: row[0]}
		if _, err := fmt.Sscan(row[1]+" "+row[2], &f.bytes, &f.rows); err != nil {
			return nil, 0, fmt.Errorf("list the files of %s: %q: %w", from, row, err)
		}
		if _, done := l.Done[f.uri]; !done {
			files, bytes = append(files, f), bytes+f.bytes
		}
	}
	return files, bytes, nil
}

// maxFiles of a statement: its text has their names.
const maxFiles = 500

// next is how many of the files the next statement has.
func next(files []file, bytes int64) int {
	n, size := 0, int64(0)
	for n < len(files) && n < maxFiles && (n == 0 || size+files[n].bytes <= bytes) {
		size += files[n].bytes
		n++
	}
	return n
}

// bring does steps 3 and 4 for some files, in halves where they are too much for one
// statement.
func (r *Rewriter) bring(ctx context.Context, l *ledger, job Job, s *shape, files []file, report *Report) error {
	begun, where := map[string]int64{}, []string{}
	for _, f := range files {
		begun[f.uri] = f.rows
		where = append(where, text(f.uri))
	}
	rows, err := r.insert(ctx, l, job, s, begun, `"$path" IN (`+strings.Join(where, ", ")+")")
	if errors.Is(err, ErrWide) && len(files) == 1 {
		rows, err = r.wide(ctx, l, job, s, files[0])
	}
	if errors.Is(err, ErrWide) && len(files) > 1 {
		half := len(files) / 2
		if err := r.bring(ctx, l, job, s, files[:half], report); err != nil {
			return err
		}
		return r.bring(ctx, l, job, s, files[half:], report)
	}
	if err != nil {
		return err
	}
	bytes, want := int64(0), int64(0)
	for _, f := range files {
		bytes, want = bytes+f.bytes, want+f.rows
	}
	report.Files, report.Bytes = report.Files+len(files), report.Bytes+bytes
	r.metrics.brought(len(files), bytes, rows)
	if report.Rows += rows; rows != want {
		r.cfg.Log.Warn("files of a table that is rewritten had other rows than when they were listed", "table", job.From.String(), "rows", rows, "listed", want)
	}
	return nil
}

// text is a constant of SQL.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// insert runs a statement for the rows of a condition, which are those in begun.
func (r *Rewriter) insert(ctx context.Context, l *ledger, job Job, s *shape, begun map[string]int64, where string) (int64, error) {
	l.Write, l.Begun = lake.NewWriteID(time.Now()), begun
	if err := l.save(); err != nil {
		return 0, err
	}
	names := slices.Clone(s.names)
	for i := range names {
		names[i] = quote(names[i])
	}
	sql := fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM lake.%s WHERE %s`, table(job.Into.Name), strings.Join(names, ", "), s.list(), table(job.From), where)
	rows, err := r.cfg.Engine.Insert(ctx, sql, l.Write)
	switch {
	case err != nil && r.cfg.Engine.Writing(l.Write): // it is to be undone: not before that again
		return 0, fmt.Errorf("rewrite files of %s: %v; what was written is not undone yet, try again", job.From, err)
	case err != nil && !r.cfg.Engine.Written(l.Write):
		return 0, fmt.Errorf("rewrite files of %s: %w", job.From, err)
	}
	return rows, r.done(l)
}

func (s *shape) list() string {
	var out []string
	for i, e := range s.exprs {
		out = append(out, e+" AS "+quote(s.names[i]))
	}
	return strings.Join(out, ", ")
}

func table(n lake.TableName) string { return quote(n.Database) + "." + quote(n.Table) }

// Forget gives the old table free and forgets what was brought over. The new table
// keeps its rows, and is not one into which the old one can be rewritten any more.
func (r *Rewriter) Forget(ctx context.Context, from, into lake.TableName) error {
	l, err := r.ledger(from, into)
	if err != nil {
		return err
	}
	t, err := r.cfg.Catalog.Table(ctx, from)
	if err == nil && strings.HasPrefix(moves.Held(t), "rewritten into "+l.Into+" (") {
		err = moves.Release(ctx, r.cfg.Catalog, from, moves.Held(t))
	}
	if err != nil && !errors.Is(err, catalogsync.ErrNotFound) { // it was dropped: that is the usual end
		return err
	}
	if l.Write != "" && r.cfg.Engine.Written(l.Write) {
		if err := r.cfg.Engine.ForgetWrite(l.Write); err != nil {
			return err
		}
	}
	if err := os.Remove(l.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
