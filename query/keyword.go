package query

import (
	"bytes"
	"strings"
)

// "default" is a reserved word of the executor's grammar, but also the database
// that everybody's tables are in by default, and Athena, Presto and Hive take
// default.t without quotes. So before a statement is parsed the word, where a dot
// follows it, is replaced by a name as long as itself, so that positions stay what
// they are, and in the tree put back.
const (
	reserved = "default"
	standIn  = "d_f_u_t"
)

// unreserve returns the statement with the word replaced; ok is false where there
// was nothing to replace.
func unreserve(sql string) (text string, ok bool) {
	if strings.Contains(sql, standIn) {
		return sql, false // then default must be in quotes
	}
	out := []byte(sql)
	for i := 0; i < len(sql); {
		switch c := sql[i]; {
		case strings.HasPrefix(sql[i:], "--"):
			i = behind(sql, i, "\n")
		case strings.HasPrefix(sql[i:], "/*"):
			i = behind(sql, i+2, "*/")
		case c == '\'' || c == '"':
			i = behind(sql, i+1, string(c))
		case wordByte(c):
			start := i
			for i < len(sql) && wordByte(sql[i]) {
				i++
			}
			if strings.EqualFold(sql[start:i], reserved) && strings.HasPrefix(strings.TrimLeft(sql[i:], " \t\r\n"), ".") {
				copy(out[start:], standIn)
				ok = true
			}
		default:
			i++
		}
	}
	return string(out), ok
}

// rename puts the word back into a syntax tree.
func rename(tree []byte) []byte {
	return bytes.ReplaceAll(tree, []byte(`"`+standIn+`"`), []byte(`"`+reserved+`"`))
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
}

// behind is the index after the next end at or after from, or the text's length.
func behind(sql string, from int, end string) int {
	if from < len(sql) {
		if n := strings.Index(sql[from:], end); n >= 0 {
			return from + n + len(end)
		}
	}
	return len(sql)
}
