package convert

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// The surprises: the run's schema is too narrow for a value.
var (
	errNewType = errors.New("a value needs another column or type")
	errRescue  = errors.New("a value needs the column _rescued")
)

// A misfitError is a value that its declared column cannot take, in strict mode.
type misfitError struct {
	path, value string
	typ         lake.Type
}

func (e *misfitError) Error() string {
	return fmt.Sprintf("%s: %.100s does not fit %s", e.path, e.value, e.typ)
}

// A shredder parses records under a schema into a staged.
type shredder struct {
	schema *schema
	final  bool // the schema holds all that can be inferred: rescue what does not fit
	strict bool

	fields [][]string // the paths of the rules' fields

	out     *staged
	data    []byte   // of out, up to the record's end
	start   int      // of the record
	parts   [][]byte // the JSON text of the rules' fields, nil where absent
	typed   bool     // the first of them is an integer or a date-time: moment is that, or its microseconds
	moment  int64
	rescues []rescue
	paths   []byte
	marks   int   // of the rescues, those that are marks
	kept    int   // elements of arrays and maps that need a mark
	index   []int // of the element in each array that is being parsed
	stamp   uint64
	scratch []byte

	steps  []step // of the record being parsed, to learn its way
	strays int    // records in a row whose way was not known
	rest   int    // records that are not followed
}

// A rescue is a value that no column takes.
type rescue struct {
	pathStart, pathEnd int32 // in shredder.paths
	start, end         int32 // in staged.data
	again              bool  // the same place had a value before
}

// record parses the record that begins at out.data[i] and ends with a newline or
// with the data, and returns where it ends. The error is a *jsonscan.SyntaxError,
// a *misfitError or a surprise; then the record is in out no more.
func (s *shredder) record(i int) (end int, err error) {
	s.out.row()
	s.begin(i)
	if s.rest > 0 {
		s.rest--
	} else {
		s.data = s.out.data
		if end, ok := s.follow(i); ok {
			s.strays = 0
			s.data = s.data[:end]
			s.lookUpLoose()
			return end, nil
		}
		s.out.undo()
		s.out.row()
		s.begin(i)
		if s.strays++; s.strays >= straysToRest {
			s.strays, s.rest = 0, recordsOfRest
		}
	}
	end = lineEnd(s.out.data, i)
	s.data = s.out.data[:end]
	if err := s.anew(i, end); err != nil {
		var syntax *jsonscan.SyntaxError
		if errors.As(err, &syntax) {
			syntax.Offset -= i // from the record's beginning
		}
		s.out.undo()
		return end, err
	}
	s.learn(end)
	s.lookUpLoose()
	return end, nil
}

// lineEnd is where the line at i ends.
func lineEnd(data []byte, i int) int {
	if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(data)
}

func (s *shredder) begin(i int) {
	s.start = i
	// One by one, so that only lengths are written: a pointer has a write barrier.
	s.rescues = s.rescues[:0]
	s.paths = s.paths[:0]
	s.index = s.index[:0]
	s.steps = s.steps[:0]
	s.marks, s.kept, s.typed = 0, 0, false
	if len(s.parts) > 0 { // clearing none takes time too
		clear(s.parts)
	}
}

// anew parses the record at data[i:end], whatever it looks like.
func (s *shredder) anew(i, end int) error {
	i = jsonscan.SkipSpace(s.data, i)
	if i >= end || s.data[i] != '{' {
		return &jsonscan.SyntaxError{Offset: i, Msg: "expected an object"}
	}
	i, err := s.object(s.schema.root, i)
	if err != nil {
		return err
	}
	if i = jsonscan.SkipSpace(s.data, i); i != end {
		return &jsonscan.SyntaxError{Offset: i, Msg: "expected the end of the record"}
	}
	return nil
}

func (s *shredder) lookUpLoose() {
	for _, k := range s.schema.loose {
		s.parts[k] = s.lookUp(k)
	}
}

