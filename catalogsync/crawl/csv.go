package crawl

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/lake"
)

// A layout is how a file of CSV is read.
type layout struct {
	delimiter rune
	quoted    bool // there are quotes
	header    bool
	columns   []lake.Column
}

// delimiters are those that are looked for, the likeliest first.
var delimiters = []rune{',', '\t', ';', '|'}

const headLines = 50

// delimiter is the one that parts the first lines into most fields, as many in each; n is
// how many fields.
func delimiter(text []byte) (d rune, n int) {
	for _, r := range delimiters {
		rows, err := parse(text, r, headLines)
		if err != nil || len(rows) == 0 {
			continue
		}
		fields := len(rows[0])
		if !slices.ContainsFunc(rows, func(row []string) bool { return len(row) != fields }) && fields > n {
			d, n = r, fields
		}
	}
	return d, n
}

// parse reads rows, at most that many.
func parse(text []byte, d rune, limit int) (rows [][]string, err error) {
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma, in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = d, -1, true, false
	for len(rows) < limit {
		row, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// csvLayout finds out how a sample is read.
func csvLayout(text []byte, whole bool, header string) (layout, error) {
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	if !whole {
		cut := bytes.LastIndexByte(text, '\n')
		if cut < 0 {
			return layout{}, &textError{"its first line is longer than the sample"}
		}
		text = text[:cut+1]
	}
	d, _ := delimiter(text)
	if d == 0 {
		d = ','
	}
	rows, err := parse(text, d, 1<<30)
	if err != nil {
		return layout{}, &textError{err.Error()}
	}
	if len(rows) == 0 {
		return layout{}, &textError{"it has no rows"}
	}
	l := layout{delimiter: d, quoted: bytes.IndexByte(text, '"') >= 0}
	for _, row := range rows {
		if slices.ContainsFunc(row, func(v string) bool { return strings.ContainsAny(v, "\r\n") }) {
			return l, &textError{"a value has a line break, and engines read a line as a row"}
		}
	}
	switch header {
	case "yes":
		l.header = true
	case "":
		l.header = isHeader(rows)
	}
	width := 0
	for _, row := range rows {
		width = max(width, len(row))
	}
	types := make([]lake.Type, width)
	for _, row := range rows[btoi(l.header):] {
		for i, v := range row {
			types[i] = join(types[i], typeOf(v))
		}
	}
	taken := map[string]bool{}
	for i, t := range types {
		name := fmt.Sprintf("col%d", i)
		if l.header && i < len(rows[0]) && strings.TrimSpace(rows[0][i]) != "" {
			name = lake.CleanName(strings.TrimSpace(rows[0][i]))
		}
		for base, n := name, 2; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		taken[name] = true
		if t.Kind == lake.KindNone || l.quoted {
			t = lake.String
		}
		l.columns = append(l.columns, lake.Column{Name: name, Type: t})
	}
	return l, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isHeader reports whether the first row names the columns: different words, none of them a
// number, and below one of them is something else than text, or all of them look like
// names.
func isHeader(rows [][]string) bool {
	seen := map[string]bool{}
	names := true
	for _, v := range rows[0] {
		v = strings.TrimSpace(v)
		if v == "" || seen[strings.ToLower(v)] || typeOf(v).Kind != lake.KindString {
			return false
		}
		seen[strings.ToLower(v)] = true
		names = names && identifier(v)
	}
	if len(rows) == 1 {
		return names
	}
	for _, row := range rows[1:] {
		for _, v := range row {
			if k := typeOf(v).Kind; k != lake.KindString && k != lake.KindNone {
				return true
			}
		}
	}
	return names
}

func identifier(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || r == ' ' || r == '-' || r == '.')) {
			return false
		}
	}
	return true
}

// typeOf is the type of a value; KindNone for an empty one. What a number would not give
// back, as 007, is text.
func typeOf(v string) lake.Type {
	switch {
	case v == "":
		return lake.Type{}
	case strings.EqualFold(v, "true"), strings.EqualFold(v, "false"):
		return lake.Boolean
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && strconv.FormatInt(n, 10) == v {
		return lake.Bigint
	}
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] != '.' {
		return lake.String
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil && strings.ContainsAny(v, ".eE") && !strings.ContainsAny(v, "xX_") {
		return lake.Double
	}
	return lake.String
}
