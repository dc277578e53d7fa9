package statement

import (
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/syntax"
)

// A pushFrom is what stands in a query's FROM.
type pushFrom struct {
	pusher *pusher
	scope  *cte
	items  []pushItem
	direct []int      // items of which each row that counts satisfies WHERE
	joins  []pushJoin // with a condition
	// using are columns that are one of two tables' in what joins give; merged says
	// that there are some.
	using  map[string]bool
	merged bool
}

// A pushItem is one thing in FROM. It is a table, a query, a common table expression,
// or something else.
type pushItem struct {
	node    node
	alias   string
	table   *Table
	query   node
	cte     *cte
	outputs outputs
	sampled bool
}

// A pushJoin is the ON or USING of a join.
type pushJoin struct {
	conjuncts   []node
	using       []string
	left, right []int // items of which each row that the side gives has one
	// which sides' rows fall away where the condition fails
	ofLeft, ofRight bool
}

func (p *pusher) from(n node, scope *cte) *pushFrom {
	f := &pushFrom{pusher: p, scope: scope, using: make(map[string]bool)}
	f.direct = f.add(syntax.Object(n, "from_table"))
	return f
}

// add adds what a node of FROM is made of, and gives the items of which each row that
// it gives has one.
func (f *pushFrom) add(n node) (direct []int) {
	switch syntax.Text(n, "type") {
	case "JOIN":
		return f.join(n)
	case "EMPTY", "EMPTY_FROM", "":
		return nil
	}
	item := pushItem{node: n, alias: syntax.Text(n, "alias"), sampled: n["sample"] != nil}
	switch syntax.Text(n, "type") {
	case "BASE_TABLE":
		if item.table = f.pusher.statement.lookup(n); item.table != nil {
			item.alias = item.table.Alias
			item.outputs = f.pusher.tableOutputs(item.table)
			break
		}
		name := syntax.Text(n, "table_name")
		if item.alias == "" {
			item.alias = name
		}
		if item.cte = f.scope.find(name); item.cte != nil {
			item.outputs = f.pusher.outputs(item.cte.query, item.cte.outer).renamed(item.cte.aliases)
		}
	case "SUBQUERY":
		item.query = syntax.Object(syntax.Object(n, "subquery"), "node")
		item.outputs = f.pusher.outputs(item.query, f.scope)
	}
	item.outputs = item.outputs.renamed(syntax.List(n, "column_name_alias"))
	f.items = append(f.items, item)
	return []int{len(f.items) - 1}
}

func (f *pushFrom) join(n node) (direct []int) {
	first := len(f.items)
	left := f.add(syntax.Object(n, "left"))
	second := len(f.items)
	right := f.add(syntax.Object(n, "right"))
	j := pushJoin{left: left, right: right}
	if c := syntax.Object(n, "condition"); c != nil {
		j.conjuncts = conjuncts([]node{c})
	}
	for _, u := range syntax.List(n, "using_columns") {
		name, _ := u.(string)
		j.using = append(j.using, strings.ToLower(name))
	}
	ref, typ := syntax.Text(n, "ref_type"), syntax.Text(n, "join_type")
	f.merged = f.merged || len(j.using) > 0 || ref == "NATURAL"
	if ref == "NATURAL" {
		j.using = f.shared(f.items[first:second], f.items[second:])
	}
	if ref != "REGULAR" && ref != "CROSS" && ref != "NATURAL" {
		return nil
	}
	switch typ {
	case "INNER":
		j.ofLeft, j.ofRight = true, true
		direct = slices.Concat(left, right)
		for _, name := range j.using {
			f.using[name] = true
		}
	case "LEFT":
		j.ofRight = true
		direct = left
	case "RIGHT":
		j.ofLeft = true
		direct = right
	case "SEMI", "ANTI":
		return left
	default:
		return nil
	}
	f.joins = append(f.joins, j)
	return direct
}

// column is the place that a reference means.
func (f *pushFrom) column(parts []string) (place, bool) {
	var found []place
	for i, item := range f.items {
		switch {
		case len(parts) == 1:
		case len(parts) == 2 && strings.EqualFold(parts[0], item.alias):
		default:
			continue
		}
		if k := item.outputs.find(parts[len(parts)-1]); k >= 0 {
			found = append(found, place{i, k})
		}
	}
	// A name that two have is an error, but for one that a join made one.
	if len(found) == 1 || len(found) > 1 && len(parts) == 1 && f.using[strings.ToLower(parts[0])] {
		return found[0], true
	}
	return place{}, false
}

// shared are the names that both sides of a natural join have; none where they are not
// all known.
func (f *pushFrom) shared(left, right []pushItem) (names []string) {
	if slices.ContainsFunc(slices.Concat(left, right), func(i pushItem) bool { return !i.outputs.whole }) {
		return nil
	}
	for _, l := range left {
		for _, c := range l.outputs.list {
			if slices.ContainsFunc(right, func(r pushItem) bool { return r.outputs.find(c.name) >= 0 }) {
				names = append(names, strings.ToLower(c.name))
			}
		}
	}
	return names
}

// reference is the place that a reference means, and the path of the field of it that it
// goes on to, where that is a struct. What can be a table's name is taken for one.
func (f *pushFrom) reference(parts []string) (k place, path []string, ok bool) {
	if len(parts) == 1 {
		k, ok = f.column(parts)
		return k, nil, ok
	}
	if slices.ContainsFunc(f.items, func(i pushItem) bool { return strings.EqualFold(i.alias, parts[0]) }) {
		k, ok = f.column(parts[:2])
		return k, parts[2:], ok
	}
	if k, ok = f.column(parts[:1]); !ok || f.items[k.item].outputs.list[k.column].typ.Kind != lake.KindStruct {
		return place{}, nil, false
	}
	return k, parts[1:], true
}

