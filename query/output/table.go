package output

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"

	"sluice/query/result"
)

// measured is how many rows decide how wide the columns are.
const measured = 1000

func writeTable(w *bufio.Writer, rows result.Rows) error {
	columns := rows.Columns()
	widths := make([]int, len(columns))
	names := make([]string, len(columns))
	right := make([]bool, len(columns))
	for i, c := range columns {
		names[i] = printable(c.Name)
		widths[i] = width(names[i])
		right[i] = c.Numeric()
	}
	var first [][]string
	for len(first) < measured && rows.Next() {
		cells := tableCells(rows.Values())
		for i, cell := range cells {
			widths[i] = max(widths[i], width(cell))
		}
		first = append(first, cells)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	writeRow(w, names, widths, right)
	for i, n := range widths {
		if i > 0 {
			w.WriteByte('+')
		}
		w.WriteString(strings.Repeat("-", n+2))
	}
	w.WriteByte('\n')
	for _, cells := range first {
		if err := writeRow(w, cells, widths, right); err != nil {
			return err
		}
	}
	for rows.Next() {
		if err := writeRow(w, tableCells(rows.Values()), widths, right); err != nil {
			return err
		}
	}
	return rows.Err()
}

func tableCells(values []result.Value) []string {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = "NULL"
		if v.Form != result.Null {
			cells[i] = printable(v.Text)
		}
	}
	return cells
}

func writeRow(w *bufio.Writer, cells []string, widths []int, right []bool) error {
	for i, cell := range cells {
		if i > 0 {
			w.WriteByte('|')
		}
		pad := strings.Repeat(" ", max(widths[i]-width(cell), 0))
		w.WriteByte(' ')
		switch {
		case right[i]:
			w.WriteString(pad + cell)
		case i == len(cells)-1:
			w.WriteString(cell)
			continue // nothing follows, not even spaces
		default:
			w.WriteString(cell + pad)
		}
		if i < len(cells)-1 {
			w.WriteByte(' ')
		}
	}
	return w.WriteByte('\n')
}

// printable escapes what a terminal would obey.
func printable(s string) string {
	if strings.IndexFunc(s, commanding) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case commanding(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// commanding reports control characters and those that change the direction of
// writing.
func commanding(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f
}

// width is how many cells of a terminal a text takes, about.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide reports the scripts and signs that take two cells.
func wide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd
}
