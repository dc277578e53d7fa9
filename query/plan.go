package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/fetch"
	"sluice/query/presto"
	"sluice/query/statement"
)

// A plan makes a statement ready for the executor.
type plan struct {
	engine   *Engine
	database string
	visible  func(database string) bool
	rows     *Rows // takes the statistics and what must be released
	dialect  Dialect
	// parameters are Request's.
	parameters []string
	// presto is what the statement became; nil in the executor's own dialect.
	presto *presto.Query

	sql  string
	snap *snapshot
	// tables are those referenced so far.
	tables map[lake.TableName]*tableSource
	query  executor.Query
	// listings are the files of partitions listed so far, by location.
	listings map[string][]object
	// constants are those of the statement that were evaluated.
	constants *constants
	views     []inlined // views of the statement
	hidden    bool      // see hiddenColumns
	explain   explaining
	stmt      *statement.Statement
	report    *scanReport   // of the table being planned
	reports   []*scanReport // where they are asked for
	remote    bool          // objects are left unread

	usage   *fetch.Usage      // of the query, all attempts to plan it
	planned map[string]bool   // files counted, by path, and objects, by key
	bare    map[string]string // see restrict
	// fresh: what was listed before must not be believed, since an object is not what
	// a listing said.
	fresh bool
}

// views are named so that no table's name can be one: names of tables are lower
// case.
const viewPrefix = "SLUICE_"

// make plans the statement.
func (p *plan) make(ctx context.Context, sql string) (executor.Query, error) {
	p.sql = sql
	p.tables = make(map[lake.TableName]*tableSource)
	p.listings = make(map[string][]object)
	p.planned = make(map[string]bool)
	p.bare = make(map[string]string)
	if p.usage == nil {
		p.usage = &fetch.Usage{}
	}
	defer func() {
		s := &p.rows.stats
		s.FetchedBytes, s.CachedBytes, s.Requests = p.usage.Fetched(), p.usage.Cached(), p.usage.Requests()
	}()
	p.constants = newConstants(p.engine)
	e := p.engine
	// The snapshot comes first: see snapshot.
	defer e.planning.begin()()
	snap, err := e.snapshot(p.visible)
	if err != nil {
		return executor.Query{}, err
	}
	p.snap = snap
	p.rows.release = append(p.rows.release, snap.close)
	tree, err := p.parse(ctx)
	if err != nil {
		return executor.Query{}, err
	}
	stmt, err := statement.Parse(tree, p.database)
	if err != nil {
		return executor.Query{}, err
	}
	if p.rows.run != nil {
		// It takes a snapshot of its own, before anything of the tables is looked up.
		if p.snap, err = p.plot(ctx, stmt); err != nil {
			return executor.Query{}, err
		}
		p.rows.release = append(p.rows.release, p.snap.close)
	}
	p.query.SQL, p.query.Limits = sql, stmt.Limits()
	if len(stmt.Tables) == 0 && p.presto == nil {
		return p.query, nil
	}
	p.stmt = stmt
	if err := p.fix(ctx, stmt); err != nil {
		return executor.Query{}, err
	}
	if err := p.current(ctx); err != nil {
		return executor.Query{}, err
	}
	if p.hidden, err = hide(stmt); err != nil {
		return executor.Query{}, err
	}
	for i, t := range stmt.Tables {
		name := fmt.Sprintf("%s%d", viewPrefix, i)
		plan := p.table
		if isInformation(t.Parts) {
			plan = p.information
		}
		if err := plan(ctx, t, name); err != nil {
			return executor.Query{}, p.at(err, t)
		}
		t.Replace(name)
	}
	p.query.SQL, err = e.exec.Text(ctx, stmt.Tree())
	return p.query, err
}

// fix makes now(), current_date and their like one instant, that of the query's
// start, for what is planned and for what is run. It finds the tables, since a
// column can have the name of a moment.
func (p *plan) fix(ctx context.Context, stmt *statement.Statement) error {
	instant := p.rows.started
	if p.dialect != DuckDB {
		instant = instant.Truncate(time.Millisecond) // Presto's timestamps have no more
	}
	p.query.Setup = stmt.Moments(instant)
	for _, t := range stmt.Tables {
		if isInformation(t.Parts) {
			continue
		}
		if _, _, err := p.source(ctx, t); err != nil {
			return p.at(err, t)
		}
	}
	stmt.Push(tableSchema{ctx, p})
	stmt.Fix(instant, func(name string) bool {
		for _, src := range p.tables {
			if slices.ContainsFunc(append(src.columns(), src.keys...), func(c lake.Column) bool { return strings.EqualFold(c.Name, name) }) {
				return true
			}
		}
		return false
	})
	return nil
}

