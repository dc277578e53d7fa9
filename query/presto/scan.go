package presto

import "strings"

type kind uint8

const (
	word   kind = iota + 1 // a name or a keyword
	quoted                 // "a name"
	text                   // 'a text'
	number
	sign // one character, or -> => <> != >= <= || ::
)

// A token is a piece of a statement. White space and comments belong to none.
type token struct {
	kind     kind
	text     string // as written
	from, to int
}

func (t token) is(words ...string) bool {
	for _, w := range words {
		if (t.kind == word || t.kind == sign) && strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

// scan cuts a statement into tokens. What does not end, ends with the statement:
// DuckDB's parser says what is wrong with it.
func scan(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		c := sql[i]
		from := i
		k := sign
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			i++
			continue
		case strings.HasPrefix(sql[i:], "--"):
			i = past(sql, i, "\n")
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = past(sql, i+2, "*/")
			continue
		case c == '\'':
			k, i = text, pastQuote(sql, i)
		case c == '"' || c == '`':
			k, i = quoted, pastQuote(sql, i)
		case '0' <= c && c <= '9' || c == '.' && i+1 < len(sql) && digit(sql[i+1]):
			k, i = number, pastNumber(sql, i)
		case wordByte(c):
			k = word
			for i < len(sql) && (wordByte(sql[i]) || sql[i] == '$') {
				i++
			}
		default:
			i++
			if i < len(sql) && sql[i] != ' ' && strings.Contains("-> => <> != >= <= || ::", sql[from:i+1]) {
				i++
			}
		}
		out = append(out, token{kind: k, text: sql[from:i], from: from, to: i})
	}
	return out
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func wordByte(c byte) bool {
	return c == '_' || digit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
}

func past(sql string, from int, end string) int {
	if from < len(sql) {
		if n := strings.Index(sql[from:], end); n >= 0 {
			return from + n + len(end)
		}
	}
	return len(sql)
}

// pastQuote is behind the quoted text that begins at i; a doubled quote is part
// of it.
func pastQuote(sql string, i int) int {
	q := sql[i]
	for i++; i < len(sql); i++ {
		if sql[i] == q {
			if i+1 >= len(sql) || sql[i+1] != q {
				return i + 1
			}
			i++
		}
	}
	return len(sql)
}

func pastNumber(sql string, i int) int {
	for i < len(sql) && (digit(sql[i]) || sql[i] == '.' || sql[i] == '_') {
		i++
	}
	if i < len(sql) && sql[i]|0x20 == 'e' {
		j := i + 1
		if j < len(sql) && (sql[j] == '+' || sql[j] == '-') {
			j++
		}
		if j < len(sql) && digit(sql[j]) {
			for i = j; i < len(sql) && digit(sql[i]); i++ {
			}
		}
	}
	return i
}

// unquote is what a quoted token stands for.
func (t token) unquote() string {
	if len(t.text) < 2 || t.kind != text && t.kind != quoted {
		return t.text
	}
	q := t.text[:1]
	return strings.ReplaceAll(t.text[1:len(t.text)-1], q+q, q)
}
