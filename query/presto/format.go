package presto

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sluice/query/presto/function"
	"sluice/query/syntax"
)

// format rewrites a function with a pattern, which must be a constant.
func (r *rewriter) format(n node, to string, pattern func(string, bool) (string, string)) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	name := syntax.Text(n, "function_name")
	p, ok := constantText(a[1])
	if !ok {
		r.fail(n, "the pattern of %s must be a text in quotes", name)
		return
	}
	if to == "strptime" && !strptimeReads(name, p) {
		r.parseBy(n, name, p)
		return
	}
	duck, bad := pattern(p, to == "strptime")
	if bad != "" {
		r.fail(a[1], "%s of the pattern of %s is not supported", bad, name)
		return
	}
	if to == "strftime" {
		become(n, call(to, a[0], literal(duck)))
		return
	}
	parsed := r.macro("presto_strptime", a[0], literal(duck))
	if name == "parse_datetime" {
		parsed = cast(parsed, "TIMESTAMP WITH TIME ZONE")
	}
	become(n, parsed)
}

// strptimeReads reports whether DuckDB's strptime, which is faster, reads a pattern as
// Presto does: it has the year and what all patterns have.
func strptimeReads(name, p string) bool {
	if name == "date_parse" {
		_, bad := mysqlPattern(p, true)
		return bad == "" && strings.Contains(p, "%Y") && !strings.ContainsAny(p, "MW")
	}
	_, bad := jodaPattern(p, true)
	return bad == "" && strings.Contains(p, "yyyy") && !strings.Contains(p, "MMM")
}

// parseBy reads texts with the functions in Go.
func (r *rewriter) parseBy(n node, name, p string) {
	a := arguments(n)
	bad := function.MySQLLayout(p)
	if name == "parse_datetime" {
		_, bad = function.JodaLayout(p)
	}
	if bad != "" {
		r.fail(a[1], "%s of the pattern of %s is not supported", bad, name)
		return
	}
	become(n, r.macro("presto_"+name, a...))
}

// mysqlCodes are MySQL's, as PrestoDB documents them for date_format.
var mysqlCodes = map[byte]string{
	'a': "%a", 'b': "%b", 'c': "%-m", 'd': "%d", 'e': "%-d", 'f': "%f", 'H': "%H", 'h': "%I", 'I': "%I", 'i': "%M", 'j': "%j",
	'k': "%-H", 'l': "%-I", 'M': "%B", 'm': "%m", 'p': "%p", 'r': "%I:%M:%S %p", 'S': "%S", 's': "%S", 'T': "%H:%M:%S",
	'v': "%V", 'W': "%A", 'x': "%G", 'Y': "%Y", 'y': "%y", '%': "%%",
}

// mysqlPattern is a MySQL pattern as strftime's; bad is what cannot be said.
func mysqlPattern(p string, parse bool) (duck, bad string) {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			b.WriteByte(p[i])
			continue
		}
		i++
		if i >= len(p) {
			return "", "the % at the end"
		}
		code, known := mysqlCodes[p[i]]
		switch {
		case strings.IndexByte("DUuVwX", p[i]) >= 0:
			return "", "%" + p[i:i+1] // Presto refuses these too
		case !known:
			b.WriteByte(p[i])
			continue
		case parse && strings.IndexByte("yvxWaj", p[i]) >= 0:
			return "", "%" + p[i:i+1]
		}
		b.WriteString(code)
	}
	return b.String(), ""
}

// jodaCodes are Joda's, by letter and number of letters.
var jodaCodes = map[string]string{
	"y": "%-Y", "yy": "%y", "yyyy": "%Y", "Y": "%-Y", "YY": "%y", "YYYY": "%Y", "x": "%G", "xxxx": "%G", "ww": "%V", "e": "%u",
	"E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "D": "%-j", "DDD": "%j", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "d": "%-d", "dd": "%d",
	"a": "%p", "h": "%-I", "hh": "%I", "H": "%-H", "HH": "%H", "m": "%-M", "mm": "%M", "s": "%-S", "ss": "%S", "SSS": "%g", "SSSSSS": "%f",
	"z": "UTC", "Z": "+0000", "ZZ": "+00:00", "ZZZ": "UTC",
}

