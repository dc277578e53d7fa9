package output

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"sluice/query/result"
)

// A Format is a way to write an answer.
type Format string

const (
	Table  Format = "table"
	CSV    Format = "csv"
	JSON   Format = "json"
	NDJSON Format = "ndjson"
	// Arrow is an IPC stream, Parquet a file; both are read by machines alone.
	Arrow   Format = "arrow"
	Parquet Format = "parquet"
)

// Formats are all of them.
var Formats = []Format{Table, CSV, JSON, NDJSON, Arrow, Parquet}

// Binary reports whether the format is nothing for a terminal, and one answer all
// that a file of it holds.
func (f Format) Binary() bool { return f == Arrow || f == Parquet }

// ParseFormat reads a format's name.
func ParseFormat(s string) (Format, error) {
	for _, f := range Formats {
		if strings.EqualFold(s, string(f)) {
			return f, nil
		}
	}
	return "", fmt.Errorf("%q is not a format; there are table, csv, json, ndjson, arrow and parquet", s)
}

// Write writes the answer and returns the error that ended it, or the one that
// writing gave. A *bufio.Writer is left for the caller to flush, or to drop.
func Write(w io.Writer, f Format, rows result.Rows) error {
	b, given := w.(*bufio.Writer)
	if !given {
		b = bufio.NewWriterSize(w, 32<<10)
	}
	var err error
	switch f {
	case Table:
		err = writeTable(b, rows)
	case CSV:
		err = writeCSV(b, rows)
	case JSON:
		err = writeJSON(b, rows)
	case NDJSON:
		err = writeNDJSON(b, rows)
	case Arrow, Parquet:
		batches, ok := rows.(Batches)
		if !ok {
			batches = gather(rows)
		}
		if f == Arrow {
			err = writeArrow(b, batches)
		} else {
			err = writeParquet(b, batches)
		}
	default:
		err = fmt.Errorf("write answer: %q is not a format", f)
	}
	if !given {
		if flushed := b.Flush(); err == nil {
			err = flushed
		}
	}
	return err
}

func writeJSON(w *bufio.Writer, rows result.Rows) error {
	columns := rows.Columns()
	if columns == nil {
		columns = []result.Column{}
	}
	head, err := json.Marshal(columns)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.WriteString(`{"columns":`)
	w.Write(head)
	w.WriteString(`,"rows":[`)
	var line []byte
	separator := "\n["
	for rows.Next() {
		line = append(line[:0], separator...)
		separator = ",\n["
		for i, v := range rows.Values() {
			if i > 0 {
				line = append(line, ',')
			}
			line = v.AppendJSON(line)
		}
		if _, err := w.Write(append(line, ']')); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	stats, err := json.Marshal(rows.Stats())
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	_, err = fmt.Fprintf(w, "\n],\"stats\":%s}\n", stats)
	return err
}

func writeNDJSON(w *bufio.Writer, rows result.Rows) error {
	keys := make([][]byte, len(rows.Columns()))
	for i, name := range distinct(rows.Columns()) {
		keys[i] = append(result.AppendQuoted(nil, name), ':')
	}
	var line []byte
	for rows.Next() {
		line = append(line[:0], '{')
		for i, v := range rows.Values() {
			if i > 0 {
				line = append(line, ',')
			}
			line = v.AppendJSON(append(line, keys[i]...))
		}
		if _, err := w.Write(append(line, '}', '\n')); err != nil {
			return err
		}
	}
	return rows.Err()
}

// distinct are the columns' names, with a number behind one that came before.
func distinct(columns []result.Column) []string {
	taken := make(map[string]bool)
	names := make([]string, len(columns))
	for i, c := range columns {
		name := c.Name
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", c.Name, n)
		}
		taken[name] = true
		names[i] = name
	}
	return names
}

func writeCSV(w *bufio.Writer, rows result.Rows) error {
	var line []byte
	for i, c := range rows.Columns() {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendField(line, c.Name)
	}
	w.Write(append(line, '\r', '\n'))
	for rows.Next() {
		line = line[:0]
		for i, v := range rows.Values() {
			if i > 0 {
				line = append(line, ',')
			}
			if v.Form != result.Null {
				line = appendField(line, v.Text)
			}
		}
		if _, err := w.Write(append(line, '\r', '\n')); err != nil {
			return err
		}
	}
	return rows.Err()
}

func appendField(dst []byte, s string) []byte {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}