// place is an expression with places for its columns; not ok where one is not known, or
// is of another query.
func (f *pushFrom) place(expression node) (out node, ok bool) {
	out, ok = bare(expression), true
	within := closed(out)
	every(out, func(n node) {
		if syntax.Text(n, "class") != "COLUMN_REF" || n["column_names"] == nil || within[pointer(n)] {
			return
		}
		k, path, known := f.reference(names(n))
		if !known {
			_, _, isMoment := momentOf(n)
			ok = ok && isMoment
			return
		}
		to := placeNode(k)
		for _, field := range path {
			to = fieldNode(to, strings.ToLower(field))
		}
		become(n, to)
	})
	return out, ok
}

// distribute gives each item what is said of it alone, with places in it, all of them
// being said of the rows that FROM gives.
func (f *pushFrom) distribute(all []node) [][]node {
	d := distribution{from: f, items: make([][]node, len(f.items)), seen: make(map[string]bool)}
	for _, j := range f.joins {
		within := func(some []int) bool {
			return !slices.ContainsFunc(some, func(i int) bool { return !slices.Contains(f.direct, i) })
		}
		whole := j.ofLeft && j.ofRight && within(j.left) && within(j.right)
		for _, c := range j.conjuncts {
			r, ok := f.place(c)
			switch {
			case !ok:
			case whole:
				all = append(all, r)
			default:
				d.local(r, j)
			}
			if ok {
				d.equality(r, j)
			}
		}
		for _, name := range j.using {
			d.usingEquality(name, j)
		}
	}
	for _, c := range all {
		d.equality(c, pushJoin{left: f.direct, right: f.direct, ofLeft: true, ofRight: true})
	}
	for _, c := range all {
		d.give(c, f.direct)
	}
	d.transfer()
	return d.items
}

// mostDerived bounds what follows from equalities.
const mostDerived = 200

// A distribution gives conditions to items.
type distribution struct {
	from  *pushFrom
	items [][]node
	equal []equality
	known []node // given to direct items, so true of all rows
	seen  map[string]bool
}

// An equality: of rows that count, the one column is equal to the other, in an item of
// which rows count only where it is.
type equality struct{ from, to place }

// give gives a condition to the item that it is of alone, if that is one of those.
func (d *distribution) give(c node, to []int) {
	all := places(c)
	if len(all) == 0 || !plain(c) {
		return
	}
	i := all[0].item
	if !slices.Contains(to, i) || slices.ContainsFunc(all, func(k place) bool { return k.item != i }) || d.from.items[i].sampled {
		return
	}
	key := string(syntax.Encode(c))
	if d.seen[key] {
		return
	}
	d.seen[key] = true
	d.items[i] = append(d.items[i], replace(c, func(k place) node { return placeNode(place{0, k.column}) }))
	if slices.Contains(d.from.direct, i) {
		d.known = append(d.known, c)
	}
}

// local is a condition of a join whose rows may be missing in what FROM gives.
func (d *distribution) local(c node, j pushJoin) {
	if j.ofLeft {
		d.givenLocally(c, j.left)
	}
	if j.ofRight {
		d.givenLocally(c, j.right)
	}
}

// givenLocally is give for what does not hold of all rows of the answer.
func (d *distribution) givenLocally(c node, to []int) {
	known := d.known
	d.give(c, to)
	d.known = known
}

func (d *distribution) equality(c node, j pushJoin) {
	if syntax.Text(c, "type") != "COMPARE_EQUAL" {
		return
	}
	a, ok1 := placed(syntax.Object(c, "left"))
	b, ok2 := placed(syntax.Object(c, "right"))
	if ok1 && ok2 {
		d.equate(a, b, j)
		d.equate(b, a, j)
	}
}

// equate notes that what is true of a is true of b, where b's side has no other rows.
func (d *distribution) equate(a, b place, j pushJoin) {
	items := d.from.items
	one, other := items[a.item].outputs.list[a.column].typ, items[b.item].outputs.list[b.column].typ
	if a.item == b.item || one.Kind == lake.KindNone || one.String() != other.String() || !slices.Contains(d.from.direct, a.item) {
		return
	}
	if j.ofRight && slices.Contains(j.left, a.item) && slices.Contains(j.right, b.item) ||
		j.ofLeft && slices.Contains(j.right, a.item) && slices.Contains(j.left, b.item) {
		d.equal = append(d.equal, equality{a, b})
	}
}

func (d *distribution) usingEquality(name string, j pushJoin) {
	find := func(in []int) (k place, ok bool) {
		for _, i := range in {
			if c := d.from.items[i].outputs.find(name); c >= 0 {
				if ok {
					return k, false
				}
				k, ok = place{i, c}, true
			}
		}
		return k, ok
	}
	a, ok1 := find(j.left)
	b, ok2 := find(j.right)
	if ok1 && ok2 {
		d.equate(a, b, j)
		d.equate(b, a, j)
	}
}

// transfer says of columns what is said of those that they are equal to.
func (d *distribution) transfer() {
	for n := 0; n < len(d.known) && n < mostDerived; n++ {
		c := d.known[n]
		all := places(c)
		if slices.ContainsFunc(all, func(k place) bool { return k != all[0] }) {
			continue
		}
		for _, e := range d.equal {
			if e.from != all[0] {
				continue
			}
			derived := replace(c, func(place) node { return placeNode(e.to) })
			d.give(derived, []int{e.to.item})
		}
	}
}

// plain reports whether an expression is made of what a condition may be made of.
func plain(c node) (ok bool) {
	ok = true
	within := closed(c)
	every(c, func(n node) {
		if class, is := n["class"].(string); is && !plainClasses[class] && !within[pointer(n)] {
			ok = false
		}
	})
	return ok
}
