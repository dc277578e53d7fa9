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
	if q, err = guard(q); err != nil {
		return nil, err
	}
	p := &Program{query: q}
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

// A Runner applies a program to one record after another. It is for one goroutine.
type Runner struct {
	code  *gojq.Code
	meter *meter
	out   []byte
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
	r.meter.reset(ctx)
	in, _ := decode(record, jsonscan.SkipSpace(record, 0))
	iter := r.code.RunWithContext(r.meter, in, float64(arrival.UnixMilli())/1000)
	v, ok := iter.Next()
	if err := r.failure(ctx, v, ok); err != nil || !ok {
		return nil, err
	}
	object, isObject := v.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("the transform emits %s; want one object, or nothing to leave the record out", kindOf(v))
	}
	v, ok = iter.Next()
	if err := r.failure(ctx, v, ok); err != nil {
		return nil, err
	}
	if ok {
		return nil, errors.New("the transform emits more than one value; want one object, or nothing to leave the record out")
	}
	e := encoder{dst: r.out[:0]}
	err := e.value(object, 0)
	r.out = e.dst
	return r.out, err
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
		return fmt.Errorf("the transform failed: %s", clip(err.Error()))
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
