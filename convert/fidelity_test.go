package convert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/lake"
)

// checkRow holds a row, with what it rescued, against its record. It knows the
// promises of doc.go and nothing of how they are kept.
func checkRow(t *testing.T, columns []lake.Column, row map[string]any, record []byte) {
	t.Helper()
	c := &rowCheck{t: t, record: record, rescued: map[string]any{}}
	if m, ok := row[lake.RescuedColumn].(map[string]any); ok {
		c.rescued = m
	}
	var fields []lake.Column
	for _, col := range columns {
		if col.Name != lake.RescuedColumn {
			fields = append(fields, col)
		}
	}
	c.structure("", fields, row, record, true)
	for path, text := range c.rescued {
		if !c.used[path] {
			t.Errorf("%s\n_rescued has %q: %s, which the record has not", record, path, text)
		}
	}
}

type rowCheck struct {
	t       *testing.T
	record  []byte
	rescued map[string]any
	used    map[string]bool
	within  bool // an element of an array or map of strings
}

type member struct {
	key  string
	text json.RawMessage
}

func (c *rowCheck) errorf(path, format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s\nat %q: %s; _rescued: %v", c.record, path, fmt.Sprintf(format, args...), c.rescued)
}

// members are an object's, in order, those with the same key all of them.
func (c *rowCheck) members(text []byte) (out []member) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		c.t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			c.t.Fatal(err)
		}
		m := member{key: key.(string)}
		if err := d.Decode(&m.text); err != nil {
			c.t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// join is the path of a key below a path.
func join(path, key string) string {
	if key == "" || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-$") != "" {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(key); err != nil {
			panic(err)
		}
		quoted := strings.TrimSuffix(b.String(), "\n")
		for from, to := range map[string]string{`\n`: `\u000a`, `\r`: `\u000d`, `\t`: `\u0009`, `\b`: `\u0008`, `\f`: `\u000c`, `\u2028`: "\u2028", `\u2029`: "\u2029"} {
			parts := strings.Split(quoted, `\\`)
			for i := range parts {
				parts[i] = strings.ReplaceAll(parts[i], from, to)
			}
			quoted = strings.Join(parts, `\\`)
		}
		return path + "[" + quoted + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// isRescued uses up the text at the path.
func (c *rowCheck) isRescued(path string, text []byte) {
	c.t.Helper()
	c.isRescuedFrom(path, path, text)
}

// isRescuedAgain uses up the text at the path of a further value.
func (c *rowCheck) isRescuedAgain(path string, text []byte) {
	c.t.Helper()
	c.isRescuedFrom(path, path+"#2", text)
}

func (c *rowCheck) isRescuedFrom(path, p string, text []byte) {
	c.t.Helper()
	if c.used == nil {
		c.used = map[string]bool{}
	}
	for k := 2; c.used[p]; k++ {
		p = path + "#" + strconv.Itoa(k)
	}
	if got, ok := c.rescued[p]; !ok || got != string(text) {
		c.errorf(path, "%s is neither in its column nor rescued", text)
	}
	c.used[p] = true
}

func isNull(text []byte) bool { return string(text) == "null" }

func fieldFor(fields []lake.Column, key string) int {
	for i, f := range fields {
		if f.Key != "" && f.Key == key || f.Key == "" && f.Name == key {
			return i
		}
	}
	for i, f := range fields {
		if f.Name == key {
			return i
		}
	}
	for i, f := range fields {
		if f.Name == lake.CleanName(key) {
			return i
		}
	}
	return -1
}

func (c *rowCheck) structure(path string, fields []lake.Column, got map[string]any, text []byte, root bool) {
	taken := make([]bool, len(fields))
	for _, m := range c.members(text) {
		name := lake.CleanName(m.key)
		i := fieldFor(fields, m.key)
		switch {
		case root && i < 0 && (name == "dt" || name == lake.RescuedColumn):
			if !isNull(m.text) || c.rescued[join(path, m.key)] == "null" {
				c.isRescued(join(path, m.key), m.text)
			}
		case i < 0:
			if !isNull(m.text) {
				c.isRescued(join(path, m.key), m.text)
			}
		case taken[i]:
			c.isRescuedAgain(join(path, m.key), m.text)
		default:
			taken[i] = true
			key := fields[i].Key
			if key == "" {
				key = fields[i].Name
			}
			c.value(join(path, key), fields[i].Type, got[fields[i].Name], m.text)
		}
	}
	for i, f := range fields {
		if !taken[i] && got[f.Name] != nil {
			c.errorf(join(path, f.Name), "the column has %v, the record nothing", got[f.Name])
		}
	}
}

// element is value for an element of an array or map, which has no mark of its own.
func (c *rowCheck) element(path string, t lake.Type, got any, text []byte) {
	c.within = t.Kind == lake.KindString
	c.value(path, t, got, text)
	c.within = false
}

// value holds a column's value against the JSON text that it comes from.
func (c *rowCheck) value(path string, t lake.Type, got any, text []byte) {
	if isNull(text) {
		if got != nil {
			c.errorf(path, "the column has %v, the record null", got)
		}
		return
	}
	if got == nil {
		c.isRescued(path, text)
		return
	}
	if c.needsMark(t, text) {
		c.isRescued(path, text)
	}
	switch t.Kind {
	case lake.KindStruct:
		if text[0] != '{' {
			c.errorf(path, "%s became a struct", text)
		}
		c.structure(path, t.Fields, got.(map[string]any), text, false)
	case lake.KindMap:
		c.mapping(path, t, got.(map[string]any), text)
	case lake.KindArray:
		var elements []json.RawMessage
		if err := json.Unmarshal(text, &elements); err != nil || len(elements) != len(got.([]any)) {
			c.errorf(path, "%s became %v", text, got)
		}
		for i, e := range elements {
			c.element(fmt.Sprintf("%s[%d]", path, i), *t.Elem, got.([]any)[i], e)
		}
	default:
		if !sameScalar(t, got, text) {
			c.errorf(path, "%s became %v", text, got)
		}
	}
}

// needsMark reports whether a string column, or one of strings, shows the value
// in a way that another value has too.
func (c *rowCheck) needsMark(t lake.Type, text []byte) bool {
	odd := func(text []byte) bool {
		var s string
		return !isNull(text) && (text[0] != '"' || json.Unmarshal(text, &s) == nil && strings.Count(s, "\ufffd") >
			strings.Count(string(text), "\ufffd")+strings.Count(strings.ToLower(string(text)), `\ufffd`))
	}
	strung := t.Elem != nil && t.Elem.Kind == lake.KindString
	switch {
	case t.Kind == lake.KindString && !c.within:
		return odd(text)
	case t.Kind == lake.KindArray && strung && text[0] == '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(text, &elements); err != nil {
			c.t.Fatal(err)
		}
		return slices.ContainsFunc(elements, func(e json.RawMessage) bool { return odd(e) })
	case t.Kind == lake.KindMap && strung && text[0] == '{':
		seen := map[string]bool{}
		for _, m := range c.members(text) {
			if !seen[m.key] && odd(m.text) {
				return true
			}
			seen[m.key] = true
		}
	}
	return false
}

