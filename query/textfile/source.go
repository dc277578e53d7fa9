package textfile

import (
	"fmt"
	"path"
	"strings"

	"sluice/query/executor"
)

// MaxLine is the most bytes that a line may have.
const MaxLine = 16 << 20

// bufferBytes is what DuckDB reads of a file at once; a line must fit into it.
const bufferBytes = 2 * MaxLine

// maxNames is how many files an error can tell from one another.
const maxNames = 256

// A File is one of the table's files.
type File struct {
	Path string // on this machine
	Name string // of the object
}

// Compression is DuckDB's name of the compression of an object, by the end of its
// name, as Hive goes by; the error names one that is not read.
func Compression(name string) (string, error) {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".gz", ".gzip":
		return "gzip", nil
	case ".zst", ".zstd":
		return "zstd", nil
	case ".bz2", ".lzo", ".lz4", ".snappy", ".deflate", ".xz", ".zip", ".br":
		return "", fmt.Errorf("the file %s is compressed as %s; there are .gz, .zst and plain text", name, ext)
	}
	return "none", nil
}

// Source is a relation in FROM, of which Value makes the columns. It has a row for
// each line of the files, which are all of one compression, and the column
// file_index, the number of the line's file.
func (f *Format) Source(files []File, compression string) string {
	lines := fmt.Sprintf("SELECT coalesce(line, '') AS line, file_index%s FROM read_csv(%s, columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, "+
		// No line has these four bytes in it, so each is one field; blank lines are rows too.
		`delim = E'\x01\x02\x03\x04', quote = '', escape = '', strict_mode = false, `+
		"skip = %d, compression = %s, max_line_size = %d, buffer_size = %d)",
		names(files), list(files, func(x File) string { return x.Path }), f.skip, executor.Quote(compression), MaxLine, bufferBytes)
	switch f.kind {
	case openX, hiveJSON:
		return "(" + f.jsonSource(lines) + ")"
	case openCSV:
		return "(" + f.csvSource(lines) + ")"
	}
	return "(" + f.lazySource(lines) + ")"
}

// names adds the column place: where an error is.
func names(files []File) string {
	if len(files) > maxNames {
		return ", '' AS place"
	}
	return ", ' in ' || (" + list(files, func(x File) string { return x.Name }) + ")[CAST(file_index AS BIGINT) + 1] AS place"
}

func list(files []File, text func(File) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, x := range files {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(executor.Quote(text(x)))
	}
	return b.String() + "]"
}

// fail is an expression that ends the query. Its text is never a constant, which
// DuckDB would compute whether it is needed or not.
func fail(what, text string) string {
	return "error(" + executor.Quote(what+": ") + " || left(" + text + ", 100) || f.place)"
}

// jsonSource has for each line the object's keys and values, in k and v, the last
// first.
func (f *Format) jsonSource(lines string) string {
	trimmed := "SELECT trim(line, E' \\t\\r\\n\\f\\x0b') AS line, file_index, place FROM (" + lines + ")"
	malformed := fail("a line is no valid JSON", "f.line")
	if f.ignoreMalformed {
		malformed = "NULL"
	}
	parse := "from_json(f.line, '" + `"MAP(VARCHAR,JSON)"` + "')"
	object := "CASE WHEN left(f.line, 1) = '{' THEN CASE WHEN json_valid(f.line) THEN " + parse + " ELSE " + malformed + " END "
	switch {
	case f.kind == openX:
		object += "WHEN left(f.line, 1) = '[' THEN " + fail("a line is an array, not an object", "f.line") + " END"
	case f.ignoreMalformed:
		object += "END"
	default:
		object += "ELSE " + fail("a line is no JSON object", "f.line") + " END"
	}
	return "SELECT " + f.keys("m") + " AS k, list_reverse(map_values(m)) AS v, file_index, place FROM (SELECT " + object +
		" AS m, file_index, place FROM (" + trimmed + ") AS f)"
}

