package terminal

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/query/presto"
)

// A completer says how what is being typed can go on: with the names of tables behind
// FROM and the like, elsewhere with the columns of the tables that the statement
// names, functions and keywords.
type completer struct {
	names *names
	// typed are the lines of the statement that were entered before.
	typed func() string
}

// A suggestion is a word that may stand where the cursor is.
type suggestion struct {
	text  string // with its quotes, where it needs them
	after string // what is typed behind it
}

// commands are those of the prompt.
var commands = []string{`\d`, `\l`, `\timing`, `\format`, `\pager`, `\q`, `\?`}

// complete is the line with what can only follow, and what there is to choose from
// where that is more than one.
func (c *completer) complete(line string, pos int) (out string, at int, choices []string) {
	head, tail := line[:pos], line[pos:]
	from, all := c.suggestions(head, tail)
	word := head[from:]
	var fit []suggestion
	for _, s := range all {
		if len(s.text) >= len(word) && strings.EqualFold(s.text[:len(word)], word) {
			fit = append(fit, s)
		}
	}
	slices.SortFunc(fit, func(a, b suggestion) int { return strings.Compare(a.text, b.text) })
	fit = slices.Compact(fit)
	switch len(fit) {
	case 0:
		return line, pos, nil
	case 1:
		done := head[:from] + fit[0].text + fit[0].after
		return done + strings.TrimPrefix(tail, fit[0].after), len(done), nil
	}
	common := fit[0].text
	for _, s := range fit[1:] {
		n := 0
		for n < len(common) && n < len(s.text) && common[n]|0x20 == s.text[n]|0x20 {
			n++
		}
		common = common[:n]
	}
	if len(common) > len(word) {
		done := head[:from] + common
		return done + tail, len(done), nil
	}
	for _, s := range fit {
		choices = append(choices, s.text)
	}
	return line, pos, choices
}