func (c *rowCheck) mapping(path string, t lake.Type, got map[string]any, text []byte) {
	seen := map[string]bool{}
	for _, m := range c.members(text) {
		p := join(path, m.key)
		if seen[m.key] {
			c.isRescuedAgain(p, m.text)
			continue
		}
		seen[m.key] = true
		v, ok := got[m.key]
		if !ok {
			c.errorf(p, "the map lacks the key")
		}
		c.element(p, *t.Elem, v, m.text)
	}
	if len(seen) != len(got) {
		c.errorf(path, "%d keys, want %d", len(got), len(seen))
	}
}

func sameScalar(t lake.Type, got any, text []byte) bool {
	var s string
	isString := text[0] == '"'
	if isString {
		if err := json.Unmarshal(text, &s); err != nil {
			return false
		}
	}
	literal := ""
	switch t.Kind {
	case lake.KindString, lake.KindBinary:
		return got == s && isString || got == string(text) && !isString && t.Kind == lake.KindString
	case lake.KindTimestamp:
		at, err := time.Parse(time.RFC3339Nano, s)
		return isString && err == nil && at.UnixMicro() == got
	case lake.KindDate:
		day, err := time.Parse("2006-01-02", s)
		return isString && err == nil && day.Unix()/86400 == got
	case lake.KindBoolean:
		return fmt.Sprint(got) == string(text)
	case lake.KindDouble:
		literal = strconv.FormatFloat(got.(float64), 'e', -1, 64)
	case lake.KindFloat:
		literal = strconv.FormatFloat(got.(float64), 'e', -1, 32)
	case lake.KindDecimal:
		literal = fmt.Sprintf("%de-%d", got, t.Scale)
	default:
		literal = fmt.Sprint(got)
	}
	return !isString && decimalOf(literal) == decimalOf(string(text))
}

// decimalOf is a number literal in a form that is the same for the same value.
func decimalOf(s string) string {
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exp, _ := new(big.Int).SetString(strings.TrimPrefix("0"+exponent, "0+"), 10)
	if strings.HasPrefix(exponent, "-") {
		exp, _ = new(big.Int).SetString(exponent, 10)
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return sign + "0"
	}
	short := strings.TrimRight(digits, "0")
	exp.Add(exp, big.NewInt(int64(len(digits)-len(short)-len(fraction))))
	return sign + short + "e" + exp.String()
}
