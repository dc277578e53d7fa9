package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A step is one of the executor's plan, as its EXPLAIN (FORMAT JSON) has it, or
// EXPLAIN (ANALYZE, FORMAT JSON).
type step struct {
	Name     string         `json:"name"`
	Operator string         `json:"operator_name"`
	Rows     *int64         `json:"operator_cardinality"`
	Seconds  float64        `json:"operator_timing"`
	Details  map[string]any `json:"extra_info"`
	Children []step         `json:"children"`
}

// hiddenDetails are not shown: where files lie on this machine is nobody's business.
var hiddenDetails = []string{"Filename(s)", "File Name", "Function"}

// planLines is an executor's plan for eyes, a step a line, with what it does below
// it, but for what names one of the files.
func planLines(text string, files []string) ([]string, error) {
	var steps []step
	if err := json.Unmarshal([]byte(text), &steps); err != nil {
		var root step
		if err := json.Unmarshal([]byte(text), &root); err != nil {
			return nil, fmt.Errorf("read the executor's plan: %w", err)
		}
		steps = root.Children // the root is the whole query
	}
	var lines []string
	for _, s := range steps {
		lines = s.lines(lines, files, 1)
	}
	return lines, nil
}

func (s *step) lines(lines, files []string, depth int) []string {
	name := s.Name
	if name == "" {
		name = s.Operator
	}
	if strings.TrimSpace(name) == "EXPLAIN_ANALYZE" {
		for _, c := range s.Children {
			lines = c.lines(lines, files, depth)
		}
		return lines
	}
	indent := strings.Repeat("  ", depth)
	line := indent + strings.TrimSpace(name)
	if s.Rows != nil {
		line += fmt.Sprintf(": %d rows, %.1f ms", *s.Rows, s.Seconds*1000)
	}
	lines = append(lines, line)
	for _, key := range slices.Sorted(maps.Keys(s.Details)) {
		if slices.Contains(hiddenDetails, key) {
			continue
		}
		text := detail(s.Details[key])
		if text != "" && !slices.ContainsFunc(files, func(f string) bool { return strings.Contains(text, f) }) {
			lines = append(lines, indent+"    "+key+": "+text)
		}
	}
	for _, c := range s.Children {
		lines = c.lines(lines, files, depth+1)
	}
	return lines
}

// detail is what is said of a step, in one line.
func detail(v any) string {
	switch v := v.(type) {
	case string:
		return strings.Join(strings.Fields(v), " ")
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, detail(e))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}
