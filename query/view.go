package query

import (
	"context"
	"errors"
	"slices"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/presto"
	"sluice/query/statement"
	"sluice/query/view"
)

const (
	// deepestView bounds views within views, mostViews how many a statement may come
	// to, one that is named twice counted twice.
	deepestView = 32
	mostViews   = 256
)

// An expansion puts views' queries in the places where they are named.
type expansion struct {
	plan  *plan
	views int
}

// expand is the statement's tree with its views expanded; tree is what it was made
// of. Only Presto's views are known, and only in its dialect.
func (p *plan) expand(ctx context.Context, tree []byte, stmt *statement.Statement) ([]byte, error) {
	p.views = nil
	x := &expansion{plan: p}
	if err := x.tables(ctx, stmt, p.database, nil); err != nil {
		return nil, err
	}
	if x.views == 0 {
		return tree, nil
	}
	return stmt.Tree(), nil
}

// tables expands those of the statement's tables that are views. within are the
// views that it is part of.
func (x *expansion) tables(ctx context.Context, stmt *statement.Statement, database string, within []lake.TableName) error {
	for _, t := range stmt.Tables {
		if isInformation(t.Parts) {
			continue
		}
		name, part, err := resolve(t.Parts, database)
		if err != nil {
			return x.plan.at(err, t)
		}
		table, err := x.plan.snap.lookup(ctx, x.plan.engine.cfg.Catalog, name)
		missing := errors.Is(err, catalogsync.ErrNotFound)
		if err != nil && !missing {
			continue // the planner will say it
		}
		if missing && len(within) > 0 && len(x.plan.snap.tables[name]) == 0 {
			// What is in databases that the asker may not see has no name either.
			return fault(CodeNotFound, "the view %s names a table that is not there", within[len(within)-1])
		}
		if table.View == "" {
			continue
		}
		if part != everything {
			return fault(CodeInvalid, "%s is a view: it has no rows of its own that are delivered or not%s", name, where(x.plan.sql, t.Position))
		}
		if err := x.view(ctx, t, table, within); err != nil {
			return err
		}
	}
	return nil
}

// view expands a view in the place where it is named.
func (x *expansion) view(ctx context.Context, t *statement.Table, table lake.Table, within []lake.TableName) error {
	if slices.Contains(within, table.Name) {
		return fault(CodeInvalid, "the view %s is made of itself", table.Name)
	}
	x.views++
	if x.views > mostViews || len(within) >= deepestView {
		return fault(CodeInvalid, "the statement comes to more than %d views, or views nested more than %d deep", mostViews, deepestView)
	}
	d, err := view.Decode(table.View)
	if err != nil {
		return fault(CodeInvalid, "the view %s cannot be read: %v", table.Name, err)
	}
	if d.Schema == "" {
		d.Schema = table.Name.Database
	}
	d.Schema = strings.ToLower(d.Schema)
	stmt, err := x.parse(ctx, d)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fault(CodeInvalid, "the view %s cannot be answered: %v", table.Name, err)
	}
	if err := x.tables(ctx, stmt, d.Schema, append(slices.Clip(within), table.Name)); err != nil {
		return err
	}
	stmt.Qualify()
	x.plan.views = append(x.plan.views, inlined{name: table.Name, definition: d, tree: stmt.Tree()})
	body := statement.View{Statement: stmt}
	for _, c := range d.Columns {
		body.Columns = append(body.Columns, c.Name)
	}
	return t.Inline(body)
}

// parse is the query of a view.
func (x *expansion) parse(ctx context.Context, d view.Definition) (*statement.Statement, error) {
	if len(d.SQL) > x.plan.engine.cfg.MaxSQL {
		return nil, fault(CodeInvalid, "it has %d bytes; at most %d are allowed", len(d.SQL), x.plan.engine.cfg.MaxSQL)
	}
	front, err := presto.Front(d.SQL, nil)
	if err != nil {
		return nil, err
	}
	text, replaced := unreserve(front.SQL)
	tree, err := x.plan.engine.exec.Parse(ctx, text)
	var syntax *executor.Error
	if errors.As(err, &syntax) {
		return nil, errors.New(syntax.Message)
	}
	if err != nil {
		return nil, err
	}
	if replaced {
		tree = rename(tree)
	}
	return statement.Parse(tree, d.Schema)
}
