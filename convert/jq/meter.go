package jq

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/itchyny/gojq"
)

// A meter counts what a program takes for one record. It is the context that the
// program runs under: gojq asks it before every step whether to go on.
type meter struct {
	ctx   context.Context
	steps int
	bytes int // left
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (m *meter) reset(ctx context.Context) { *m = meter{ctx: ctx, bytes: MaxBytes} }

// Done counts a step.
func (m *meter) Done() <-chan struct{} {
	m.steps++
	if m.bytes < 0 || m.steps > MaxSteps || m.steps&1023 == 0 && m.ctx.Err() != nil {
		return closed
	}
	return nil
}

func (m *meter) Err() error {
	switch {
	case m.bytes < 0:
		return fmt.Errorf("the program takes more than %d MiB for the record", MaxBytes>>20)
	case m.steps > MaxSteps:
		return fmt.Errorf("the program takes more than %d steps for the record", MaxSteps)
	}
	return m.ctx.Err()
}

func (m *meter) Deadline() (time.Time, bool) { return m.ctx.Deadline() }
func (m *meter) Value(key any) any           { return m.ctx.Value(key) }

// spend takes bytes; the error, which a program may catch, is followed by the end.
func (m *meter) spend(n int) error {
	if n > m.bytes {
		m.bytes = -1
		return m.Err()
	}
	m.bytes -= n
	return nil
}

// charge takes what its input holds and hands it on.
func (m *meter) charge(v any, _ []any) any {
	if err := m.spend(size(v, m.bytes)); err != nil {
		return err
	}
	return v
}

// touch is charge for what goes through its input, but not through what stands in
// it.
func (m *meter) touch(v any, _ []any) any {
	n := 16
	switch v := v.(type) {
	case string:
		n += len(v)
	case *big.Int:
		n += v.BitLen() / 8
	case []any:
		n += 16 * len(v)
	case map[string]any:
		n += 48 * len(v)
	}
	if err := m.spend(n); err != nil {
		return err
	}
	return v
}

// scan is touch for what makes something of every character of its input.
func (m *meter) scan(v any, _ []any) any {
	if s, ok := v.(string); ok {
		if err := m.spend(16 * len(s)); err != nil {
			return err
		}
	}
	return v
}

// search is touch for what looks for all matches of a regular expression: gojq
// counts characters from the text's beginning for each. It allows for one text of
// 16 KiB, or some shorter ones.
func (m *meter) search(v any, _ []any) any {
	if s, ok := v.(string); ok {
		if err := m.spend(64*len(s) + len(s)/4*len(s)); err != nil {
			return err
		}
	}
	return v
}

// size is about how many bytes a value holds; past most it does not look further.
// What stands in it several times counts as often: whoever goes through it, or
// writes it, does so too.
func size(v any, most int) int {
	n := 16
	switch v := v.(type) {
	case string:
		n += len(v)
	case json.Number:
		n += len(v)
	case *big.Int:
		n += v.BitLen() / 8
	case []any:
		for i := 0; i < len(v) && n <= most; i++ {
			n += size(v[i], most-n)
		}
	case map[string]any:
		for k, e := range v {
			if n += 32 + len(k); n > most {
				break
			}
			n += size(e, most-n)
		}
	}
	return n
}

// factors charges what the product of two values holds, and emits both.
func (m *meter) factors(_ any, args []any) any {
	a, b := args[0], args[1]
	n := size(a, m.bytes) + size(b, m.bytes)
	for _, pair := range [][2]any{{a, b}, {b, a}} {
		if s, ok := pair[0].(string); ok {
			if times, ok := gojq.ToFloat64(pair[1]); ok && times > 0 {
				n = int(min(float64(len(s))*max(times, 1), 1<<40))
			}
		}
	}
	for _, f := range args {
		if big, ok := f.(*big.Int); ok && big.BitLen() > 1<<20 {
			n = m.bytes + 1
		}
	}
	if err := m.spend(n); err != nil {
		return err
	}
	return []any{a, b}
}

// separated charges what joining its input with a separator makes.
func (m *meter) separated(v any, args []any) any {
	n := size(v, m.bytes)
	if list, ok := v.([]any); ok {
		if s, ok := args[0].(string); ok {
			n += len(list) * len(s)
		}
	}
	if err := m.spend(n); err != nil {
		return err
	}
	return v
}

// oblong charges what transposing its input makes.
func (m *meter) oblong(v any, _ []any) any {
	n, longest := size(v, m.bytes), 0
	rows, _ := v.([]any)
	for _, row := range rows {
		if row, ok := row.([]any); ok {
			longest = max(longest, len(row))
		}
	}
	if err := m.spend(n + 16*len(rows)*longest); err != nil {
		return err
	}
	return v
}

// maxIndex bounds the indexes that a program computes: assigning to one makes the
// array so long.
const maxIndex = 1 << 20

func (m *meter) index(v any, _ []any) any {
	if n, ok := gojq.ToFloat64(v); ok && n > maxIndex {
		return fmt.Errorf("the index %v is larger than %d", v, maxIndex)
	}
	return v
}

func (m *meter) path(v any, _ []any) any {
	if path, ok := v.([]any); ok {
		for _, p := range path {
			if err, bad := m.index(p, nil).(error); bad {
				return err
			}
		}
	}
	return v
}
