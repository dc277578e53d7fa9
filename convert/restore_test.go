package convert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/convert"
	"sluice/internal/lake"
)

// The way back: what a reader of the table can make of a row, knowing its columns,
// the JSON keys that they stand for, and what _rescued says. A restored value is
// one of nil, bool, string, number, instant, list, *object and raw.
type (
	number  string // a literal
	instant int64  // microseconds since 1970
	list    []any
	raw     string // the JSON text itself, from _rescued
)

// An object holds, by key, a value and what else _rescued has of the same key. Of
// a struct, a key that has a column is the column's name.
type object struct {
	fields  []lake.Column // of a struct; nil for a map
	members map[string][]any
}

func (o *object) slot(key string) string {
	if i := fieldFor(o.fields, key); i >= 0 {
		return "column " + o.fields[i].Name
	}
	return "key " + key
}

// restore is the record that a row was made of.
func restore(t *testing.T, columns []lake.Column, row map[string]any) *object {
	t.Helper()
	rescued, _ := row[lake.RescuedColumn].(map[string]any)
	var fields []lake.Column
	for _, c := range columns {
		if c.Name != lake.RescuedColumn {
			fields = append(fields, c)
		}
	}
	root := restoreStruct(fields, row)
	var paths []string
	for p := range rescued {
		paths = append(paths, p)
	}
	sort.Slice(paths, func(i, j int) bool { // what is within another goes first
		a, _ := parsePath(t, paths[i])
		b, _ := parsePath(t, paths[j])
		return len(a) > len(b) || len(a) == len(b) && paths[i] < paths[j]
	})
	for _, p := range paths {
		steps, again := parsePath(t, p)
		put(t, p, root, steps, again, raw(rescued[p].(string)))
	}
	return root
}

func restoreStruct(fields []lake.Column, got map[string]any) *object {
	o := &object{fields: fields, members: map[string][]any{}}
	for _, f := range fields {
		o.members["column "+f.Name] = []any{restoreValue(f.Type, got[f.Name])}
	}
	return o
}

func restoreValue(t lake.Type, got any) any {
	if got == nil {
		return nil
	}
	switch t.Kind {
	case lake.KindNone: // of a partition
		return got
	case lake.KindStruct:
		return restoreStruct(t.Fields, got.(map[string]any))
	case lake.KindMap:
		o := &object{members: map[string][]any{}}
		for k, v := range got.(map[string]any) {
			o.members["key "+k] = []any{restoreValue(*t.Elem, v)}
		}
		return o
	case lake.KindArray:
		l := list{}
		for _, v := range got.([]any) {
			l = append(l, restoreValue(*t.Elem, v))
		}
		return l
	case lake.KindBoolean, lake.KindString, lake.KindBinary:
		return got
	case lake.KindTimestamp:
		return instant(got.(int64))
	case lake.KindDate:
		return time.Unix(got.(int64)*86400, 0).UTC().Format("2006-01-02")
	case lake.KindDouble:
		return number(strconv.FormatFloat(got.(float64), 'e', -1, 64))
	case lake.KindFloat:
		return number(strconv.FormatFloat(got.(float64), 'e', -1, 32))
	case lake.KindDecimal:
		return number(fmt.Sprintf("%de-%d", got, t.Scale))
	}
	return number(fmt.Sprint(got))
}

// parsePath reads a path of _rescued: strings are keys, ints indexes.
func parsePath(t *testing.T, path string) (steps []any, again bool) {
	t.Helper()
	for i := 0; i < len(path); {
		switch {
		case path[i] == '#':
			return steps, true
		case path[i] == '.':
			i++
		case strings.HasPrefix(path[i:], `["`):
			d := json.NewDecoder(strings.NewReader(path[i+1:]))
			var key string
			if err := d.Decode(&key); err != nil {
				t.Fatalf("path %q: %v", path, err)
			}
			i += 1 + int(d.InputOffset()) + 1
			steps = append(steps, key)
		case path[i] == '[':
			end := i + strings.IndexByte(path[i:], ']')
			n, err := strconv.Atoi(path[i+1 : end])
			if err != nil {
				t.Fatalf("path %q: %v", path, err)
			}
			i = end + 1
			steps = append(steps, n)
		default:
			n := strings.IndexAny(path[i:], ".[#")
			if n < 0 {
				n = len(path) - i
			}
			steps = append(steps, path[i:i+n])
			i += n
		}
	}
	return steps, false
}

