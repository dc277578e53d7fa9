package query

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/query/fetch"
	"sluice/query/fetch/statistics"
	"sluice/query/statement"
)

// filePredicates are what the conditions say of columns in files, as far as statistics
// can answer it.
func (p *plan) filePredicates(ctx context.Context, columns []lake.Column, conditions []*statement.Condition) ([]statistics.Predicate, error) {
	var tests []statistics.Predicate
	for _, c := range conditions {
		t, err := p.filePredicate(ctx, columns, c.Predicate())
		if err != nil {
			return nil, err
		}
		if t.Useful() {
			tests = append(tests, t)
		}
	}
	return tests, nil
}

// filePredicate is the test over the columns of files. What it cannot say is unknown.
func (p *plan) filePredicate(ctx context.Context, columns []lake.Column, t statement.Predicate) (out statistics.Predicate, err error) {
	unknown := statistics.Predicate{Op: statement.Unknown}
	out = statistics.Predicate{Op: t.Op, Column: t.Column, Path: t.Path}
	for _, part := range t.Of {
		f, err := p.filePredicate(ctx, columns, part)
		if err != nil {
			return unknown, err
		}
		out.Of = append(out.Of, f)
	}
	if t.Op == statement.Unknown || t.Op == statement.And || t.Op == statement.Or {
		return out, nil
	}
	i := lake.ColumnIndex(columns, t.Column)
	if i < 0 {
		return unknown, nil
	}
	ok := true
	if out.Type, ok = fieldType(columns[i].Type, t.Path); !ok {
		return unknown, nil
	}
	if t.Op == statement.Like {
		return p.prefixPredicate(ctx, out, t.With[0])
	}
	for _, c := range t.With {
		v, null, ok, err := p.fileValue(ctx, out.Type, c)
		if err != nil || !ok {
			return unknown, err
		}
		if !null {
			out.With = append(out.With, v)
		}
	}
	return out, nil
}

// prefixPredicate is what a pattern says of the texts that match it: the range of those
// that begin as it does.
func (p *plan) prefixPredicate(ctx context.Context, of statistics.Predicate, pattern statement.Constant) (statistics.Predicate, error) {
	k, ok, err := p.constants.value(ctx, pattern)
	prefix := k.text
	if i := strings.IndexAny(prefix, "%_"); i >= 0 {
		prefix = prefix[:i]
	}
	if err != nil || !ok || k.null || k.typ != "VARCHAR" || of.Type.Kind != lake.KindString || prefix == "" {
		return statistics.Predicate{Op: statement.Unknown}, err
	}
	from := of
	from.Op, from.With = statement.GreaterEqual, []statistics.Value{statistics.Text(prefix)}
	last := len(prefix) - 1
	if prefix[last] >= 0x7e { // what follows it is none of ASCII
		return from, nil
	}
	to := of
	to.Op, to.With = statement.Less, []statistics.Value{statistics.Text(prefix[:last] + string(prefix[last]+1))}
	return statistics.Predicate{Op: statement.And, Of: []statistics.Predicate{from, to}}, nil
}

// fieldType is the type of the field at the path; not ok where there is none, or several
// of a name.
func fieldType(t lake.Type, path []string) (lake.Type, bool) {
	for _, name := range path {
		if t.Kind != lake.KindStruct {
			return t, false
		}
		named := func(c lake.Column) bool { return strings.EqualFold(c.Name, name) }
		i := slices.IndexFunc(t.Fields, named)
		if i < 0 || slices.ContainsFunc(t.Fields[i+1:], named) {
			return t, false
		}
		t = t.Fields[i].Type
	}
	return t, true
}

// integerTypes are DuckDB's names of the types of whole numbers.
var integerTypes = []string{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}

// fileValue is a constant in the terms of a column that it is compared with; not ok
// where the executor would compare otherwise than bounds do.
func (p *plan) fileValue(ctx context.Context, t lake.Type, c statement.Constant) (v statistics.Value, null, ok bool, err error) {
	if t.Kind == lake.KindTimestamp {
		micros, ok, err := p.constants.micros(ctx, c)
		return statistics.Number(float64(micros), 1), false, ok, err
	}
	k, ok, err := p.constants.value(ctx, c)
	if err != nil || !ok {
		return v, false, false, err
	}
	exact := slices.Contains(integerTypes, k.typ) || strings.HasPrefix(k.typ, "DECIMAL(")
	switch t.Kind {
	case lake.KindString:
		return statistics.Text(k.text), k.null, k.typ == "VARCHAR", nil
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint, lake.KindDouble:
		ok = exact || k.typ == "DOUBLE"
	case lake.KindDecimal:
		ok = exact
	case lake.KindDate:
		day, err := time.Parse(time.DateOnly, k.text)
		ok = (k.typ == "DATE" || k.typ == "VARCHAR") && (err == nil || k.null)
		return statistics.Whole(float64(day.Unix() / 86400)), k.null, ok, nil
	default:
		ok = false
	}
	if !ok || k.null {
		return v, k.null, ok, nil
	}
	f, err := strconv.ParseFloat(k.text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return v, false, false, nil
	}
	if n, err := strconv.ParseInt(k.text, 10, 64); err == nil && slices.Contains(integerTypes, k.typ) {
		return statistics.Integer(n), false, true, nil
	}
	if slices.Contains(integerTypes, k.typ) {
		return statistics.Whole(f), false, true, nil
	}
	return statistics.Number(f, 0), false, true, nil
}

// pruneFiles leaves out the objects that no row of which can satisfy the predicates, by
// their footers and Bloom filters, and notes which row groups of the others can. Of an object whose
// footer cannot be had nothing is known: reading it will say what is wrong.
func (p *plan) pruneFiles(ctx context.Context, objects []placed, tests []statistics.Predicate, want fetch.Want) ([]placed, error) {
	if len(tests) == 0 {
		return objects, nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(fetches)
	for i := range objects {
		g.Go(func() error {
			o := &objects[i]
			f, err := p.engine.objects.Footer(gctx, o.object.Object, p.uses(o.object.Key))
			if gctx.Err() != nil {
				return context.Cause(gctx)
			}
			if err != nil {
				if !errors.Is(err, fetch.ErrTooLarge) {
					p.engine.log.Debug("a file is not pruned", "object", o.object.Key, "err", err)
				}
				return nil
			}
			blooms := p.engine.objects.Blooms(gctx, o.object.Object, want, p.uses(o.object.Key))
			o.groups, o.kept, o.filtered = statistics.Keep(f, tests, blooms)
			o.known = true
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p.report.noteGroups(objects)
	all := len(objects)
	objects = slices.DeleteFunc(objects, func(o placed) bool { return o.known && o.kept == 0 })
	p.rows.stats.FilesPruned += int64(all - len(objects))
	return objects, nil
}
