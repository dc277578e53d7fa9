package query

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/query/executor"
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
	planned  map[string]bool // files counted, by path
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
	e := p.engine
	// The snapshot comes first: see snapshot.
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
	p.query.SQL = sql
	if len(stmt.Tables) == 0 && p.presto == nil {
		return p.query, nil
	}
	for i, t := range stmt.Tables {
		name := fmt.Sprintf("%s%d", viewPrefix, i)
		if err := p.table(ctx, t, name); err != nil {
			return executor.Query{}, p.at(err, t)
		}
		t.Replace(name)
	}
	p.query.SQL, err = e.exec.Text(ctx, stmt.Tree())
	return p.query, err
}

// parse is the statement's syntax tree, in the executor's dialect. Positions in it
// and in errors are the statement's.
func (p *plan) parse(ctx context.Context) ([]byte, error) {
	front := &presto.Text{SQL: p.sql}
	if p.dialect != DuckDB {
		var err error
		if front, err = presto.Front(p.sql, p.parameters); err != nil {
			return nil, err
		}
	}
	text, replaced := unreserve(front.SQL)
	tree, err := p.engine.exec.Parse(ctx, text)
	var fault *executor.Error
	if errors.As(err, &fault) {
		return nil, &executor.Error{Kind: fault.Kind, Message: fault.Message, Position: front.Original(fault.Position)}
	}
	if replaced {
		tree = rename(tree)
	}
	if err != nil || p.dialect == DuckDB {
		return tree, err
	}
	// What no statement may ask for is refused as such, before the dialect is looked at.
	if _, err := statement.Parse(tree, p.database); err != nil {
		var refusal *statement.Refusal
		if errors.As(err, &refusal) {
			return nil, &statement.Refusal{What: refusal.What, Position: front.Original(refusal.Position)}
		}
		return nil, err
	}
	if p.presto, err = presto.Rewrite(tree, front.Original); err != nil {
		return nil, err
	}
	return p.presto.Tree, nil
}

