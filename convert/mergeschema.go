package convert

import (
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// A sourceLeaf is how a leaf of the schema is found in a source.
type sourceLeaf struct {
	node  *node
	index int // of the column chunk
	read  reading
	// levels are, from below the root to the leaf, what the source's definition levels
	// say of each node.
	levels []nodeLevels
	// lead is how many of those, from the root, another leaf before speaks for.
	lead   int
	nested bool
}

// nodeLevels are the definition levels of a source from which a node is present, and
// of a list or map from which it has an element. The repetition levels are those of the
// schema: each list adds one.
type nodeLevels struct {
	node             *node
	present, element uint8
}

// A sourceNode is an element of a file's schema with its place.
type sourceNode struct {
	el       *format.SchemaElement
	children []*sourceNode
	def      int
	leaf     int // its number, of one without children
}

// match finds the schema's leaves among a file's. Nothing may be left over: what no
// column takes would be lost.
func match(s *schema, elements []format.SchemaElement) ([]sourceLeaf, error) {
	t := treeOf{elements: elements}
	root, err := t.next(nil, 0)
	if err == nil && t.at != len(elements) {
		err = foreign("it is damaged: its schema has elements below no column")
	}
	if err != nil {
		return nil, err
	}
	m := matcher{}
	if err := m.fields(s.root, root, nil); err != nil {
		return nil, err
	}
	share(m.out)
	return m.out, nil
}

// A treeOf reads a flattened schema.
type treeOf struct {
	elements   []format.SchemaElement
	at, leaves int
}

func (t *treeOf) next(parent *sourceNode, depth int) (*sourceNode, error) {
	if t.at >= len(t.elements) || depth > 200 {
		return nil, foreign("it is damaged: its schema has no end")
	}
	n := &sourceNode{el: &t.elements[t.at]}
	t.at++
	if parent != nil {
		n.def = parent.def
		if n.repetition() != format.Required {
			n.def++
		}
	}
	for range n.el.NumChildren.V {
		child, err := t.next(n, depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	if len(n.children) == 0 && parent != nil {
		n.leaf = t.leaves
		t.leaves++
	}
	return n, nil
}

func (n *sourceNode) repetition() format.FieldRepetitionType { return n.el.RepetitionType.V }
func (n *sourceNode) repeated() bool                         { return n.repetition() == format.Repeated }

func (n *sourceNode) converted(types ...deprecated.ConvertedType) bool {
	for _, t := range types {
		if n.el.ConvertedType.Valid && n.el.ConvertedType.V == t {
			return true
		}
	}
	return false
}

func (n *sourceNode) isList() bool {
	_, ok := n.el.LogicalType.Value.(*format.ListType)
	return ok || n.converted(deprecated.List)
}

func (n *sourceNode) isMap() bool {
	_, ok := n.el.LogicalType.Value.(*format.MapType)
	return ok || n.converted(deprecated.Map, deprecated.MapKeyValue)
}

// A matcher brings a schema and a file's together.
type matcher struct{ out []sourceLeaf }

// fields matches the fields of a struct.
func (m *matcher) fields(n *node, group *sourceNode, path []nodeLevels) error {
	taken := map[*sourceNode]bool{}
	for _, f := range n.fields {
		if f.kind == dropNode || f.kind == rescueNode {
			continue
		}
		col := fieldOf(group, f.name)
		if col == nil {
			continue
		}
		if taken[col] {
			return foreign("its column %q is two of the table's", col.el.Name)
		}
		taken[col] = true
		if err := m.node(f, col, path); err != nil {
			return err
		}
	}
	for _, col := range group.children {
		if !taken[col] {
			return foreign("its column %q is none of the table's", col.el.Name)
		}
	}
	if len(taken) == 0 && n.parent != nil {
		return foreign("%q is a struct without fields", n.name)
	}
	return nil
}

// fieldOf is the field of a name; other writers use capitals, which Hive does not tell
// apart.
func fieldOf(group *sourceNode, name string) (found *sourceNode) {
	for _, c := range group.children {
		if c.el.Name == name {
			return c
		}
		if strings.EqualFold(c.el.Name, name) {
			found = c
		}
	}
	return found
}

func (m *matcher) node(n *node, col *sourceNode, path []nodeLevels) error {
	wrong := func(is string) error {
		return foreign("its column %q is %s, and %s in the table", col.el.Name, is, n.typ)
	}
	if col.def > 255 {
		return wrong("nested too deep")
	}
	path = append(path[:len(path):len(path)], nodeLevels{node: n, present: uint8(col.def)})
	at := &path[len(path)-1]
	switch n.kind {
	case leafNode:
		if len(col.children) > 0 || col.repeated() {
			return wrong("no single value")
		}
		read, is := readingOf(n, col)
		if is != "" {
			return wrong(is)
		}
		m.out = append(m.out, sourceLeaf{node: n, index: col.leaf, read: read, levels: path, nested: n.rep > 0})
		return nil
	case structNode:
		if len(col.children) == 0 || col.repeated() || col.isList() || col.isMap() {
			return wrong("no struct")
		}
		return m.fields(n, col, path)
	case listNode:
		if !col.isList() || col.repeated() || len(col.children) != 1 || !col.children[0].repeated() {
			return wrong("no list as Parquet has them")
		}
		r := col.children[0]
		if len(r.children) != 1 || r.el.Name == "array" || r.el.Name == col.el.Name+"_tuple" {
			return wrong("a list of two levels, as old writers made them")
		}
		at.element = uint8(r.def)
		return m.node(n.elem, r.children[0], path)
	case mapNode:
		if !col.isMap() || col.repeated() || len(col.children) != 1 || !col.children[0].repeated() || len(col.children[0].children) != 2 {
			return wrong("no map as Parquet has them")
		}
		r := col.children[0]
		at.element = uint8(r.def)
		if err := m.node(n.key, r.children[0], path); err != nil {
			return err
		}
		return m.node(n.elem, r.children[1], path)
	}
	return wrong("something else")
}

// share settles, of leaves that are read into one builder, for which nodes on its way
// each is the first.
func share(leaves []sourceLeaf) {
	said := map[*node]bool{}
	for i := range leaves {
		l := &leaves[i]
		l.lead = 0
		for l.lead < len(l.levels) && said[l.levels[l.lead].node] {
			l.lead++
		}
		for _, at := range l.levels {
			said[at.node] = true
		}
	}
}
