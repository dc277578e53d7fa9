package presto

import (
	"slices"
	"sort"
	"strings"
)

// A Text is a statement as DuckDB's grammar takes it.
type Text struct {
	SQL   string
	edits []edit
}

// An edit replaced what was at from…to in the old text.
type edit struct {
	from, to int // in the statement
	at       int // in Text.SQL
	text     string
}

// Original is the place in the statement of a place in t.SQL; -1 stays -1.
func (t *Text) Original(position int) int {
	if position < 0 {
		return -1
	}
	i := sort.Search(len(t.edits), func(i int) bool { return t.edits[i].at > position }) - 1
	if i < 0 {
		return position
	}
	e := t.edits[i]
	if position < e.at+len(e.text) {
		return e.from
	}
	return position - e.at - len(e.text) + e.to
}

// Front rewrites a statement for DuckDB's grammar. Parameters take the place of
// question marks; each is a constant of SQL, such as 1, 'x' or DATE '2026-01-31'.
func Front(sql string, parameters []string) (*Text, error) {
	for i, p := range parameters {
		if !isConstant(scan(p)) {
			return nil, refuse(-1, "parameter %d, %s, is no constant: there are numbers, texts in single quotes, NULL, true, false, and DATE and TIMESTAMP with a text", i+1, p)
		}
	}
	f := &front{sql: sql, tokens: scan(sql), parameters: parameters}
	for f.i = 0; f.i < len(f.tokens); f.i++ {
		if err := f.step(); err != nil {
			return nil, err
		}
	}
	if f.used < len(parameters) {
		return nil, refuse(-1, "%d parameters were given, but the statement has %d question marks", len(parameters), f.used)
	}
	return f.text(), nil
}

func isConstant(ts []token) bool {
	if len(ts) == 2 && (ts[0].is("-", "+") && ts[1].kind == number || ts[0].is("DATE", "TIMESTAMP") && ts[1].ended()) {
		return true
	}
	return len(ts) == 1 && (ts[0].kind == number || ts[0].ended() || ts[0].is("NULL", "TRUE", "FALSE"))
}

// ended reports whether t is a text with its closing quote.
func (t token) ended() bool {
	return t.kind == text && len(t.text) >= 2 && pastQuote(t.text+" ", 0) == len(t.text)
}

// deepestBrackets bounds the work for calls within calls; DuckDB's own limit is of
// that order.
const deepestBrackets = 500

type front struct {
	sql        string
	tokens     []token
	i          int
	casts      []int // for each open bracket: 1 where it is a cast's
	parameters []string
	used       int
	edits      []edit
	moved      []int // tokens that withinGroup took away
}

// at is the token n after the current one.
func (f *front) at(n int) token {
	if i := f.i + n; i >= 0 && i < len(f.tokens) {
		return f.tokens[i]
	}
	return token{from: len(f.sql), to: len(f.sql)}
}

func (f *front) replace(from, to int, text string) {
	f.edits = append(f.edits, edit{from: from, to: to, text: text})
}

func (f *front) text() *Text {
	sort.SliceStable(f.edits, func(i, j int) bool { return f.edits[i].from < f.edits[j].from })
	var b strings.Builder
	done := 0
	for i := range f.edits {
		e := &f.edits[i]
		b.WriteString(f.sql[done:e.from])
		e.at = b.Len()
		b.WriteString(e.text)
		done = e.to
	}
	b.WriteString(f.sql[done:])
	return &Text{SQL: b.String(), edits: f.edits}
}

