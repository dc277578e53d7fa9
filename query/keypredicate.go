package query

import (
	"context"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
)

// A keyPredicate is a condition over partition columns that are strings, compared with
// strings. It needs no executor: strings compare by their bytes, and what is
// compared with null is not true.
type keyPredicate struct {
	op   statement.Op
	of   []keyPredicate
	key  int      // index of the column
	with []string // without nulls: a comparison with one is never true
}

// keyPredicate is the predicate as one of the partition columns; not ok where it is none.
func (p *plan) keyPredicate(ctx context.Context, keys []lake.Column, t statement.Predicate) (k keyPredicate, ok bool, err error) {
	k.op = t.Op
	switch t.Op {
	case statement.Unknown, statement.Like:
		return k, false, nil
	case statement.And, statement.Or:
		for _, part := range t.Of {
			of, ok, err := p.keyPredicate(ctx, keys, part)
			if err != nil || !ok {
				return k, false, err
			}
			k.of = append(k.of, of)
		}
		return k, true, nil
	}
	k.key = lake.ColumnIndex(keys, t.Column)
	if k.key < 0 || len(t.Path) > 0 || keys[k.key].Type.Kind != lake.KindString {
		return k, false, nil
	}
	for _, c := range t.With {
		v, ok, err := p.constants.value(ctx, c)
		if err != nil || !ok || v.typ != "VARCHAR" {
			return k, false, err
		}
		if !v.null {
			k.with = append(k.with, v.text)
		}
	}
	return k, true, nil
}

// holds says whether the test is true of a partition.
func (k *keyPredicate) holds(values []string) bool {
	switch k.op {
	case statement.And:
		return !slices.ContainsFunc(k.of, func(p keyPredicate) bool { return !p.holds(values) })
	case statement.Or:
		return slices.ContainsFunc(k.of, func(p keyPredicate) bool { return p.holds(values) })
	}
	value := values[k.key]
	null := value == lake.NullPartition
	switch k.op {
	case statement.IsNull:
		return null
	case statement.IsNotNull:
		return !null
	}
	return !null && slices.ContainsFunc(k.with, func(with string) bool { return compares(k.op, strings.Compare(value, with)) })
}

// compares says whether an operator holds, given how its left side compares with
// its right.
func compares(op statement.Op, order int) bool {
	switch op {
	case statement.Equal, statement.In:
		return order == 0
	case statement.Less:
		return order < 0
	case statement.LessEqual:
		return order <= 0
	case statement.Greater:
		return order > 0
	case statement.GreaterEqual:
		return order >= 0
	}
	panic("BUG: no comparison: " + op)
}

// maxExpression is what Glue takes, in bytes.
const maxExpression = 2048

// expression is for the catalog, which may select more partitions than the test,
// never fewer; empty where there is none that every catalog understands.
func expression(tests []keyPredicate, keys []lake.Column) string {
	var all []string
	length := 0
	for _, t := range tests {
		if text, ok := t.expression(keys); ok && length+len(text)+5 <= maxExpression {
			all = append(all, text)
			length += len(text) + 5
		}
	}
	return strings.Join(all, " AND ")
}

func (k *keyPredicate) expression(keys []lake.Column) (string, bool) {
	var parts []string
	switch k.op {
	case statement.And, statement.Or:
		for _, p := range k.of {
			text, ok := p.expression(keys)
			switch {
			case ok:
				parts = append(parts, text)
			case k.op == statement.Or:
				return "", false
			}
		}
		return "(" + strings.Join(parts, " "+strings.ToUpper(string(k.op))+" ") + ")", len(parts) > 0
	case statement.IsNull, statement.IsNotNull:
		return "", false
	}
	name := keys[k.key].Name
	if !plainName(name) || len(k.with) == 0 {
		return "", false
	}
	for _, with := range k.with {
		if !plainText(with) {
			return "", false
		}
		parts = append(parts, executor.Quote(with))
	}
	if k.op == statement.In {
		return "(" + name + " IN (" + strings.Join(parts, ", ") + "))", true
	}
	return "(" + name + " " + string(k.op) + " " + parts[0] + ")", true
}

// plainName reports whether a name needs no quotes anywhere.
func plainName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && (name[0] < '0' || name[0] > '9')
}

// plainText reports whether a text means the same to every reader of SQL, and is
// not the word for null.
func plainText(text string) bool {
	return text != lake.NullPartition && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' || r == '\\' })
}
