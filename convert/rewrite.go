package convert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice/convert/jq"
	"sluice/internal/jsonscan"
	"sluice/internal/lake"
	"sluice/partitioner"
)

// A Rewrite makes of every record the one that is converted in its place: first
// its transform, a jq program, then the columns that are filled from other fields,
// whose values move. It is made once and may be shared.
type Rewrite struct {
	program *jq.Program // nil for none
	moves   []move
}

// A move takes the value at a path to a top-level key.
type move struct {
	path []string
	key  string
}

// NewRewrite reads the From of declared columns and a transform; the result is nil
// where records stay as they are. All faults are reported at once.
func NewRewrite(declared map[string]lake.ColumnSpec, transform string) (*Rewrite, error) {
	w := &Rewrite{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		from := declared[name].From
		if from == "" {
			continue
		}
		path, err := fieldPath(from)
		if err == nil {
			err = w.clash(path)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("column %q: from: %w", name, err))
			continue
		}
		w.moves = append(w.moves, move{path, name})
	}
	if strings.TrimSpace(transform) != "" {
		program, err := jq.Compile(transform)
		if err != nil {
			faults = append(faults, fmt.Errorf("transform: %w", err))
		}
		w.program = program
	}
	if w.program == nil && len(w.moves) == 0 {
		return nil, errors.Join(faults...)
	}
	return w, errors.Join(faults...)
}

// fieldPath reads the path of a field as it is written in partition_by.
func fieldPath(s string) ([]string, error) {
	rules, err := partitioner.Parse([]string{"f=" + s})
	if err != nil {
		return nil, err
	}
	path, ok := rules.IdentityOf("f")
	if !ok {
		return nil, fmt.Errorf("%q is not the path of a field, such as context.ip", s)
	}
	return path, nil
}

// clash refuses a path that another column takes, or that lies within one.
func (w *Rewrite) clash(path []string) error {
	for _, m := range w.moves {
		n := min(len(m.path), len(path))
		if slices.Equal(m.path[:n], path[:n]) {
			return fmt.Errorf("column %q takes %s already", m.key, strings.Join(m.path, "."))
		}
	}
	return nil
}

// Moved is the column that takes a field, or one within it, away from its place.
func (w *Rewrite) Moved(path []string) (column string, ok bool) {
	if w == nil {
		return "", false
	}
	for _, m := range w.moves {
		if n := min(len(m.path), len(path)); slices.Equal(m.path[:n], path[:n]) {
			return m.key, true
		}
	}
	return "", false
}

// A rewriter applies a Rewrite to one record after another.
type rewriter struct {
	moves  []move
	runner *jq.Runner // nil for none
	// Of each move: where its value is, and how many keys of its path were met on
	// the way to the object that is being read; -1 when it is settled.
	spans []span
	met   []int
	left  []byte // what stays
	out   []byte
}

type span struct{ start, end int }

// rewriter makes a rewriter; nil of nil.
func (w *Rewrite) rewriter() *rewriter {
	if w == nil {
		return nil
	}
	r := &rewriter{moves: w.moves, spans: make([]span, len(w.moves)), met: make([]int, len(w.moves))}
	if w.program != nil {
		r.runner = w.program.Runner()
	}
	return r
}

// A transformError is the failure of a transform on a record.
type transformError struct{ error }

// record is what a record becomes, good until the next call; nil where the
// transform leaves it out. A record that is no JSON object stays as it is. The
// error is a *transformError, or that of ctx.
func (r *rewriter) record(ctx context.Context, record []byte, arrival time.Time) ([]byte, error) {
	i := jsonscan.SkipSpace(record, 0)
	if i == len(record) || record[i] != '{' {
		return record, nil
	}
	if n, err := jsonscan.Object(record[i:]); err != nil || jsonscan.SkipSpace(record, i+n) != len(record) {
		return record, nil // conversion will say why it is none
	}
	if r.runner != nil {
		out, err := r.runner.Run(ctx, record, arrival)
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, &transformError{err}
		}
		if out == nil {
			return nil, nil
		}
		record = out
	}
	if len(r.moves) > 0 {
		record = r.move(record[jsonscan.SkipSpace(record, 0):])
	}
	return record, nil
}

// move is a valid object with the moved values in front, each under its column's
// key: null where there is none, so that a field of the same name is not taken for
// it. An object that holds nothing else any more is left out.
func (r *rewriter) move(object []byte) []byte {
	clear(r.spans)
	clear(r.met)
	r.left = r.left[:0]
	r.strip(object, 0, 0)
	r.out = append(r.out[:0], '{')
	for k, m := range r.moves {
		if k > 0 {
			r.out = append(r.out, ',')
		}
		r.out = append(appendJSONString(r.out, []byte(m.key)), ':')
		if s := r.spans[k]; s.end > 0 {
			r.out = append(r.out, object[s.start:s.end]...)
		} else {
			r.out = append(r.out, "null"...)
		}
	}
	if len(r.left) > len("{}") {
		r.out = append(r.out, ',')
	}
	return append(r.out, r.left[1:]...)
}

// strip appends the object at i to left, without the values that move, and returns
// where it ends. Of a key given twice the first one counts.
func (r *rewriter) strip(data []byte, i, depth int) (end int) {
	r.left = append(r.left, '{')
	empty := true
	for i = jsonscan.SkipSpace(data, i+1); data[i] != '}'; i = jsonscan.SkipSpace(data, i) {
		if data[i] == ',' {
			i = jsonscan.SkipSpace(data, i+1)
		}
		before, keyStart := len(r.left), i
		keyEnd, escaped, _ := jsonscan.String(data, i)
		start := jsonscan.SkipSpace(data, jsonscan.SkipSpace(data, keyEnd)+1)
		moved, below := r.meet(data[keyStart:keyEnd], escaped, depth)
		if !empty {
			r.left = append(r.left, ',')
		}
		r.left = append(append(r.left, data[keyStart:keyEnd]...), ':')
		if below && data[start] == '{' {
			at := len(r.left)
			i = r.strip(data, start, depth+1)
			moved = r.took(start, i) && len(r.left)-at == len("{}")
		} else {
			n, _ := jsonscan.Value(data[start:])
			i = start + n
			r.left = append(r.left, data[start:i]...)
			for k := range r.moves {
				if moved && r.met[k] == depth+1 && len(r.moves[k].path) == depth+1 {
					r.spans[k] = span{start, i}
				}
			}
		}
		for k := range r.met {
			if r.met[k] == depth+1 {
				r.met[k] = -1
			}
		}
		if moved {
			r.left = r.left[:before]
		} else {
			empty = false
		}
	}
	r.left = append(r.left, '}')
	return i + 1
}

// meet says whether the value of a key at a depth moves, or one below it does.
func (r *rewriter) meet(quoted []byte, escaped bool, depth int) (moves, below bool) {
	key := quoted[1 : len(quoted)-1]
	if escaped {
		key = jsonscan.AppendUnquoted(nil, quoted)
	}
	for k, m := range r.moves {
		if r.met[k] == depth && m.path[depth] == string(key) {
			r.met[k]++
			moves = moves || len(m.path) == depth+1
			below = below || len(m.path) > depth+1
		}
	}
	return moves, below
}

// took reports whether a value that moves is in data[start:end].
func (r *rewriter) took(start, end int) bool {
	for _, s := range r.spans {
		if s.end > 0 && s.start > start && s.end < end {
			return true
		}
	}
	return false
}