// step looks at the current token.
func (f *front) step() error {
	t := f.at(0)
	switch {
	case len(f.moved) > 0 && slices.Contains(f.moved, f.i):
		return nil
	case t.is("("):
		cast := 0
		if f.at(-1).is("CAST", "TRY_CAST") {
			cast = 1
		}
		if len(f.casts) > deepestBrackets {
			return refuse(t.from, "brackets are nested more than %d deep", deepestBrackets)
		}
		f.casts = append(f.casts, cast)
	case t.is(")"):
		if len(f.casts) > 0 {
			f.casts = f.casts[:len(f.casts)-1]
		}
		return f.nulls()
	case t.is("AS") && len(f.casts) > 0 && f.casts[len(f.casts)-1] == 1:
		return f.castType()
	case t.is("::"):
		return f.castType() // not Presto's, but there is nothing else that it could mean
	case t.is("?"):
		if f.used >= len(f.parameters) {
			return refuse(t.from, "there is no value for parameter %d: the statement has more question marks than the %d values given", f.used+1, len(f.parameters))
		}
		var constant strings.Builder // without comments
		for _, piece := range scan(f.parameters[f.used]) {
			constant.WriteString(" " + piece.text)
		}
		f.replace(t.from, t.to, "("+constant.String()+" )")
		f.used++
	case t.is("JSON") && f.at(1).kind == text:
		f.replace(t.from, f.at(1).to, "json_parse("+f.at(1).text+")")
		f.i++
	case t.is("X") && f.at(1).kind == text && f.at(1).from == t.to:
		return f.binary()
	case t.is("U") && f.at(1).is("&") && f.at(2).kind == text:
		return f.unicode()
	case t.is("E") && f.at(1).kind == text && f.at(1).from == t.to:
		return refuse(t.from, "texts of the form E'…' are not Presto's; a backslash stands for itself in '…'")
	case t.is("DECIMAL") && f.at(1).kind == text:
		return f.decimal()
	case t.is("TIMESTAMP", "TIME") && f.at(1).kind == text:
		return f.moment()
	case t.is("INTERVAL"):
		return f.interval()
	case t.is("TABLESAMPLE"):
		return f.sample()
	case t.is("FETCH") && f.at(1).is("FIRST", "NEXT"):
		return f.fetch()
	case t.is("EXTRACT") && f.at(1).is("(") && f.at(3).is("FROM"):
		f.extract()
	case t.is("CURRENT_TIMESTAMP", "LOCALTIMESTAMP") && f.at(1).is("(") && f.at(2).kind == number && f.at(3).is(")"):
		f.replace(f.at(1).from, f.at(3).to, "")
		f.i += 3
	case t.is("JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "JSON_TABLE", "JSON_OBJECT", "JSON_ARRAY") && f.at(1).is("("):
		return refuse(t.from, "Trino's function %s is not supported; json_extract(x, '$.a') gives JSON, and json_extract_scalar(x, '$.a') a text", strings.ToLower(t.text))
	case t.is("MATCH_RECOGNIZE") && f.at(1).is("("):
		return refuse(t.from, "MATCH_RECOGNIZE is not supported; lag, lead and sums OVER (… ORDER BY …) find what follows what")
	case t.is("FOR") && f.at(1).is("TIMESTAMP", "VERSION", "SYSTEM_TIME", "SYSTEM_VERSION") && f.at(2).is("AS"):
		return refuse(t.from, "FOR %s AS OF is of Iceberg's tables: there are no versions of a table here", strings.ToUpper(f.at(1).text))
	case t.is("LISTAGG") && f.at(1).is("("):
		return f.withinGroup()
	case f.isName() || f.isAlias():
		f.replace(t.from, t.to, `"`+strings.ToLower(t.text)+`"`)
	case t.is("VALUES"):
		f.values()
	case t.is("IF") && f.at(1).is("("):
		f.twoArmed()
	}
	return nil
}

// nulls moves IGNORE NULLS from behind a call's arguments into them.
func (f *front) nulls() error {
	if !f.at(1).is("IGNORE", "RESPECT") || !f.at(2).is("NULLS") {
		return nil
	}
	if f.at(1).is("IGNORE") {
		f.replace(f.at(0).from, f.at(0).from, " IGNORE NULLS")
	}
	f.replace(f.at(1).from, f.at(2).to, "")
	f.i += 2
	return nil
}

// withinGroup moves the order of LISTAGG(x, ',') WITHIN GROUP (ORDER BY y) into the
// brackets.
func (f *front) withinGroup() error {
	depth := 0
	for i := f.i + 1; i < len(f.tokens); i++ {
		switch t := f.tokens[i]; {
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		case t.is("OVERFLOW") && depth == 1:
			return refuse(t.from, "ON OVERFLOW of listagg is not supported: there is no limit that could be passed")
		}
		if depth == 0 {
			if last := i + 3; last < len(f.tokens) && f.tokens[i+1].is("WITHIN") && f.tokens[i+2].is("GROUP") && f.tokens[last].is("(") {
				f.replace(f.tokens[i].from, f.tokens[last].to, " ")
				f.moved = append(f.moved, i, last)
			}
			return nil
		}
	}
	return nil
}

// sample is TABLESAMPLE BERNOULLI (10), percent.
func (f *front) sample() error {
	method := f.at(1)
	if !method.is("BERNOULLI", "SYSTEM") || !f.at(2).is("(") {
		return refuse(method.from, "TABLESAMPLE takes BERNOULLI or SYSTEM and a percentage, as in TABLESAMPLE BERNOULLI (10)")
	}
	if f.at(3).kind != number || !f.at(4).is(")") {
		return nil
	}
	f.replace(f.at(3).to, f.at(3).to, " PERCENT")
	return nil
}

// fetch is FETCH FIRST n ROWS ONLY.
func (f *front) fetch() error {
	n, count := 2, "1"
	if f.at(n).kind == number {
		count = f.at(n).text
		n++
	}
	if !f.at(n).is("ROW", "ROWS") || !f.at(n+1).is("ONLY") {
		return refuse(f.at(0).from, "FETCH FIRST takes a number and ROWS ONLY; WITH TIES is not supported")
	}
	f.replace(f.at(0).from, f.at(n+1).to, "LIMIT "+count)
	f.i += n + 1
	return nil
}

var extractFields = map[string]string{"DAY_OF_WEEK": "dow", "DAY_OF_YEAR": "doy", "DAY_OF_MONTH": "day", "YEAR_OF_WEEK": "isoyear", "YOW": "isoyear"}

func (f *front) extract() {
	if to, ok := extractFields[strings.ToUpper(f.at(2).text)]; ok {
		f.replace(f.at(2).from, f.at(2).to, to)
	}
}

// twoArmed gives IF(c, a) its third argument.
func (f *front) twoArmed() {
	depth, commas := 0, 0
	for i := f.i + 1; i < len(f.tokens); i++ {
		switch t := f.tokens[i]; {
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		case t.is(",") && depth == 1:
			commas++
		}
		if depth == 0 {
			if commas == 1 {
				f.replace(f.tokens[i].from, f.tokens[i].from, ", NULL")
			}
			return
		}
	}
}

// values puts brackets around the rows of VALUES 1, 2.
func (f *front) values() {
	depth, first := 0, f.i+1
	for i := first; i <= len(f.tokens); i++ {
		t := token{}
		if i < len(f.tokens) {
			t = f.tokens[i]
		}
		end := i == len(f.tokens) || depth == 0 && (t.is(")", ";", "VALUES", "ORDER", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT", "INTERSECT"))
		if (end || depth == 0 && t.is(",")) && i > first {
			if head := f.tokens[first]; head.is("ROW") && f.tokens[min(first+1, len(f.tokens)-1)].is("(") {
				f.replace(head.from, head.to, "")
			} else if !head.is("(") {
				f.replace(head.from, head.from, "(")
				f.replace(f.tokens[i-1].to, f.tokens[i-1].to, ")")
			}
			first = i + 1
		}
		switch {
		case end:
			return
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		}
	}
}