// put sets what _rescued says in place of what the columns say, or, with again,
// beside it.
func put(t *testing.T, path string, at any, steps []any, again bool, v raw) {
	t.Helper()
	switch at := at.(type) {
	case list:
		i, ok := steps[0].(int)
		if !ok || i >= len(at) {
			break
		}
		if len(steps) == 1 {
			at[i] = v
			return
		}
		put(t, path, at[i], steps[1:], again, v)
		return
	case *object:
		key, ok := steps[0].(string)
		if !ok {
			break
		}
		slot := at.slot(key)
		have := at.members[slot]
		switch {
		case len(steps) > 1 && len(have) > 0:
			put(t, path, have[0], steps[1:], again, v)
			return
		case len(steps) > 1:
		case again || len(have) == 0:
			at.members[slot] = append(have, v)
			return
		default:
			have[0] = v
			return
		}
	}
	t.Fatalf("the path %q leads nowhere", path)
}

// same reports whether a restored value is that of the JSON text. A member that is
// null is as one that is not there.
func same(t *testing.T, text []byte, v any) bool {
	switch v := v.(type) {
	case raw:
		return string(v) == string(text)
	case nil:
		return isNull(text)
	case bool:
		return strconv.FormatBool(v) == string(text)
	case number:
		return (text[0] == '-' || text[0]-'0' <= 9) && decimalOf(string(v)) == decimalOf(string(text))
	case list:
		var elements []json.RawMessage
		if text[0] != '[' || json.Unmarshal(text, &elements) != nil || len(elements) != len(v) {
			return false
		}
		for i := range elements {
			if !same(t, elements[i], v[i]) {
				return false
			}
		}
		return true
	case *object:
		return text[0] == '{' && sameObject(t, text, v)
	}
	var s string
	if text[0] != '"' || json.Unmarshal(text, &s) != nil {
		return false
	}
	if at, ok := v.(instant); ok {
		parsed, err := time.Parse(time.RFC3339Nano, s)
		return err == nil && parsed.UnixMicro() == int64(at)
	}
	return s == v
}

func sameObject(t *testing.T, text []byte, o *object) bool {
	c := rowCheck{t: t}
	want := map[string][][]byte{}
	for _, m := range c.members(text) {
		if !isNull(m.text) {
			want[o.slot(m.key)] = append(want[o.slot(m.key)], m.text)
		}
	}
	for slot, values := range o.members {
		for _, v := range values {
			if v == nil || v == raw("null") {
				continue
			}
			found := -1
			for i, text := range want[slot] {
				if same(t, text, v) {
					found = i
					break
				}
			}
			if found < 0 {
				return false
			}
			want[slot] = append(want[slot][:found:found], want[slot][found+1:]...)
		}
		if len(want[slot]) == 0 {
			delete(want, slot)
		}
	}
	return len(want) == 0
}

// withPartition adds to a row the columns that its file's partition stands for.
func withPartition(columns []lake.Column, keys []lake.Column, values []string, row map[string]any) []lake.Column {
	for i, k := range keys {
		text, bare := values[i], false
		switch {
		case text == lake.NullPartition:
			continue
		case text == "true" || text == "false":
			row[k.Name], k.Type, bare = text == "true", lake.Boolean, true
		case json.Valid([]byte(text)) && strings.Trim(text, "-+.eE0123456789") == "":
			row[k.Name], k.Type, bare = raw(text), lake.Type{Kind: lake.KindNone}, true
		}
		if !bare {
			row[k.Name], k.Type = text, lake.String
		}
		columns = append(columns, k)
	}
	return columns
}

