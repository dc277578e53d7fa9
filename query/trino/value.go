package trino

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trinodb/trino-go-client/trino"

	"sluice/query/result"
)

// value is what the library made of a value, in the words of package result.
func value(typ string, v any) result.Value {
	literal := func(text string) result.Value { return result.Value{Text: text, Form: result.Literal} }
	text := func(s string) result.Value { return result.Value{Text: s, Form: result.String} }
	switch v := v.(type) {
	case nil:
		return result.Value{}
	case bool:
		return literal(strconv.FormatBool(v))
	case int64:
		return literal(strconv.FormatInt(v, 10))
	case float64:
		return double(typ, v)
	case json.Number:
		return literal(v.String())
	case string:
		if strings.HasPrefix(typ, "decimal") {
			return literal(v)
		}
		return text(v)
	case []byte:
		return text(base64.StdEncoding.EncodeToString(v))
	case time.Time:
		return text(moment(typ, v))
	case trino.Row:
		return row(typ, v)
	case []any:
		return array(inside(typ), v)
	case map[string]any:
		return object(inside(typ), v)
	}
	return text(fmt.Sprint(v))
}

func double(typ string, v float64) result.Value {
	bits := 64
	if typ == "real" {
		bits = 32
	}
	text, form := result.AppendFloat(nil, v, bits)
	return result.Value{Text: string(text), Form: form}
}

// moment is a date or time as the bundled engine prints it: three digits of a second,
// or six or nine where those do not say it all.
func moment(typ string, t time.Time) string {
	digits := ".000"
	switch ns := t.Nanosecond(); {
	case ns%1000 != 0:
		digits = ".000000000"
	case ns%1_000_000 != 0:
		digits = ".000000"
	}
	switch {
	case typ == "date":
		return t.Format(time.DateOnly)
	case strings.HasPrefix(typ, "timestamp") && strings.HasSuffix(typ, "with time zone"):
		return t.UTC().Format(time.DateTime+digits) + " UTC"
	case strings.HasPrefix(typ, "timestamp"):
		return t.Format(time.DateTime + digits)
	case strings.HasSuffix(typ, "with time zone"):
		return t.Format(time.TimeOnly + digits + "-07:00")
	}
	return t.Format(time.TimeOnly + digits)
}

// inside are the types in the parentheses of a type's name.
func inside(typ string) []string {
	_, rest, ok := strings.Cut(typ, "(")
	rest, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil
	}
	var parts []string
	depth, from := 0, 0
	for i := range len(rest) {
		switch rest[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, rest[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, rest[from:])
}

// at is the i-th of types, "" where it is not known.
func at(types []string, i int) string {
	if i < len(types) {
		return types[i]
	}
	return ""
}

func array(types []string, v []any) result.Value {
	dst := []byte{'['}
	for i, e := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = value(at(types, 0), e).AppendJSON(dst)
	}
	return result.Value{Text: string(append(dst, ']')), Form: result.Literal}
}

func object(types []string, v map[string]any) result.Value {
	dst := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(result.AppendQuoted(dst, key), ':')
		dst = value(at(types, 1), v[key]).AppendJSON(dst)
	}
	return result.Value{Text: string(append(dst, '}')), Form: result.Literal}
}

func row(typ string, v trino.Row) result.Value {
	types := inside(typ)
	dst := []byte{'{'}
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		field := at(types, i)
		if _, t, named := strings.Cut(field, " "); named && strings.HasPrefix(field, strings.ToLower(v.Name(i))+" ") {
			field = t
		}
		dst = append(result.AppendQuoted(dst, v.Name(i)), ':')
		dst = value(field, v.Value(i)).AppendJSON(dst)
	}
	return result.Value{Text: string(append(dst, '}')), Form: result.Literal}
}
