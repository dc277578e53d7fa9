package convert

import (
	"fmt"

	"sluice/internal/lake"
	"sluice/partitioner"

	"github.com/parquet-go/parquet-go/format"
)

// The limits of inference.
const (
	MaxColumns      = 2000 // leaf columns of a table
	MaxStructFields = 256  // distinct keys of an object; past them it is a map
	MaxDepth        = 16   // of nested objects and arrays; deeper ones are JSON text
)

type nodeKind uint8

const (
	leafNode nodeKind = iota
	structNode
	listNode
	mapNode
	// dropNode takes a top-level field that is a partition's value already: it
	// is no column. Anything but a scalar is rescued.
	dropNode
	// rescueNode takes a top-level field whose column name is taken by a
	// partition key of another meaning, or by _rescued itself.
	rescueNode
)

// A node is one place in the schema: the record itself, a field, an array's
// element, a map's keys or values.
//
// Slots: every node lives in a space of slots and is present or absent in each.
// Space 0 has one slot a record; every array and map opens a space with one slot
// an element.
type node struct {
	// What following a record needs of a node, in one line of the cache: ways are what
	// was found to come after its value, rank is its place among the nodes, see follow.
	ways []way
	seen uint64 // the stamp of the object that has filled it, while shredding
	id   int
	part int // 1 + the index of the partition field that this is
	// moment: it is a bigint, or a timestamp of date-times.
	moment bool
	ease   ease
	kind   nodeKind
	rank   uint64

	typ    lake.Type
	name   string // column or field name
	spelt  string // the JSON key of a struct's field
	quoted token  // that with its quotes, as most records write it
	parent *node
	pos    int // among the parent's fields
	// open: the type was inferred by this job, so a misfit is a surprise.
	open bool

	space     int // its slots
	elemSpace int // of a list or map: its elements' slots
	def, rep  uint8

	fields []*node // of a struct
	byKey  map[string]*node
	full   bool  // of a struct: takes no new fields; unknown ones are rescued
	elem   *node // of a list; of a map its values
	key    *node // of a map

	unit  timestampUnit // of a timestamp
	bloom float64       // how likely the leaf's Bloom filter is wrong; 0: it has none

	form form
}

// A form is what a node's column holds.
type form uint8

const (
	noForm     form = iota // nothing but presence
	numberForm             // a number, or a float's bits
	boolForm               // 0 or 1
	textForm               // bytes
	countForm              // of the elements of a list or map
)

func formOf(n *node) form {
	switch n.kind {
	case listNode, mapNode:
		return countForm
	case leafNode:
		switch n.typ.Kind {
		case lake.KindString, lake.KindBinary:
			return textForm
		case lake.KindBoolean:
			return boolForm
		}
		return numberForm
	}
	return noForm
}

// A schema is the tree of nodes for a run.
type schema struct {
	unordered bool // some way leads to a node of lower rank, see follow

	columns []lake.Column
	root    *node
	nodes   []*node // by id
	leaves  []*node // in Parquet's order
	spaces  int
	rescued *node // the _rescued column, nil while there is none
	sort    []sortKey
	sorting []format.SortingColumn // what of that a file tells
	// loose are the partition fields that no node of the schema stands for.
	loose []int
}

// newSchema builds the tree for columns. Those of known are the catalog's and
// not open to another type; the rest is.
func newSchema(columns, known []lake.Column, rules *partitioner.Rules) *schema {
	s := &schema{columns: columns, spaces: 1}
	s.root = s.add(&node{kind: structNode, typ: lake.Type{Kind: lake.KindStruct}})
	s.addFields(s.root, columns, known, true)
	for _, f := range s.root.fields {
		if f.name == lake.RescuedColumn {
			s.rescued = f
			f.quoted = token{} // no record's key leads here
		}
	}
	s.reserve(rules)
	for _, n := range s.nodes {
		n.form, n.ease = formOf(n), easeOf(n)
	}
	s.root.full = len(s.leaves) >= MaxColumns
	s.markFull(s.root)
	for i, path := range rules.Fields() {
		if n := s.find(path); n != nil && n.part == 0 {
			n.part = i + 1
			n.moment = n.kind == leafNode && n.space == 0 && (n.typ.Kind == lake.KindBigint || n.typ.Kind == lake.KindTimestamp && n.typ.Form == lake.FormPlain)
		} else {
			s.loose = append(s.loose, i)
		}
	}
	return s
}

func (s *schema) add(n *node) *node {
	n.id = len(s.nodes)
	s.nodes = append(s.nodes, n)
	return n
}

func (s *schema) addFields(parent *node, columns, known []lake.Column, isKnown bool) {
	parent.byKey = make(map[string]*node, len(columns))
	for _, c := range columns {
		k, ok := columnNamed(known, c.Name)
		f := s.addNode(parent, c.Name, c.Type, k.Type, isKnown && ok, parent.def, parent.rep, parent.space)
		f.pos = len(parent.fields)
		key := c.Key
		if key == "" {
			key = c.Name
		}
		f.spelt, f.quoted = key, newQuoted(key)
		parent.fields = append(parent.fields, f)
		parent.byKey[key] = f
	}
	for _, f := range parent.fields { // a name is a key too, unless it is another's
		if _, taken := parent.byKey[f.name]; !taken {
			parent.byKey[f.name] = f
		}
	}
}

