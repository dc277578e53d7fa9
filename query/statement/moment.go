package statement

import (
	"slices"
	"strings"
	"time"

	"sluice/query/syntax"
)

// A moment stands for the time at which a query begins: now(), current_date.
type moment struct{ typ, layout string }

var (
	zoned = moment{"TIMESTAMP WITH TIME ZONE", "2006-01-02 15:04:05.000000-07"}
	local = moment{"TIMESTAMP", "2006-01-02 15:04:05.000000"}
	today = moment{"DATE", "2006-01-02"}
)

// at is the moment at an instant, as a constant of SQL.
func (m moment) at(instant time.Time) (typ, text string) {
	return m.typ, instant.UTC().Format(m.layout)
}

// momentFunctions are DuckDB's functions that give a moment.
var momentFunctions = map[string]moment{
	"now": zoned, "get_current_timestamp": zoned, "transaction_timestamp": zoned,
	"current_localtimestamp": local, "today": today, "current_date": today,
}

// momentNames are moments that are written as a column is; a column of the name
// comes before them.
var momentNames = map[string]moment{
	"current_timestamp": zoned, "localtimestamp": local, "current_date": today,
}

// momentOf is the moment that a node stands for; named says that it could be a
// column.
func momentOf(n node) (m moment, named, ok bool) {
	switch syntax.Text(n, "class") {
	case "FUNCTION":
		if syntax.Text(n, "schema") == "" && len(syntax.List(n, "children")) == 0 {
			m, ok = momentFunctions[strings.ToLower(syntax.Text(n, "function_name"))]
		}
	case "COLUMN_REF":
		if parts := names(n); len(parts) == 1 {
			m, ok = momentNames[strings.ToLower(parts[0])]
			named = ok
		}
	}
	return m, named, ok
}

// Moments are statements that fix the moments of a query at an instant: macros in
// the place of the functions. None where the statement has no moment.
func (s *Statement) Moments(instant time.Time) []string {
	found := false
	every(s.root, func(n node) {
		_, _, ok := momentOf(n)
		found = found || ok
	})
	if !found {
		return nil
	}
	var macros []string
	for name, m := range momentFunctions {
		typ, text := m.at(instant)
		macros = append(macros, "CREATE MACRO "+name+"() AS "+typ+" '"+text+"'")
	}
	slices.Sort(macros)
	return macros
}

// Fix makes the moments in conditions constants. isColumn says whether a table of
// the statement has a column of the name; a condition in which a moment's name
// could be that of a column is no longer one.
func (s *Statement) Fix(instant time.Time, isColumn func(name string) bool) {
	taken := make(map[string]bool)
	for name := range momentNames {
		taken[name] = isColumn(name)
	}
	every(s.root, func(n node) {
		taken[strings.ToLower(syntax.Text(n, "alias"))] = true
		for _, a := range syntax.List(n, "column_name_alias") {
			if name, ok := a.(string); ok {
				taken[strings.ToLower(name)] = true
			}
		}
	})
	for _, t := range s.Tables {
		t.Conditions = slices.DeleteFunc(t.Conditions, func(c *Condition) bool { return !c.fix(instant, taken) })
	}
}

func (c *Condition) fix(instant time.Time, taken map[string]bool) (ok bool) {
	ok = true
	var places []node
	every(c.root, func(n node) {
		if _, named, is := momentOf(n); is {
			places = append(places, n)
			ok = ok && (!named || !taken[strings.ToLower(names(n)[0])])
		}
	})
	for _, n := range places {
		m, _, _ := momentOf(n)
		typ, text := m.at(instant)
		clear(n)
		n["class"], n["type"] = "CAST", "OPERATOR_CAST"
		n["child"] = node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{
			"type": node{"id": "VARCHAR"}, "is_null": false, "value": text}}
		n["cast_type"] = node{"id": typ}
	}
	return ok
}