// From every row its record comes back whole.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":"x","c":{"a":1.5,"b":[1,2]},"d":["2026-01-31T12:00:00Z"],"e":{"k":1},"f":1.25,"g":"2026-01-31","h":0.5,"i":true,"j":1,"k":"y"}`,
		"{\"v\":5}\n{\"v\":\"5\"}\n{\"v\":[1]}\n{\"v\":\"[1]\"}\n{\"v\":true,\"v\":\"true\"}\n{\"v\":\"5\",\"v\":5}\n{\"V\":5,\"v\":\"5\"}",
		"{\"v\":[1,\"1\"]}\n{\"v\":[\"1\",\"1\"]}\n{\"v\":[{\"x\":1},\"{}\"]}\n{\"v\":[null,\"null\"]}\n{\"v\":[[1],[\"[1]\"]]}",
		`{"n":{"a":1,"b":"1","c":[1],"a":2}}` + "\n" + `{"n":{"a":"1","b":"1","c":"[1]"}}` + "\n" + `{"n":{"a b":{"x":"\ud800"}}}`,
		"{\"p\":5}\n{\"p\":\"5\"}\n{\"p\":true}\n{\"p\":\"true\"}\n{\"p\":\"\"}\n{\"p\":null}\n{\"p\":\"null\"}\n{\"p\":[5]}\n{\"p\":1.50}\n{\"p\":\"-0\",\"p\":7}",
		`{"s":"\ud800 \ud83d\ude00 \ufffd"}` + "\n" + `{"s":"\udc00\ud800"}` + "\n" + "{\"s\":\"\ufffd\"}\n{\"s\":\"\\\\ud800\"}",
		"{\"a\":-0,\"f\":-0,\"h\":-0.0}\n{\"a\":0,\"f\":0}\n{\"x\":-0}\n{\"x\":0}\n{\"f\":-0.00}\n{\"f\":0e5}",
		"{\"a\":{\"b\":[{\"c\":1}]}}\n{\"a\":{\"b\":[{\"c\":\"1\"}]}}\n{\"a\":{\"b\":{\"c\":1}}}\n{\"a\":{\"b\":null},\"a\":{\"b\":2}}",
		"{\"\":1,\"a.b\":2,\"a b\":3,\"$c\":4,\"a\\u0000\":5,\"_rescued\":6,\"dt\":7,\"DT\":null,\"[0]\":8,\"x#2\":9,\"x\":1,\"x\":2}",
		`{"l":[{"a":1,"b":{"x":[true,null,5],"y":[]}},null,{}],"m":"2026-01-31T12:00:00.1234567+05:30","n":{"a":1,"b":"1","c":[1],"a":2}}`,
		`{"a":` + strings.Repeat(`{"d":[`, 9) + `1,"1",{}` + strings.Repeat("]}", 9) + "}",
		"{\"a\":1e400,\"b\":-0,\"c\":0.1234567890123456789,\"d\":9223372036854775808,\"e\":-0.0e5,\"f\":9007199254740993}\n{\"a\":1,\"f\":0.5}",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	rules := rulesOf(f, "dt=day(ingest)", "p=p")
	f.Fuzz(func(t *testing.T, data []byte, known bool) {
		var records []string
		var valid []json.RawMessage
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if bytes.Count(line, []byte("["))+bytes.Count(line, []byte("{")) > 1000 || len(valid) > 30 {
				return
			}
			if trimmed := bytes.TrimSpace(line); utf8.Valid(line) && json.Valid(line) && trimmed[0] == '{' {
				valid = append(valid, line)
				records = append(records, string(line))
			}
		}
		if len(valid) == 0 {
			return
		}
		job := convert.Job{Blocks: blocksOf(2, records...), Dir: t.TempDir(), Rules: rules}
		if known {
			job.Columns = columnsOf(t, knownColumns)
		}
		res := convertJob(t, convert.Config{Threads: 1, Compression: "none"}, job)
		if res.Rows != int64(len(valid)) {
			t.Fatalf("%d rows of %d records", res.Rows, len(valid))
		}
		for _, file := range res.Files {
			for _, row := range parquetRows(t, file.Path, res.Columns) {
				columns := withPartition(res.Columns, rules.Keys()[1:], file.Values[1:], row)
				valid = findRecord(t, valid, restore(t, columns, row))
			}
		}
	})
}

// findRecord takes the record that a row is of from those that are left.
func findRecord(t *testing.T, records []json.RawMessage, got *object) []json.RawMessage {
	t.Helper()
	for i, r := range records {
		if same(t, bytes.TrimSpace(r), got) {
			return append(records[:i:i], records[i+1:]...)
		}
	}
	t.Fatalf("a row says %v, which is none of\n%s", got.members, records)
	return nil
}