// A tableSchema is what Push asks about, of sources that were found.
type tableSchema struct {
	ctx  context.Context // of the planning; it lives no longer
	plan *plan
}

func (s tableSchema) Columns(t *statement.Table) ([]lake.Column, bool) {
	if _, partitions := base(t.Parts); partitions || isInformation(t.Parts) {
		return nil, false
	}
	src, _, err := s.plan.source(s.ctx, t)
	if err != nil {
		return nil, false
	}
	columns := append(src.columns(), src.keys...)
	for i, c := range columns {
		if c.Type.Kind == lake.KindNone { // of a partition column
			columns[i].Type = lake.String
		}
	}
	return columns, true
}

func (s tableSchema) Scalar(functions []string) bool {
	return s.plan.engine.exec.Deterministic(functions)
}

// table plans one reference to a table.
func (p *plan) table(ctx context.Context, t *statement.Table, view string) error {
	src, part, err := p.source(ctx, t)
	if err != nil {
		return err
	}
	if _, ok := base(t.Parts); ok {
		sql, err := p.partitionsView(ctx, src, view)
		p.query.Setup = append(p.query.Setup, sql)
		return err
	}
	if err := src.readable(); err != nil {
		return err
	}
	if p.hidden && src.text != nil {
		return fault(CodeInvalid, "the columns %s are those of Parquet files; %s is made of text", strings.Join(hiddenColumns, ", "), src.name)
	}
	rel := relation{columns: src.columns(), keys: src.keys, text: src.text, hidden: p.hidden}
	met := t.Conditions
	add := func(files []dataFile, also []*statement.Condition, err error) error {
		rel.files = append(rel.files, files...)
		met = slices.DeleteFunc(slices.Clone(met), func(c *statement.Condition) bool { return !slices.Contains(also, c) })
		return err
	}
	filter, err := p.filter(ctx, src, t.Conditions)
	if err != nil {
		return err
	}
	if err := p.describe(ctx, src, t, filter); err != nil {
		return err
	}
	if part != deliveredOnly {
		if err := add(p.live(ctx, src, filter)); err != nil {
			return err
		}
	}
	want := p.restrict(t, &rel, view, rel.files)
	if part != liveOnly {
		if err := add(p.delivered(ctx, src, filter, want)); err != nil {
			return err
		}
	}
	if rel.filters, err = p.timestampFilters(ctx, rel.columns, t.Conditions); err != nil {
		return err
	}
	p.count(rel.files)
	sql := rel.view(view)
	if p.bare[view] != "" {
		p.bare[sql] = p.bare[view]
	}
	p.query.Setup = append(p.query.Setup, sql)
	// What holds for every row that is read need not be computed for each.
	for _, c := range met {
		c.Drop()
	}
	return nil
}

// count takes files into the statistics, and among those that may be read.
func (p *plan) count(files []dataFile) {
	for _, f := range files {
		if p.planned[f.path] {
			continue
		}
		p.planned[f.path] = true
		p.query.Files = append(p.query.Files, f.path)
		p.rows.stats.Bytes += f.bytes
		if name := cmp.Or(f.object, f.path); name == f.path || !p.planned[name] {
			p.planned[name] = true
			p.rows.stats.Files++
		}
	}
}

// source finds the table, once a statement.
func (p *plan) source(ctx context.Context, t *statement.Table) (*tableSource, part, error) {
	parts, _ := base(t.Parts)
	name, part, err := resolve(parts, p.database)
	if err != nil {
		return nil, 0, err
	}
	if src := p.tables[name]; src != nil {
		return src, part, nil
	}
	src, err := p.engine.table(ctx, parts, p.database, p.snap)
	if err != nil {
		return nil, 0, err
	}
	if run := p.rows.run; run != nil {
		if !run.Reads(name) {
			return nil, 0, fault(CodeInvalid, "a checkpoint is of the tables that the statement names, and %s is not one", name)
		}
		src.covers = func(id lake.BatchID) bool { return run.Covers(name, id) }
	}
	if src.table.View != "" {
		return nil, 0, fault(CodeInvalid, "%s is a view of Presto's, and can be asked in its dialect only", name)
	}
	p.tables[name] = src
	p.rows.release = append(p.rows.release, src.release)
	// Live rows are converted although only delivered ones may be asked for: the
	// columns that they bring belong to the table.
	if err := p.engine.acquire(ctx, src); err != nil {
		return nil, 0, err
	}
	return src, part, nil
}