// run runs the query. Where a variant of the statement cannot be bound, the next
// is tried: see presto.Query.
func (p *plan) run(ctx context.Context, q executor.Query) (*executor.Rows, error) {
	if p.presto == nil {
		return p.engine.exec.Run(ctx, q)
	}
	q.Bigint = true
	views := q.Setup
	var first error
	for variant := range p.presto.Variants {
		q.Setup = append(p.presto.Setup(variant), views...)
		rows, err := p.engine.exec.Run(ctx, q)
		var fault *executor.Error
		if err == nil || !errors.As(err, &fault) || fault.Kind != "Binder" {
			return rows, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// at adds to an error about a table where the table is named.
func (p *plan) at(err error, t *statement.Table) error {
	var known *Error
	if !errors.As(err, &known) || known.Code != CodeNotFound {
		return err
	}
	return &Error{Code: known.Code, Message: known.Message + where(p.sql, t.Position), cause: err}
}

// table plans one reference to a table.
func (p *plan) table(ctx context.Context, t *statement.Table, view string) error {
	src, part, err := p.source(ctx, t)
	if err != nil {
		return err
	}
	e := p.engine
	rel := relation{columns: src.columns(), keys: src.keys}
	met := t.Conditions
	add := func(files []dataFile, also []*statement.Condition, err error) error {
		rel.files = append(rel.files, files...)
		met = slices.DeleteFunc(slices.Clone(met), func(c *statement.Condition) bool { return !slices.Contains(also, c) })
		return err
	}
	if part != liveOnly {
		if err := add(p.delivered(ctx, src, t.Conditions)); err != nil {
			return err
		}
	}
	if part != deliveredOnly {
		if err := add(p.live(ctx, src, t.Conditions)); err != nil {
			return err
		}
	}
	if rel.filters, err = e.timestampFilters(ctx, rel.columns, t.Conditions); err != nil {
		return err
	}
	for _, f := range rel.files {
		if !p.planned[f.path] {
			p.planned[f.path] = true
			p.query.Files = append(p.query.Files, f.path)
			p.rows.stats.Files++
			p.rows.stats.Bytes += f.bytes
		}
	}
	p.query.Setup = append(p.query.Setup, rel.view(view))
	// What holds for every row that is read need not be computed for each.
	for _, c := range met {
		c.Drop()
	}
	return nil
}

// source finds the table, once a statement.
func (p *plan) source(ctx context.Context, t *statement.Table) (*tableSource, part, error) {
	name, part, err := resolve(t.Parts, p.database)
	if err != nil {
		return nil, 0, err
	}
	if src := p.tables[name]; src != nil {
		return src, part, nil
	}
	src, err := p.engine.table(ctx, t.Parts, p.database, p.snap)
	if err != nil {
		return nil, 0, err
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

// live are the files of live rows that can satisfy the conditions.
func (p *plan) live(ctx context.Context, src *tableSource, conditions []*statement.Condition) ([]dataFile, []*statement.Condition, error) {
	if src.view == nil {
		return nil, conditions, nil
	}
	if !src.counted {
		src.counted = true
		p.rows.stats.LiveRows += src.view.Rows
		for _, b := range src.batches {
			p.rows.stats.LiveBytes += b.Bytes
		}
	}
	files := src.liveFiles()
	values := make([][]string, len(files))
	for i, f := range files {
		values[i] = f.values
	}
	keep, met, err := p.engine.prune(ctx, src.keys, conditions, values)
	if err != nil {
		return nil, nil, err
	}
	var kept []dataFile
	for i, f := range files {
		if keep[i] {
			kept = append(kept, f)
		}
	}
	return kept, met, nil
}

// delivered are the files in the lake that can satisfy the conditions.
func (p *plan) delivered(ctx context.Context, src *tableSource, conditions []*statement.Condition) ([]dataFile, []*statement.Condition, error) {
	partitions, err := src.delivered(ctx, p.engine)
	if err != nil {
		return nil, nil, err
	}
	values := make([][]string, len(partitions))
	for i, part := range partitions {
		values[i] = part.Values
	}
	keep, met, err := p.engine.prune(ctx, src.keys, conditions, values)
	if err != nil {
		return nil, nil, err
	}
	var kept []lake.Partition
	for i, part := range partitions {
		if keep[i] {
			kept = append(kept, part)
		}
	}
	if len(src.keys) > 0 {
		p.rows.stats.Partitions += int64(len(partitions))
		p.rows.stats.PartitionsPruned += int64(len(partitions) - len(kept))
	}
	if err := p.list(ctx, src, kept); err != nil {
		return nil, nil, err
	}
	var objects []placed
	for _, part := range kept {
		for _, o := range p.listings[part.Location] {
			objects = append(objects, placed{object: o, values: part.Values})
		}
	}
	files, err := p.fetch(ctx, objects)
	return files, met, err
}

// A placed object is one of a partition.
type placed struct {
	object object
	values []string
}

// fetches is how many objects a query fetches at once.
const fetches = 8

// fetch makes the objects local files.
func (p *plan) fetch(ctx context.Context, objects []placed) ([]dataFile, error) {
	files := make([]dataFile, len(objects))
	fetched := make([]int64, len(objects))
	releases := make([]func(), len(objects))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(fetches)
	for i, o := range objects {
		files[i] = dataFile{bytes: o.object.Size, values: o.values}
		if path, ok := p.engine.cfg.Store.LocalPath(o.object.Key); ok {
			files[i].path = path
			continue
		}
		g.Go(func() (err error) {
			files[i].path, fetched[i], releases[i], err = p.engine.objects.Get(gctx, o.object.Object)
			return err
		})
	}
	err := g.Wait()
	for i, release := range releases {
		if release != nil {
			p.rows.release = append(p.rows.release, release)
			p.rows.stats.FetchedBytes += fetched[i]
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return files, nil
}

// locate points an error of the executor, whose positions are into the text
// that it ran, to the place in the user's statement.
func (p *plan) locate(ctx context.Context, err error, ran string) error {
	var fault *executor.Error
	if !errors.As(err, &fault) || fault.Position < 0 || ran == p.sql {
		return err
	}
	e := p.engine
	position := -1
	original, err1 := p.parse(ctx)
	rewritten, err2 := e.exec.Parse(ctx, ran)
	if err1 == nil && err2 == nil {
		position = statement.Corresponding(original, rewritten, fault.Position)
	}
	return &executor.Error{Kind: fault.Kind, Message: fault.Message, Position: position}
}
