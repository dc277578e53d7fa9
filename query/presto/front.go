package presto

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluice/query/presto/function"
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
	case f.isName():
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

// unicode is U&'\00e4', with another character than the backslash behind UESCAPE.
func (f *front) unicode() error {
	t, last, escape := f.at(2), 2, `\`
	if !t.ended() || f.at(1).from != f.at(0).to || t.from != f.at(1).to {
		return refuse(f.at(0).from, "U& stands right before a text in quotes, as in U&'\\00e4'")
	}
	if f.at(3).is("UESCAPE") && f.at(4).ended() {
		if escape, last = f.at(4).unquote(), 4; len(escape) != 1 || wordByte(escape[0]) || strings.Contains(` '"+`, escape) {
			return refuse(f.at(4).from, "UESCAPE takes one character that is no letter, digit, space, quote or +")
		}
	}
	var b strings.Builder
	for s := t.unquote(); s != ""; {
		i := strings.Index(s, escape)
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		digits, skip := 4, 0
		switch {
		case strings.HasPrefix(s, escape):
			b.WriteString(escape)
			s = s[1:]
			continue
		case strings.HasPrefix(s, "+"):
			digits, skip = 6, 1
		}
		code, err := strconv.ParseUint(s[skip:min(skip+digits, len(s))], 16, 32)
		if err != nil || len(s) < skip+digits || code == 0 || !utf8.ValidRune(rune(code)) {
			return refuse(t.from, "%s: behind %s stand four hexadecimal digits, or + and six, of a character", t.text, escape)
		}
		b.WriteRune(rune(code))
		s = s[skip+digits:]
	}
	f.replace(f.at(0).from, f.at(last).to, "'"+strings.ReplaceAll(b.String(), "'", "''")+"'")
	f.i += last
	return nil
}

// binary is X'65 66'.
func (f *front) binary() error {
	hex := strings.ReplaceAll(f.at(1).unquote(), " ", "")
	var b strings.Builder
	for i := 0; i+1 < len(hex); i += 2 {
		if _, err := strconv.ParseUint(hex[i:i+2], 16, 8); err != nil {
			return refuse(f.at(0).from, "%s is not made of hexadecimal digits", f.at(1).text)
		}
		b.WriteString(`\x` + hex[i:i+2])
	}
	if len(hex)%2 == 1 {
		return refuse(f.at(0).from, "%s has an odd number of digits", f.at(1).text)
	}
	f.replace(f.at(0).from, f.at(1).to, "CAST('"+b.String()+"' AS BLOB)")
	f.i++
	return nil
}

// decimal is DECIMAL '1.50', which has the precision and scale of its text.
func (f *front) decimal() error {
	value := f.at(1).unquote()
	digits := strings.TrimLeft(value, "+-")
	if whole, fraction, _ := strings.Cut(digits, "."); whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return refuse(f.at(1).from, "%s is not a decimal", f.at(1).text)
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	f.replace(f.at(0).from, f.at(1).to, fmt.Sprintf("CAST('%s' AS DECIMAL(%d,%d))", value, max(len(whole)+len(fraction), 1), len(fraction)))
	f.i++
	return nil
}

// moment is TIMESTAMP '…', which has a zone where its text has.
func (f *front) moment() error {
	value := f.at(1).unquote()
	if f.at(0).is("TIME") || strings.Trim(value, "0123456789-: .") == "" && !strings.Contains(strings.TrimSpace(value), " -") && strings.Count(value, "-") <= 2 {
		return nil
	}
	if wall, at, ok := zonedText(value); ok {
		f.replace(f.at(0).from, f.at(1).to, "with_timezone(TIMESTAMP '"+wall+"', '"+at+"')")
		f.i++
		return nil
	}
	return refuse(f.at(1).from, "%s is not a valid timestamp literal: it is as in TIMESTAMP '2026-01-31 10:00:00', with a zone behind it as in 'Europe/Berlin' or '+05:30'", f.at(1).text)
}

var zonedLiteral = regexp.MustCompile(`^\s*(\d{4}-\d{1,2}-\d{1,2}(?: \d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{1,6})?)?)?) ?([A-Za-z][A-Za-z0-9_+/-]*|[+-]\d\d(?::?\d\d)?)\s*$`)

// zonedText is a timestamp's text, and the zone behind it. A time that is none on
// the wall of the zone is not one.
func zonedText(text string) (wall, at string, ok bool) {
	m := zonedLiteral.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	wall, at = m[1], m[2]
	if len(at) == 5 && (at[0] == '+' || at[0] == '-') {
		at = at[:3] + ":" + at[3:]
	}
	z, ok := zoneNamed(at)
	if !ok || z.fixed {
		return wall, z.name, ok
	}
	location, err := time.LoadLocation(z.name)
	if err != nil {
		return "", "", false
	}
	_, ok = instantOf(wall, location)
	return wall, z.name, ok
}

// instantOf is the instant of a time that is written as it is on the wall of a place.
func instantOf(wall string, location *time.Location) (time.Time, bool) {
	for _, layout := range []string{"2006-1-2 15:4:5.999999", "2006-1-2 15:4", "2006-1-2"} {
		if t, err := time.Parse(layout, wall); err == nil {
			return function.OnWall(t, location)
		}
	}
	return time.Time{}, false
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

// interval is INTERVAL '1' DAY, and with two units INTERVAL '1 10:30:00' DAY TO
// SECOND.
func (f *front) interval() error {
	n, minus := 1, ""
	if f.at(1).is("-", "+") {
		n, minus = 2, strings.Trim(f.at(1).text, "+")
	}
	if f.at(n).kind != text {
		return nil
	}
	value, unit := f.at(n).unquote(), f.at(n+1)
	if !unit.is("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "QUARTER", "MILLISECOND") {
		return refuse(f.at(n).from, "an interval is a text and a unit, as in INTERVAL '1' DAY")
	}
	if f.at(n + 2).is("TO") {
		single, ok := compoundInterval(minus+value, unit.text, f.at(n+3).text)
		if !ok {
			return refuse(f.at(n).from, "INTERVAL %s %s TO %s: the text must be as in '1-2' YEAR TO MONTH or '1 10:30:00' DAY TO SECOND", f.at(n).text, strings.ToUpper(unit.text), strings.ToUpper(f.at(n+3).text))
		}
		f.replace(f.at(1).from, f.at(n+3).to, single)
		f.i += n + 3
		return nil
	}
	if _, err := strconv.ParseInt(value, 10, 32); err != nil && !unit.is("SECOND") {
		return refuse(f.at(n).from, "INTERVAL %s %s: the text must be a whole number", f.at(n).text, strings.ToUpper(unit.text))
	}
	if minus != "" {
		f.replace(f.at(1).from, f.at(n).to, "'"+strings.TrimPrefix(minus+value, "--")+"'")
	}
	return nil
}