// object parses the object whose brace is at i into the struct n.
func (s *shredder) object(n *node, i int) (int, error) {
	s.stamp++
	stamp := s.stamp
	data := s.data
	next := 0 // the field that comes next if this object is like the last ones
	for i = jsonscan.SkipSpace(data, i+1); ; {
		if i < len(data) && data[i] == '}' {
			return i + 1, nil
		}
		var f *node
		var keyStart, keyEnd int
		if next < len(n.fields) && n.fields[next].quoted.at(data, i) {
			f = n.fields[next]
			keyStart, keyEnd = i, i+len(f.quoted.text)
		} else {
			end, escaped, err := s.key(i)
			if err != nil {
				return i, err
			}
			keyStart, keyEnd = i, end
			f = s.field(n, data[i:end], escaped)
		}
		i = keyEnd
		if i < len(data) && data[i] == ':' {
			i++
		} else if i = jsonscan.SkipSpace(data, i); i < len(data) && data[i] == ':' {
			i++
		} else {
			return i, s.unexpected(i, "':'")
		}
		i = jsonscan.SkipSpace(data, i)
		start := i
		var err error
		switch {
		case f == nil:
			i, err = s.unknown(n, keyStart, keyEnd, i)
		case f.seen == stamp:
			i, err = s.rescueAgain(n, keyStart, keyEnd, i)
		case f.kind == rescueNode && !s.literal(i, "null"):
			i, err = s.rescueKey(n, keyStart, keyEnd, i)
		default:
			f.seen = stamp
			i, err = s.value(f, i)
			if f.space == 0 && err == nil && (f.kind != structNode || data[start] != '{') {
				s.steps = append(s.steps, step{f, start, i})
			}
		}
		if err != nil {
			return i, err
		}
		if f != nil {
			if f.part != 0 && s.parts[f.part-1] == nil {
				s.parts[f.part-1] = data[start:i]
			}
			next = f.pos + 1
		}
		if i >= len(data) || data[i] <= ' ' {
			i = jsonscan.SkipSpace(data, i)
		}
		if i < len(data) && data[i] == ',' {
			i++
			if i < len(data) && data[i] <= ' ' {
				i = jsonscan.SkipSpace(data, i)
			}
			if i < len(data) && data[i] == '}' {
				return i, s.unexpected(i, "a key")
			}
			continue
		}
		if i < len(data) && data[i] == '}' {
			return i + 1, nil
		}
		return i, s.unexpected(i, "',' or '}'")
	}
}

func (s *shredder) key(i int) (end int, escaped bool, err error) {
	if i >= len(s.data) || s.data[i] != '"' {
		return i, false, s.unexpected(i, "a key")
	}
	return jsonscan.String(s.data, i)
}

func (s *shredder) unexpected(i int, want string) error {
	if i >= len(s.data) {
		return &jsonscan.SyntaxError{Offset: i, Msg: "the record ends where " + want + " was expected", Incomplete: true}
	}
	return &jsonscan.SyntaxError{Offset: i, Msg: fmt.Sprintf("expected %s, found %q", want, s.data[i])}
}

// field finds the node for a quoted key, nil when there is none.
func (s *shredder) field(n *node, quoted []byte, escaped bool) *node {
	key := quoted[1 : len(quoted)-1]
	if escaped {
		s.scratch = jsonscan.AppendUnquoted(s.scratch[:0], quoted)
		key = s.scratch
	}
	if f, ok := n.byKey[string(key)]; ok {
		return f
	}
	return n.child(string(key))
}

// unknown passes over the value of a key that the schema lacks.
func (s *shredder) unknown(n *node, keyStart, keyEnd, i int) (int, error) {
	if s.literal(i, "null") {
		return i + 4, nil
	}
	if i < len(s.data) && (s.data[i] == '{' || s.data[i] == '[') {
		end, err := s.skip(i)
		if err != nil {
			return end, err
		}
		if empty := jsonscan.SkipSpace(s.data, i+1) == end-1; !empty && !n.full && !s.final {
			return end, errNewType
		}
		s.rescuePath(n, s.data[keyStart:keyEnd])
		s.rescue(i, end)
		return end, nil
	}
	if !n.full && !s.final {
		if end, err := s.skip(i); err != nil {
			return end, err
		}
		return i, errNewType
	}
	return s.rescueKey(n, keyStart, keyEnd, i)
}