// jodaPattern is a Joda pattern as strftime's; bad is what cannot be said.
func jodaPattern(p string, parse bool) (duck, bad string) {
	var b strings.Builder
	for i := 0; i < len(p); {
		c := p[i]
		from := i
		switch {
		case c == '\'':
			end := pastQuote(p, i)
			if end < i+2 || p[end-1] != '\'' {
				return "", "the quote that does not end"
			}
			s := strings.ReplaceAll(p[i+1:end-1], "''", "'")
			if s == "" {
				s = "'"
			}
			b.WriteString(strings.ReplaceAll(s, "%", "%%"))
			i = end
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			for i < len(p) && p[i] == c {
				i++
			}
			code, ok := jodaCodes[p[from:i]]
			if !ok || parse && strings.IndexByte("xweEDzZS", c) >= 0 && p[from:i] != "SSS" || parse && i-from == 2 && c|0x20 == 'y' {
				return "", p[from:i]
			}
			b.WriteString(strings.ReplaceAll(code, "%-Y", "%Y"))
		case c == '%':
			b.WriteString("%%")
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), ""
}

// javaFormat is format('%s is %d', …), for what C's printf has as well.
func javaFormat(r *rewriter, n node) {
	a := r.args(n, 1, -1)
	if a == nil {
		return
	}
	f, ok := constantText(a[0])
	if !ok {
		r.fail(n, "the first argument of format must be a text in quotes")
		return
	}
	used := 0
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			continue
		}
		from := i
		for i++; i < len(f) && (digit(f[i]) || f[i] == '.' || f[i] == '-' || f[i] == ','); i++ {
		}
		spec := f[from:min(i+1, len(f))]
		if grouped := strings.HasPrefix(spec, "%,"); grouped && i < len(f) && (f[i] == 'd' && spec == "%,d" || f[i] == 'f') && used+1 < len(a) {
			if !r.grouped(a, used+1, spec) {
				return
			}
			f = f[:from] + "%s" + f[i+1:]
			used, i = used+1, from+1
			continue
		}
		if i >= len(f) || strings.Contains(spec, ",") || strings.IndexByte("sdfx%", f[i]) < 0 || f[i] == 's' && strings.Contains(spec, ".") {
			r.fail(a[0], "%s in the pattern of format is not supported; there are %%s, %%d, %%f, %%.2f, %%05d, %%x and %%%%", spec)
			return
		}
		if f[i] == '%' {
			continue
		}
		used++
		if used >= len(a) {
			r.fail(a[0], "the pattern of format has more places than values follow")
			return
		}
		if f[i] == 's' {
			a[used] = node{"class": "OPERATOR", "type": "OPERATOR_COALESCE", "children": []any{r.macro("presto_text", a[used]), literal("null")}}
		}
		if f[i] == 'f' {
			places := 6
			if _, digits, ok := strings.Cut(strings.TrimSuffix(spec, "f"), "."); ok {
				places, _ = strconv.Atoi(digits)
			}
			if places > 20 {
				r.fail(a[0], "%s in the pattern of format is not supported; there are at most 20 places", spec)
				return
			}
			// Java rounds a half of what is written up, C that of the binary value to even.
			rounded := cast(cast(a[used], "VARCHAR"), "DECIMAL")
			syntax.Object(rounded, "cast_type")["type_info"] = node{"type": "DECIMAL_TYPE_INFO", "width": json.Number("38"), "scale": json.Number(strconv.Itoa(places))}
			a[used] = cast(rounded, "DOUBLE")
		}
	}
	a[0] = literal(f)
	become(n, call("printf", a...))
}

// grouped makes the argument i the text that %,d or %,.2f makes of it: with a comma
// for each thousand.
func (r *rewriter) grouped(a []node, i int, spec string) bool {
	value := a[i]
	if strings.HasSuffix(spec, "d") {
		a[i] = call("format", literal("{:,}"), cast(value, "BIGINT"))
		return true
	}
	places := 6
	if _, digits, ok := strings.Cut(strings.TrimSuffix(spec, "f"), "."); ok {
		places, _ = strconv.Atoi(digits)
	}
	if places > 6 || strings.Count(spec, ",") > 1 {
		r.fail(a[0], "%s in the pattern of format is not supported; there are at most 6 places", spec)
		return false
	}
	rounded := cast(cast(value, "VARCHAR"), "DECIMAL")
	syntax.Object(rounded, "cast_type")["type_info"] = node{"type": "DECIMAL_TYPE_INFO", "width": json.Number("38"), "scale": json.Number(strconv.Itoa(places))}
	a[i] = call("format", literal(fmt.Sprintf("{:,.%df}", places)), cast(rounded, "DOUBLE"))
	return true
}
