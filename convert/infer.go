package convert

import (
	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// The kinds of values seen at a place, as bits.
type kinds uint8

const (
	sawBool kinds = 1 << iota
	sawInt
	sawDouble
	sawExact // a number that neither bigint nor double can give back
	sawTimestamp
	sawText // a string that is no timestamp
	sawObject
	sawArray
)

// A sight is what has been seen at one place of the records: the join of its
// values' types.
type sight struct {
	kinds  kinds
	key    string // as first spelled
	name   string // cleaned
	fields []*sight
	byKey  map[string]*sight // by key and by name
	elem   *sight
	wide   bool // more than MaxStructFields keys
	cost   int  // bytes of it and of what leads to it, without its fields and its element
}

// An inferrer joins the types of records.
type inferrer struct {
	root    sight
	held    int  // bytes of all sights
	full    bool // there was no room for one: none is added, so that each has seen all values
	scratch []byte
}

// What an inferrer holds, in bytes. Records may have a new key each: past maxSights the
// value of a key that was not seen before calls for no column, and is rescued. It is some
// ten times what MaxColumns columns with long names need, as not every sight becomes one.
const (
	maxSights = 16 << 20
	sightSize = 256 // of a sight with its place in fields and byKey, about
	aliasSize = 64  // of another spelling of its key, beside the text
)

// add takes one record, valid or not; an invalid one is passed over, as it will
// never be a row.
func (in *inferrer) add(record []byte) {
	record = record[jsonscan.SkipSpace(record, 0):]
	if n, err := jsonscan.Object(record); err == nil && jsonscan.SkipSpace(record, n) == len(record) {
		in.value(&in.root, record, 0, 0)
	}
}

// value joins the valid value at i and returns its end.
func (in *inferrer) value(s *sight, data []byte, i, depth int) int {
	switch c := data[i]; c {
	case '{':
		s.kinds |= sawObject
		if depth >= MaxDepth || s.wide {
			end, _ := jsonscan.Value(data[i:])
			return i + end
		}
		return in.object(s, data, i, depth)
	case '[':
		s.kinds |= sawArray
		if depth >= MaxDepth {
			end, _ := jsonscan.Value(data[i:])
			return i + end
		}
		return in.array(s, data, i, depth)
	case '"':
		end, escaped, _ := jsonscan.String(data, i)
		if s.kinds&sawText == 0 {
			if _, ok := parseTimestamp(data[i+1 : end-1]); ok && !escaped {
				s.kinds |= sawTimestamp
			} else {
				s.kinds |= sawText
			}
		}
		return end
	case 't', 'f':
		s.kinds |= sawBool
		fallthrough
	case 'n':
		end, _ := jsonscan.Literal(data, i)
		return end
	}
	end, integer, _ := jsonscan.Number(data, i)
	s.kinds |= numberKind(data[i:end], integer)
	return end
}

func numberKind(text []byte, integer bool) kinds {
	if integer {
		if _, ok := parseInt(text); ok {
			if _, exact := parseDouble(text); !exact {
				return sawInt | sawExact
			}
			return sawInt
		}
	}
	if _, ok := parseDouble(text); ok {
		return sawDouble
	}
	return sawExact | sawDouble
}

func (in *inferrer) object(s *sight, data []byte, i, depth int) int {
	for i = jsonscan.SkipSpace(data, i+1); data[i] != '}'; i = jsonscan.SkipSpace(data, i) {
		if data[i] == ',' {
			i = jsonscan.SkipSpace(data, i+1)
		}
		end, escaped, _ := jsonscan.String(data, i)
		key := data[i+1 : end-1]
		if escaped {
			in.scratch = jsonscan.AppendUnquoted(in.scratch[:0], data[i:end])
			key = in.scratch
		}
		i = jsonscan.SkipSpace(data, jsonscan.SkipSpace(data, end)+1)
		var f *sight
		if !s.wide { // else the rest of this object tells nothing more
			f = in.field(s, key)
		}
		if depth > 0 && len(s.fields) > MaxStructFields {
			s.wide, f = true, nil
			for _, of := range s.fields {
				in.release(of)
			}
			s.fields, s.byKey = nil, nil
		}
		if f == nil {
			n, _ := jsonscan.Value(data[i:])
			i += n
			continue
		}
		i = in.value(f, data, i, depth+1)
	}
	return i + 1
}

// field is the sight of a key of s; nil where it is new, and there is no room for it or no
// catalog takes such a name.
func (in *inferrer) field(s *sight, key []byte) *sight {
	if f, ok := s.byKey[string(key)]; ok {
		return f
	}
	name := lake.CleanName(string(key))
	f, ok := s.byKey[name]
	cost := aliasSize + len(key)
	if !ok {
		cost = sightSize + len(key) + len(name)
	}
	if len(name) > lake.MaxColumnName || !in.room(cost) {
		return f
	}
	if !ok {
		f = &sight{key: string(key), name: name}
		s.fields = append(s.fields, f)
		if s.byKey == nil {
			s.byKey = make(map[string]*sight)
		}
		s.byKey[name] = f
	}
	f.cost += cost
	s.byKey[string(key)] = f
	return f
}

// room takes that many bytes of what an inferrer may hold, if it can.
func (in *inferrer) room(cost int) bool {
	if in.full = in.full || in.held+cost > maxSights; !in.full {
		in.held += cost
	}
	return !in.full
}

// release gives back what a sight and all below it cost.
func (in *inferrer) release(s *sight) {
	in.held -= s.cost
	for _, f := range s.fields {
		in.release(f)
	}
	if s.elem != nil {
		in.release(s.elem)
	}
}

func (in *inferrer) array(s *sight, data []byte, i, depth int) int {
	if s.elem == nil && in.room(sightSize) {
		s.elem = &sight{cost: sightSize}
	}
	if s.elem == nil {
		n, _ := jsonscan.Value(data[i:])
		return i + n
	}
	for i = jsonscan.SkipSpace(data, i+1); data[i] != ']'; i = jsonscan.SkipSpace(data, i) {
		if data[i] == ',' {
			i = jsonscan.SkipSpace(data, i+1)
		}
		i = in.value(s.elem, data, i, depth+1)
	}
	return i + 1
}

// typ is the type that holds all that was seen; KindNone when nothing calls for
// a column.
func (s *sight) typ(depth int) lake.Type {
	none := lake.Type{}
	switch k := s.kinds; {
	case k == 0:
		return none
	case k == sawBool:
		return lake.Boolean
	case k&^(sawInt|sawExact) == 0:
		return lake.Bigint
	case k&^(sawInt|sawDouble) == 0:
		return lake.Double
	case k == sawTimestamp:
		return lake.Timestamp
	case k == sawObject && depth < MaxDepth:
		if s.wide {
			return lake.MapOf(lake.String)
		}
		t := lake.StructOf(s.columns(nil, depth+1)...)
		if len(t.Fields) == 0 {
			return none
		}
		return t
	case k == sawArray && depth < MaxDepth:
		if s.elem == nil { // no room for what is in it
			return none
		}
		elem := s.elem.typ(depth + 1)
		if elem.Kind == lake.KindNone {
			return none
		}
		return lake.ArrayOf(elem)
	}
	return lake.String
}

// typeAs is the type that s adds to: what a known struct or array lacks counts
// even where other kinds of values have been seen beside it.
func (s *sight) typeAs(known lake.Type, depth int) lake.Type {
	switch {
	case known.Kind == lake.KindStruct && s.kinds&sawObject != 0:
		return lake.StructOf(s.columns(known.Fields, depth+1)...)
	case known.Kind == lake.KindArray && s.kinds&sawArray != 0 && s.elem != nil:
		return lake.ArrayOf(s.elem.typeAs(*known.Elem, depth+1))
	}
	return s.typ(depth)
}

// columns are the fields seen, as additions to the known ones.
func (s *sight) columns(known []lake.Column, depth int) []lake.Column {
	var cols []lake.Column
	for _, f := range s.fields {
		k, _ := columnNamed(known, f.name)
		if t := f.typeAs(k.Type, depth); t.Kind != lake.KindNone {
			cols = append(cols, newColumn(f.name, f.key, t))
		}
	}
	return cols
}

func newColumn(name, key string, t lake.Type) lake.Column {
	c := lake.Column{Name: name, Type: t}
	if key != name {
		c.Key = key
	}
	return c
}

// evolve appends to known what inferred has beyond it, inside structs too. Known
// columns keep their place and type. Names in reserved make no column, no more than
// budget leaves are added, and nothing by which a type would be too long for a catalog.
func evolve(known, inferred []lake.Column, reserved map[string]bool, budget int) []lake.Column {
	out := append([]lake.Column(nil), known...)
	budget -= countLeaves(known)
	for _, c := range inferred {
		if reserved[c.Name] {
			continue
		}
		i := indexOf(out, c.Name)
		if i >= 0 {
			before := leaves(out[i].Type)
			if grown := grow(out[i].Type, c.Type, before+budget); writable(grown) {
				out[i].Type = grown
				budget -= leaves(grown) - before
			}
			continue
		}
		if n := leaves(c.Type); n <= budget && writable(c.Type) {
			out = append(out, c)
			budget -= n
		}
	}
	return out
}

func writable(t lake.Type) bool {
	return t.Elem == nil && t.Kind != lake.KindStruct || len(t.String()) <= lake.MaxColumnType
}

// grow adds to a known type the struct fields that an inferred one has beyond it.
func grow(known, inferred lake.Type, budget int) lake.Type {
	switch {
	case known.Kind == lake.KindStruct && inferred.Kind == lake.KindStruct:
		fields := evolve(known.Fields, inferred.Fields, nil, budget)
		if len(fields) > MaxStructFields && len(fields) > len(known.Fields) {
			fields = fields[:max(MaxStructFields, len(known.Fields))]
		}
		return lake.StructOf(fields...)
	case known.Kind == lake.KindArray && inferred.Kind == lake.KindArray:
		return lake.ArrayOf(grow(*known.Elem, *inferred.Elem, budget))
	}
	return known
}

func indexOf(columns []lake.Column, name string) int {
	for i, c := range columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

func countLeaves(columns []lake.Column) int {
	n := 0
	for _, c := range columns {
		n += leaves(c.Type)
	}
	return n
}

func leaves(t lake.Type) int {
	switch t.Kind {
	case lake.KindStruct:
		return countLeaves(t.Fields)
	case lake.KindArray:
		return leaves(*t.Elem)
	case lake.KindMap:
		return 1 + leaves(*t.Elem)
	}
	return 1
}