// addNode adds an optional node below a parent whose levels are given.
func (s *schema) addNode(parent *node, name string, t, known lake.Type, isKnown bool, def, rep uint8, space int) *node {
	n := s.add(&node{name: name, typ: t, parent: parent, open: !isKnown, def: def + 1, rep: rep, space: space})
	switch t.Kind {
	case lake.KindStruct:
		n.kind = structNode
		s.addFields(n, t.Fields, known.Fields, isKnown)
	case lake.KindArray:
		n.kind = listNode
		n.elemSpace = s.newSpace()
		n.elem = s.addNode(n, "element", *t.Elem, elemOf(known), isKnown, n.def+1, rep+1, n.elemSpace)
	case lake.KindMap:
		n.kind = mapNode
		n.elemSpace = s.newSpace()
		n.key = s.add(&node{name: "key", typ: *t.Key, parent: n, def: n.def + 1, rep: rep + 1, space: n.elemSpace})
		s.leaves = append(s.leaves, n.key)
		n.elem = s.addNode(n, "value", *t.Elem, elemOf(known), isKnown, n.def+1, rep+1, n.elemSpace)
	default:
		s.leaves = append(s.leaves, n)
	}
	return n
}

func (s *schema) newSpace() int {
	s.spaces++
	return s.spaces - 1
}

func elemOf(t lake.Type) lake.Type {
	if t.Elem == nil {
		return lake.Type{}
	}
	return *t.Elem
}

// reserve keeps the names that no data column may have: partition keys and
// _rescued.
func (s *schema) reserve(rules *partitioner.Rules) {
	taken := func(name string, kind nodeKind, key string) {
		if _, ok := columnNamed(s.columns, name); ok && name != lake.RescuedColumn {
			return // the catalog has such a column all the same
		}
		f := &node{kind: kind, name: name, parent: s.root, pos: len(s.root.fields), spelt: key, quoted: newQuoted(key)}
		s.add(f)
		s.root.byKey[key] = f
		s.root.byKey[name] = f
	}
	for _, k := range rules.Keys() {
		if field, ok := rules.IdentityOf(k.Name); ok && len(field) == 1 && lake.CleanName(field[0]) == k.Name {
			taken(k.Name, dropNode, field[0])
		} else {
			taken(k.Name, rescueNode, k.Name)
		}
	}
	taken(lake.RescuedColumn, rescueNode, lake.RescuedColumn)
}

func (s *schema) markFull(n *node) {
	for _, f := range n.fields {
		f.full = len(s.leaves) >= MaxColumns || len(f.fields) >= MaxStructFields
		s.markFull(f)
	}
	if n.elem != nil {
		n.elem.full = len(s.leaves) >= MaxColumns || len(n.elem.fields) >= MaxStructFields
		s.markFull(n.elem)
	}
}

// find is the node of a field path through structs alone, or nil.
func (s *schema) find(path []string) *node {
	n := s.root
	for _, seg := range path {
		if n.kind != structNode {
			return nil
		}
		f := n.child(seg)
		if f == nil {
			return nil
		}
		n = f
	}
	return n
}

// child is the struct's field for a JSON key.
func (n *node) child(key string) *node {
	if f, ok := n.byKey[key]; ok {
		return f
	}
	f := n.byKey[lake.CleanName(key)]
	if f != nil && len(n.byKey) < 4*len(n.fields)+16 {
		n.byKey[key] = f // the next time it costs one look-up
	}
	return f
}

func columnNamed(columns []lake.Column, name string) (lake.Column, bool) {
	for _, c := range columns {
		if c.Name == name {
			return c, true
		}
	}
	return lake.Column{}, false
}

// checkColumns refuses types that cannot be written.
func checkColumns(columns []lake.Column) error {
	for _, c := range columns {
		if want := lake.MapOf(lake.String); c.Name == lake.RescuedColumn && !c.Type.Equal(want) {
			return fmt.Errorf("column %s %s: its type must be %s", c.Name, c.Type, want)
		}
		if err := checkType(c.Type, 0); err != nil {
			return fmt.Errorf("column %s %s: %w", c.Name, c.Type, err)
		}
	}
	return nil
}

func checkType(t lake.Type, depth int) error {
	if depth > 100 {
		return fmt.Errorf("nested too deep")
	}
	switch t.Kind {
	case lake.KindNone:
		return fmt.Errorf("no type")
	case lake.KindDecimal:
		if t.Precision > 18 {
			return fmt.Errorf("decimals of more than 18 digits cannot be written yet; declare it string")
		}
	case lake.KindStruct:
		if len(t.Fields) == 0 {
			return fmt.Errorf("a struct needs a field")
		}
		for _, f := range t.Fields {
			if err := checkType(f.Type, depth+1); err != nil {
				return err
			}
		}
	case lake.KindArray:
		return checkType(*t.Elem, depth+1)
	case lake.KindMap:
		if t.Key.Kind != lake.KindString {
			return fmt.Errorf("a map's keys must be strings")
		}
		return checkType(*t.Elem, depth+1)
	}
	return nil
}
