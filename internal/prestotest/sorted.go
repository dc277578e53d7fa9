package prestotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Sorted is the answer with its rows in an order that follows from their values
// alone, so that answers of engines which promise no order can be compared.
func Sorted(a Answer) Answer {
	types := make([]signature, len(a.Types))
	for i, t := range a.Types {
		types[i] = parseType(t)
	}
	type keyed struct {
		key string
		row []json.RawMessage
	}
	rows := make([]keyed, len(a.Rows))
	for i, row := range a.Rows {
		var key strings.Builder
		for j, v := range row {
			key.WriteString(types[j].canonical(ordered(v)))
			key.WriteByte(0)
		}
		rows[i] = keyed{key.String(), row}
	}
	slices.SortFunc(rows, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	a.Rows = make([][]json.RawMessage, len(rows))
	for i := range rows {
		a.Rows[i] = rows[i].row
	}
	return a
}

// canonical is a text that equal values of the type have in common, however an engine
// writes them.
func (s signature) canonical(v any) string {
	if v == nil {
		return "null"
	}
	if text, ok := v.(string); ok && len(s.of) > 0 {
		v = ordered(json.RawMessage(text))
	}
	var parts []string
	switch s.name {
	case "double", "real":
		bits := map[string]int{"double": 64, "real": 32}[s.name]
		f, err := strconv.ParseFloat(fmt.Sprint(v), bits)
		if err == nil {
			return strconv.FormatFloat(f, 'g', -1, bits)
		}
	case "time", "timestamp":
		return trimZeros(fmt.Sprint(v))
	case "array", "row":
		list, _ := elements(v)
		for i, element := range list {
			of := s.of[0]
			if s.name == "row" {
				of = s.of[min(i, len(s.of)-1)]
			}
			parts = append(parts, of.canonical(element))
		}
		return fmt.Sprintf("%q", parts)
	case "map":
		pairs, _ := v.([]pair)
		for _, p := range pairs {
			parts = append(parts, s.of[0].canonical(p.key)+"="+s.of[1].canonical(p.value))
		}
		slices.Sort(parts)
		return fmt.Sprintf("%q", parts)
	}
	return fmt.Sprint(v)
}

// elements are the values of a list, or of a row that has the names of its fields.
func elements(v any) (out []any, ok bool) {
	pairs, ok := v.([]pair)
	if !ok {
		out, ok = v.([]any)
		return out, ok
	}
	for _, p := range pairs {
		out = append(out, p.value)
	}
	return out, true
}