// keys are a map's keys, the last first, as they are compared.
func (f *Format) keys(m string) string {
	if f.caseSensitive {
		return "list_reverse(map_keys(" + m + "))"
	}
	return "list_reverse(list_transform(map_keys(" + m + "), lambda key: lower(key)))"
}

// lazySource has for each line its fields, in x.
func (f *Format) lazySource(lines string) string {
	return "SELECT " + f.split("f.line", f.separators[0]) + " AS x, file_index, place FROM (" + lines + ") AS f"
}

// split cuts a text at a separator that is not escaped.
func (f *Format) split(text, separator string) string {
	if f.escape == "" {
		return "string_split(" + text + ", " + executor.Quote(separator) + ")"
	}
	e, s := class(f.escape), class(separator)
	cut := fmt.Sprintf("regexp_extract_all(%s || %s, %s, 1)", text, executor.Quote(separator), executor.Quote("((?:["+e+"].|[^"+e+s+"])*)["+s+"]"))
	dangling := fmt.Sprintf("regexp_matches(%s, %s)", text, executor.Quote("(?:^|[^"+e+"])(?:["+e+"]["+e+"])*["+e+"]$"))
	return "CASE WHEN " + dangling + " THEN " + fail("a text ends in its escape character", text) + " ELSE " + cut + " END"
}

// class is a character within the brackets of a regular expression.
func class(c string) string {
	if strings.ContainsAny(c, `\]^-[`) {
		return `\` + c
	}
	return c
}

// csvSource has for each line its fields, in x. A line without quotes and escapes is
// cut at its separators, as opencsv does; of the others those are taken whose
// quotes are around whole fields.
func (f *Format) csvSource(lines string) string {
	sep, q := class(f.separators[0]), class(f.quote)
	special, escaped, bare := q, "", ""
	if f.escape != "" {
		e := class(f.escape)
		special += e
		escaped = "[" + e + "].|"
		bare = "|[" + e + "][^" + sep + "]"
	}
	field := fmt.Sprintf(`[%s](?:%s[%s][%s]|[^%s])*[%s]|(?:[^%s%s](?:[^%s%s]%s)*)?`, q, escaped, q, q, special, q, special, sep, special, sep, bare)
	plain := "NOT regexp_matches(f.line, " + executor.Quote("["+special+"]") + ")"
	whole := "regexp_full_match(f.line, " + executor.Quote("(?:"+field+")(?:["+sep+"](?:"+field+"))*") + ")"
	cut := "list_transform(regexp_extract_all(f.line || " + executor.Quote(f.separators[0]) + ", " + executor.Quote("("+field+")["+sep+"]") + ", 1), lambda y: " + f.unquote("y") + ")"
	return "SELECT CASE WHEN f.line = '' THEN NULL WHEN " + plain + " THEN string_split(f.line, " + executor.Quote(f.separators[0]) + ") WHEN " + whole + " THEN " + cut +
		" ELSE " + fail("a line is no CSV: its quotes are not around whole fields", "f.line") + " END AS x, file_index, place FROM (" + lines + ") AS f"
}

// unquote is what a field of CSV stands for.
func (f *Format) unquote(y string) string {
	q := class(f.quote)
	pattern := "[" + q + "]([" + q + "])"
	if f.escape != "" {
		pattern = "[" + class(f.escape) + "](.)|" + pattern
	}
	inner := fmt.Sprintf("CASE WHEN length(%[1]s) >= 2 AND left(%[1]s, 1) = %[2]s THEN %[1]s[2:-2] ELSE %[1]s END", y, executor.Quote(f.quote))
	rewrite := `\1`
	if f.escape != "" {
		rewrite = `\1\2`
	}
	return "regexp_replace(" + inner + ", " + executor.Quote(pattern) + ", " + executor.Quote(rewrite) + ", 'g')"
}
