package presto

import (
	"regexp"
	"strings"

	"sluice/query/presto/function"
)

var (
	// unfit is what DuckDB says where no function takes the arguments: its name may be
	// that of one which a macro calls.
	unfit = regexp.MustCompile(`(?s)^(?:No function matches the given name and argument types '|Could not choose a best candidate function for the function call "|Cannot deduce template type .* in function: '|Invalid LIST argument|failed to bind function)`)

	probed = regexp.MustCompile(`argument types '[a-z_]*type_name\((.*)\)'`)

	uncastable = regexp.MustCompile(`Unimplemented type for cast \((.*) -> (.*)\)`)

	typeWords = regexp.MustCompile(`\b(?:[A-Z_]+LITERAL|TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|FLOAT|DOUBLE|DECIMAL(?:\(\d+,\d+\))?|VARCHAR|BOOLEAN|DATE|TIMESTAMP(?: WITH TIME ZONE)?|BLOB|INTERVAL|JSON|MAP\(|STRUCT\()`)
)

// Unfit reports whether an error of DuckDB's is that no function takes the arguments.
func Unfit(message string) bool { return unfit.MatchString(message) }

// Readable is an error of DuckDB's without what only it has: the functions that it would
// take in the place of one, and its names of types.
func Readable(message string) string {
	for _, end := range []string{"\n\tCandidate functions:", " You might need to add explicit type casts.", " - an explicit cast is required", ". In order to select one, please add explicit type casts"} {
		if i := strings.Index(message, end); i >= 0 && (end[0] == '\n' || !strings.Contains(message[:i], "\n")) {
			message = message[:i] + strings.TrimPrefix(message[i:], end)
			if end[0] == '\n' {
				message = message[:i]
			}
		}
	}
	message, _, _ = strings.Cut(message, "\n\nUse \"SET ")
	message = uncastable.ReplaceAllString(message, "Cannot cast $1 to $2")
	var b strings.Builder
	for {
		at := typeWords.FindStringIndex(message)
		if at == nil {
			b.WriteString(message)
			return strings.TrimSpace(b.String())
		}
		name, rest := function.TypeName(message[at[0]:])
		if name == "" {
			name, rest = message[at[0]:at[1]], message[at[1]:]
		}
		b.WriteString(message[:at[0]])
		b.WriteString(name)
		message = rest
	}
}

// Called is how the function or the operator at a place of the statement is named there,
// and whether it is an operator.
func Called(sql string, position int) (name string, operator bool) {
	ts := scan(sql)
	for i, t := range ts {
		if t.from > position || t.to <= position {
			continue
		}
		for i+2 < len(ts) && ts[i+1].is(".") { // a name with its schema
			i += 2
		}
		switch t = ts[i]; {
		case t.is("[") || t.is("::"):
			return t.text, true
		case t.kind == word && (i+1 < len(ts) && ts[i+1].is("(")):
			return strings.ToLower(t.text), t.is("IN", "LIKE", "BETWEEN", "AND", "OR", "NOT")
		case t.is("LIKE", "IN", "NOT", "AND", "OR", "BETWEEN", "AT", "ARRAY"):
			return strings.ToUpper(t.text), true
		case t.kind == sign && !t.is("(", ")", ",", "]"):
			return t.text, true
		}
	}
	return "", false
}

// Probe is a call that DuckDB refuses with the types of the arguments in its words, which
// Probed reads.
func Probe(args []map[string]any) map[string]any {
	n := call(function.Prefix+"type_name", append(append([]node{}, args...), literal(""), literal(""))...)
	return n
}

// Probed are the types of a Probe's arguments, in Presto's words.
func Probed(message string) (types []string, ok bool) {
	m := probed.FindStringSubmatch(message)
	if m == nil {
		return nil, false
	}
	types = function.TypeNames(m[1])
	if len(types) < 2 {
		return nil, false
	}
	return types[:len(types)-2], true
}
