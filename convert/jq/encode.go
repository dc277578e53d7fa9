package jq

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/jsonscan"
)

// An encoder writes gojq's values as JSON.
type encoder struct{ dst []byte }

func (e *encoder) value(v any, depth int) error {
	if len(e.dst) > MaxOutput {
		return fmt.Errorf("the program makes a record of more than %d MiB", MaxOutput>>20)
	}
	if depth > jsonscan.MaxDepth {
		return fmt.Errorf("the program makes a record that is nested deeper than %d", jsonscan.MaxDepth)
	}
	switch v := v.(type) {
	case nil:
		e.dst = append(e.dst, "null"...)
	case bool:
		e.dst = strconv.AppendBool(e.dst, v)
	case int:
		e.dst = strconv.AppendInt(e.dst, int64(v), 10)
	case float64:
		e.float(v)
	case *big.Int:
		e.dst = v.Append(e.dst, 10)
	case json.Number:
		e.dst = append(e.dst, v...)
	case string:
		e.text(v)
	case []any:
		e.dst = append(e.dst, '[')
		for i, x := range v {
			if i > 0 {
				e.dst = append(e.dst, ',')
			}
			if err := e.value(x, depth+1); err != nil {
				return err
			}
		}
		e.dst = append(e.dst, ']')
	case map[string]any:
		return e.object(v, depth)
	default:
		return fmt.Errorf("BUG: the program makes a %T", v)
	}
	return nil
}

func (e *encoder) object(v map[string]any, depth int) error {
	e.dst = append(e.dst, '{')
	for i, k := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		e.text(k)
		e.dst = append(e.dst, ':')
		if err := e.value(v[k], depth+1); err != nil {
			return err
		}
	}
	e.dst = append(e.dst, '}')
	return nil
}

// float writes as jq does what JSON has no number for: not a number as null, the
// infinite as the largest.
func (e *encoder) float(v float64) {
	if math.IsNaN(v) {
		e.dst = append(e.dst, "null"...)
		return
	}
	v = max(min(v, math.MaxFloat64), -math.MaxFloat64)
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e17) {
		format = 'e'
	}
	e.dst = strconv.AppendFloat(e.dst, v, format, -1, 64)
}

// text writes a string; what is not UTF-8 in it (@base64d may make it) becomes
// U+FFFD.
func (e *encoder) text(s string) {
	const hex = "0123456789abcdef"
	s = strings.ToValidUTF8(s, "\ufffd")
	e.dst = append(e.dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		e.dst = append(e.dst, s[from:i]...)
		if c < ' ' {
			e.dst = append(e.dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			e.dst = append(e.dst, '\\', c)
		}
		from = i + 1
	}
	e.dst = append(append(e.dst, s[from:]...), '"')
}
