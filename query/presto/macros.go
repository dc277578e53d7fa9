package presto

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sluice/query/presto/function"
)

//go:embed macros.sql
var macroText string

// A macro is one of macros.sql.
type macro struct {
	create string   // the statement that makes it
	needs  []string // other macros that it calls
	uses   int      // how often it names its parameters
}

// weight bounds how many times a macro's expansion has an argument.
func weight(name string) int {
	most := 1
	for _, n := range macros[name].needs {
		most = max(most, weight(n))
	}
	return max(macros[name].uses, 1) * most
}

// prefix begins the names of macros.
const prefix = "presto_"

var macros = readMacros()

var calls = regexp.MustCompile(`\b` + prefix + `[a-z0-9_]+`)

var words = regexp.MustCompile(`[a-z0-9_]+`)

func readMacros() map[string]macro {
	var lines []string
	for line := range strings.Lines(macroText) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	out := make(map[string]macro)
	for definition := range strings.SplitSeq(strings.Join(lines, ""), ";\n") {
		definition = strings.TrimSpace(definition)
		if definition == "" {
			continue
		}
		name, rest, _ := strings.Cut(definition, "(")
		parameters, body, _ := strings.Cut(rest, ") AS ")
		m := macro{create: "CREATE MACRO " + definition}
		for _, w := range words.FindAllString(body, -1) {
			if slices.Contains(words.FindAllString(parameters, -1), w) {
				m.uses++
			}
		}
		for _, c := range calls.FindAllString(definition, -1) {
			if c != name && !strings.HasPrefix(c, function.Prefix) && !slices.Contains(m.needs, c) {
				m.needs = append(m.needs, c)
			}
		}
		out[name] = m
	}
	return out
}

// Macros are the statements that make all macros, each after those it needs,
// and the names of those that give the same answer to the same arguments.
func Macros() (create, deterministic []string) {
	names := slices.Sorted(maps.Keys(macros))
	for _, n := range names {
		if !strings.Contains(macros[n].create, "random()") {
			deterministic = append(deterministic, n)
		}
	}
	return definitions(names), deterministic
}

// definitions are the statements that make the macros named and those that they
// need.
func definitions(names []string) []string {
	var out []string
	made := make(map[string]bool)
	var add func(name string)
	add = func(name string) {
		if made[name] {
			return
		}
		made[name] = true
		for _, n := range macros[name].needs {
			add(n)
		}
		out = append(out, macros[name].create)
	}
	for _, n := range names {
		add(n)
	}
	return out
}
