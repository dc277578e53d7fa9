package jq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sluice/internal/jsonscan"

	"github.com/itchyny/gojq"
)

// The limits of one record.
const (
	MaxSteps  = 2_000_000
	MaxBytes  = 64 << 20 // made or gone through by the program
	MaxOutput = 8 << 20  // of the record that it makes
)

// MaxSource bounds a program's text in bytes.
const MaxSource = 64 << 10

// A Program is a checked program. It may be shared.
type Program struct {
	mu    sync.Mutex // held while gojq reads the query: it does not say that several may
	query *gojq.Query
	keys  []string // nil: not known
}

// Compile checks a program; the error says what is wrong with it.
func Compile(source string) (*Program, error) {
	if len(source) > MaxSource {
		return nil, fmt.Errorf("the program has %d bytes, want at most %d", len(source), MaxSource)
	}
	q, err := gojq.Parse(source)
	if err != nil {
		return nil, errors.New(explain(source, err))
	}
	keys := keysOf(q)
	if q, err = guard(q); err != nil {
		return nil, err
	}
	p := &Program{query: q, keys: keys}
	if _, err := p.compile(&meter{}); err != nil {
		return nil, err
	}
	return p, nil
}

// explain says where a program stops making sense.
func explain(source string, err error) string {
	var at *gojq.ParseError
	if !errors.As(err, &at) {
		return err.Error()
	}
	line := 1
	for _, c := range source[:min(at.Offset, len(source))] {
		if c == '\n' {
			line++
		}
	}
	return fmt.Sprintf("line %d: %v", line, err)
}

func (p *Program) compile(m *meter) (*gojq.Code, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return gojq.Compile(p.query,
		gojq.WithVariables([]string{"$arrival"}),
		gojq.WithFunction("_charge", 0, 0, m.charge),
		gojq.WithFunction("_touch", 0, 0, m.touch),
		gojq.WithFunction("_scan", 0, 0, m.scan),
		gojq.WithFunction("_search", 0, 0, m.search),
		gojq.WithFunction("_factors", 2, 2, m.factors),
		gojq.WithFunction("_separated", 1, 1, m.separated),
		gojq.WithFunction("_oblong", 0, 0, m.oblong),
		gojq.WithFunction("_index_in_bounds", 0, 0, m.index),
		gojq.WithFunction("_path_in_bounds", 0, 0, m.path),
	)
}

// Keys are the keys of the objects that a program emits; ok is false where its text
// does not say which they are.
func (p *Program) Keys() (keys []string, ok bool) { return p.keys, p.keys != nil }

// keysOf are those of an object written out at a program's end.
func keysOf(q *gojq.Query) []string {
	for q.Op == gojq.OpPipe {
		q = q.Right
	}
	if q.Op != 0 || q.Term == nil || q.Term.Type != gojq.TermTypeObject || len(q.Term.SuffixList) > 0 {
		return nil
	}
	keys := []string{}
	for _, kv := range q.Term.Object.KeyVals {
		switch {
		case kv.Key != "":
			keys = append(keys, strings.TrimPrefix(kv.Key, "$"))
		case kv.KeyString != nil && len(kv.KeyString.Queries) == 0:
			keys = append(keys, kv.KeyString.Str)
		default:
			return nil
		}
	}
	return keys
}

// A Runner applies a program to one record after another. It is for one goroutine.
type Runner struct {
	code  *gojq.Code
	meter *meter
	out   []byte
	// members are what Members returned last, in out.
	members [][]byte
}

// Runner makes a runner.
func (p *Program) Runner() *Runner {
	m := &meter{}
	code, err := p.compile(m)
	if err != nil {
		panic("BUG: a program that was compiled does not compile: " + err.Error())
	}
	return &Runner{code: code, meter: m}
}

// Run applies the program to a record, which is a valid JSON object. The result is
// the object that takes its place, good until the next call, or nil if the program
// emits nothing. An error is the record's failure, but for that of ctx.
func (r *Runner) Run(ctx context.Context, record []byte, arrival time.Time) ([]byte, error) {
	object, err := r.object(ctx, record, arrival)
	if err != nil || object == nil {
		return nil, err
	}
	e := encoder{dst: r.out[:0]}
	err = e.value(object, 0)
	r.out = e.dst
	return r.out, err
}

// Members is Run for who needs no more than some members of the object: the JSON
// text of each, nil where it is absent, good until the next call. A program that
// emits nothing fails.
func (r *Runner) Members(ctx context.Context, record []byte, arrival time.Time, names []string) ([][]byte, error) {
	object, err := r.object(ctx, record, arrival)
	if err == nil && object == nil {
		err = errors.New("the program emits nothing; want one object")
	}
	if err != nil {
		return nil, err
	}
	e := encoder{dst: r.out[:0]}
	r.members = r.members[:0]
	for _, name := range names {
		v, ok := object[name]
		if !ok {
			r.members = append(r.members, nil)
			continue
		}
		from := len(e.dst)
		if err := e.value(v, 0); err != nil {
			return nil, err
		}
		r.members = append(r.members, e.dst[from:])
	}
	r.out = e.dst
	return r.members, nil
}

// object is the one that the program emits, nil for nothing.
func (r *Runner) object(ctx context.Context, record []byte, arrival time.Time) (map[string]any, error) {
	r.meter.reset(ctx)
	in, _ := decode(record, jsonscan.SkipSpace(record, 0))
	iter := r.code.RunWithContext(r.meter, in, float64(arrival.UnixMilli())/1000)
	v, ok := iter.Next()
	if err := r.failure(ctx, v, ok); err != nil || !ok {
		return nil, err
	}
	object, isObject := v.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("the program emits %s; want one object", kindOf(v))
	}
	v, ok = iter.Next()
	if err := r.failure(ctx, v, ok); err != nil {
		return nil, err
	}
	if ok {
		return nil, errors.New("the program emits more than one value; want one object")
	}
	if object == nil {
		object = map[string]any{}
	}
	return object, nil
}

// failure is what went wrong with the value emitted last.
func (r *Runner) failure(ctx context.Context, v any, ok bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.meter.Err(); err != nil {
		return err
	}
	if err, failed := v.(error); ok && failed {
		return fmt.Errorf("the program failed: %s", clip(err.Error()))
	}
	return nil
}

// clip keeps a text from the record from filling an error.
func clip(s string) string {
	const most = 300
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "a number"
}