// rescueKey rescues the value at i of a key of n.
func (s *shredder) rescueKey(n *node, keyStart, keyEnd, i int) (int, error) {
	end, err := s.skip(i)
	if err != nil {
		return end, err
	}
	s.rescuePath(n, s.data[keyStart:keyEnd])
	s.rescue(i, end)
	return end, nil
}

// misfit rescues the value at i, which its node cannot take.
func (s *shredder) misfit(f *node, i int) (int, error) {
	end, err := s.skip(i)
	if err != nil {
		return end, err
	}
	if f.open && !s.final {
		return end, errNewType
	}
	s.rescuePath(f, nil)
	if s.strict {
		path := string(s.paths[s.rescues[len(s.rescues)-1].pathStart:])
		return end, &misfitError{path: path, value: string(s.data[i:end]), typ: f.typ}
	}
	s.rescue(i, end)
	return end, nil
}

// skip validates the value at i and returns its end.
func (s *shredder) skip(i int) (int, error) {
	n, err := jsonscan.Value(s.data[i:])
	var se *jsonscan.SyntaxError
	if errors.As(err, &se) {
		se.Offset += i
	}
	return i + n, err
}

func (s *shredder) literal(i int, word string) bool {
	return len(s.data)-i >= len(word) && string(s.data[i:i+len(word)]) == word
}

// value parses the value at i for the node f.
func (s *shredder) value(f *node, i int) (int, error) {
	if i >= len(s.data) {
		return i, s.unexpected(i, "a value")
	}
	if s.data[i] == 'n' {
		return jsonscan.Literal(s.data, i)
	}
	switch f.kind {
	case leafNode:
		return s.leaf(f, i)
	case structNode:
		if s.data[i] == '{' {
			s.out.put(f, 0)
			if f.space == 0 {
				s.steps = append(s.steps, step{f, -1, -1})
			}
			return s.object(f, i)
		}
	case listNode:
		if s.data[i] == '[' {
			return s.array(f, i)
		}
	case mapNode:
		if s.data[i] == '{' {
			return s.mapping(f, i)
		}
	case dropNode: // a rescueNode has no other value than null
		if c := s.data[i]; c != '{' && c != '[' {
			return s.skip(i)
		}
		end, err := s.skip(i)
		if err == nil {
			s.rescuePath(f, nil)
			s.rescue(i, end)
		}
		return end, err
	}
	return s.misfit(f, i)
}

// array parses the array whose bracket is at i.
func (s *shredder) array(f *node, i int) (int, error) {
	column := &s.out.columns[f.id]
	at, start, kept := len(*column), i, s.kept
	s.out.put(f, 0)
	s.index = append(s.index, 0)
	level := len(s.index) - 1
	i = jsonscan.SkipSpace(s.data, i+1)
	if i < len(s.data) && s.data[i] == ']' {
		s.index = s.index[:level]
		return i + 1, nil
	}
	for {
		s.out.slot(f)
		(*column)[at].value++
		var err error
		if i, err = s.value(f.elem, jsonscan.SkipSpace(s.data, i)); err != nil {
			return i, err
		}
		s.index[level]++
		i = jsonscan.SkipSpace(s.data, i)
		if i < len(s.data) && s.data[i] == ',' {
			i++
			continue
		}
		if i < len(s.data) && s.data[i] == ']' {
			s.index = s.index[:level]
			s.markWhole(f, kept, start, i+1)
			return i + 1, nil
		}
		return i, s.unexpected(i, "',' or ']'")
	}
}

func floatBits(v float64) int64 { return int64(math.Float64bits(v)) }