// suggestions are what may stand from the place from in head on.
func (c *completer) suggestions(head, tail string) (from int, all []suggestion) {
	if before := c.typed(); before == "" && strings.HasPrefix(strings.TrimLeft(head, " "), `\`) {
		return c.forCommand(head)
	}
	before := c.typed() + head
	if inText(before) {
		return len(head), nil
	}
	from = len(head) - len(lastWord(before))
	if from < 0 {
		return len(head), nil
	}
	before = before[:len(before)-(len(head)-from)]
	tokens := presto.Tokens(before)
	path, tokens := qualifiers(tokens, before)
	if begins := tablesBegin(tokens); begins {
		return from, c.names.tablesAt(path, commonTables(tokens))
	}
	statement := presto.Tokens(before + " " + tail)
	if len(path) > 0 {
		return from, c.columnsOf(tablesIn(statement), path)
	}
	all = c.columnsOf(tablesIn(statement), nil)
	if head[from:] == "" && len(all) > 0 {
		return from, all
	}
	upper := head[from:] == strings.ToUpper(head[from:])
	for _, k := range keywords {
		if !upper {
			k = strings.ToLower(k)
		}
		all = append(all, suggestion{text: k, after: " "})
	}
	if head[from:] == "" {
		return from, all
	}
	for _, f := range c.names.functions() {
		all = append(all, suggestion{text: f, after: "("})
	}
	return from, all
}

// forCommand completes the prompt's own commands, and their arguments.
func (c *completer) forCommand(head string) (from int, all []suggestion) {
	from = strings.LastIndexByte(head, ' ') + 1
	word, _, argument := strings.Cut(strings.TrimLeft(head, " "), " ")
	switch {
	case !argument:
		for _, k := range commands {
			all = append(all, suggestion{text: k, after: " "})
		}
	case word == `\d`:
		path := strings.Split(head[from:], ".")
		from += len(head[from:]) - len(path[len(path)-1])
		return from, c.names.tablesAt(path[:len(path)-1], nil)
	case word == `\format`:
		for _, f := range []string{"table", "csv", "json", "ndjson"} {
			all = append(all, suggestion{text: f})
		}
	case word == `\pager` || word == `\timing`:
		all = []suggestion{{text: "on"}, {text: "off"}}
	}
	return from, all
}

// inText reports whether the text ends within quotes that are no name's, or within a
// comment.
func inText(text string) bool {
	ts := presto.Tokens(text)
	if len(ts) == 0 {
		return strings.Contains(text, "--")
	}
	last := ts[len(ts)-1]
	_, to := last.Span()
	if raw := last.Raw(); raw[0] == '\'' {
		_, ended := last.Text()
		return !ended
	}
	rest := text[to:]
	return strings.Contains(rest, "/*") && !strings.HasSuffix(strings.TrimSpace(rest), "*/") || strings.Contains(rest, "--") && !strings.Contains(rest[strings.LastIndex(rest, "--"):], "\n")
}

// lastWord is the name that the text ends with, which may be begun with a quote.
func lastWord(text string) string {
	i := len(text)
	for i > 0 && nameByte(text[i-1]) {
		i--
	}
	if i > 0 && text[i-1] == '"' {
		i--
	}
	return text[i:]
}

func nameByte(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
}

// qualifiers are the names with a dot behind them that the text ends with, and the
// tokens before them.
func qualifiers(ts []presto.Token, text string) (path []string, rest []presto.Token) {
	if !strings.HasSuffix(text, ".") {
		return nil, ts
	}
	for len(ts) >= 2 && ts[len(ts)-1].Is(".") {
		name, ok := ts[len(ts)-2].Name()
		if !ok {
			break
		}
		path = append([]string{name}, path...)
		ts = ts[:len(ts)-2]
	}
	return path, ts
}

// tablesBegin reports whether a table's name can stand behind the tokens.
func tablesBegin(ts []presto.Token) bool {
	depth := 0
	for i := len(ts) - 1; i >= 0; i-- {
		switch t := ts[i]; {
		case t.Is(")"):
			depth++
		case t.Is("("):
			if depth--; depth < 0 {
				return false
			}
		case depth > 0:
		case t.Is("FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "PARTITIONS", "VIEW") && (i == len(ts)-1 || t.Is("FROM") && ts[len(ts)-1].Is(",")):
			return !t.Is("DESC") || i == 0
		case t.Is("SELECT", "WHERE", "ON", "BY", "HAVING", "USING", "SET", "FROM", "UNION"):
			return false
		}
	}
	return false
}

// commonTables are the names that WITH gives.
func commonTables(ts []presto.Token) []string {
	var out []string
	for i := 0; i+2 < len(ts); i++ {
		if ts[i].Is("WITH", ",", "RECURSIVE") && (ts[i+2].Is("AS") || ts[i+2].Is("(")) {
			if name, ok := ts[i+1].Name(); ok && len(ts) > 0 && ts[0].Is("WITH") {
				out = append(out, name)
			}
		}
	}
	return out
}

// A namedTable is a table of a statement, by its name's parts and its alias.
type namedTable struct {
	path  []string
	alias string
}

// tablesIn are the tables that a statement reads, as far as it is written.
func tablesIn(ts []presto.Token) []namedTable {
	var out []namedTable
	for i := 0; i < len(ts); i++ {
		if !ts[i].Is("FROM", "JOIN", "INTO") {
			continue
		}
		for i++; ; i++ {
			var t namedTable
			for i < len(ts) {
				name, ok := ts[i].Name()
				if !ok || ts[i].Is("LATERAL", "UNNEST", "SELECT") {
					break
				}
				t.path = append(t.path, name)
				if i++; i >= len(ts) || !ts[i].Is(".") {
					break
				}
				i++
			}
			if i < len(ts) && ts[i].Is("AS") {
				i++
			}
			if len(t.path) == 0 {
				i--
				break
			}
			t.alias = t.path[len(t.path)-1]
			if i < len(ts) && !ts[i].Is(clauses...) {
				if name, ok := ts[i].Name(); ok {
					t.alias = name
					i++
				}
			}
			out = append(out, t)
			if i >= len(ts) || !ts[i].Is(",") {
				i--
				break
			}
		}
	}
	return out
}

// clauses are words that are no alias behind a table.
var clauses = []string{"WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT", "INTERSECT", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ON", "USING", "TABLESAMPLE", "WINDOW", "SELECT", "VALUES"}

// columnsOf are the columns of the tables; with a path, of that which it names.
func (c *completer) columnsOf(tables []namedTable, path []string) []suggestion {
	var out []suggestion
	for _, t := range tables {
		if len(path) > 0 && !slices.Equal(path, t.path) && !slices.Equal(path, []string{t.alias}) {
			continue
		}
		for _, column := range c.names.columns(t.path) {
			out = append(out, suggestion{text: identifier(column)})
		}
		if len(path) == 0 && len(tables) > 1 {
			out = append(out, suggestion{text: identifier(t.alias), after: "."})
		}
	}
	return out
}

// identifier is a name as it must be written.
func identifier(name string) string {
	plain := name != "" && (name[0] < '0' || name[0] > '9')
	for i := range len(name) {
		plain = plain && nameByte(name[i]) && name[i] != '$' && !('A' <= name[i] && name[i] <= 'Z')
	}
	if plain && !slices.Contains(keywords, strings.ToUpper(name)) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// keywords are those of Presto's that a statement has.
var keywords = []string{
	"ALL", "ALTER", "AND", "ANY", "ARRAY", "AS", "ASC", "AT", "BERNOULLI", "BETWEEN", "BY", "CASE", "CAST", "CREATE", "CROSS", "CUBE", "CURRENT",
	"CURRENT_DATE", "CURRENT_TIMESTAMP", "DATABASE", "DEALLOCATE", "DESC", "DESCRIBE", "DISTINCT", "DROP", "ELSE", "END", "ESCAPE", "EXCEPT", "EXECUTE", "EXISTS", "EXPLAIN",
	"EXTRACT", "FALSE", "FETCH", "FILTER", "FIRST", "FOLLOWING", "FROM", "FULL", "GROUP", "GROUPING", "HAVING", "IGNORE", "IN", "INNER", "INSERT", "INTERSECT", "INTERVAL", "INTO",
	"IS", "JOIN", "LAST", "LATERAL", "LEFT", "LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OFFSET", "ON", "OR", "ORDER", "ORDINALITY", "OUTER", "OVER",
	"PARTITION", "PARTITIONS", "PRECEDING", "PREPARE", "RANGE", "RIGHT", "ROLLUP", "ROW", "ROWS", "SELECT", "SETS", "SHOW", "TABLE", "TABLES",
	"TABLESAMPLE", "THEN", "TIMESTAMP", "TRUE", "TRY_CAST", "UNBOUNDED", "UNION", "UNLOAD", "UNNEST", "USING", "VALUES", "VIEW", "WHEN", "WHERE", "WITH", "ZONE",
}

// inColumns are words side by side, as many as half the screen has room for.
func inColumns(words []string, width, height int) string {
	widest := 0
	for _, w := range words {
		widest = max(widest, utf8.RuneCountInString(w)+2)
	}
	columns := max(max(width, 20)/widest, 1)
	lines := (len(words) + columns - 1) / columns
	left := 0
	if most := max(height/2, 4); lines > most {
		left = len(words) - most*columns
		words, lines = words[:most*columns], most
	}
	var b strings.Builder
	for line := range lines {
		for i := line; i < len(words); i += lines {
			b.WriteString(words[i])
			if i+lines < len(words) {
				b.WriteString(strings.Repeat(" ", widest-utf8.RuneCountInString(words[i])))
			}
		}
		b.WriteByte('\n')
	}
	if left > 0 {
		fmt.Fprintf(&b, "… and %d more\n", left)
	}
	return b.String()
}
