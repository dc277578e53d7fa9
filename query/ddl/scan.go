package ddl

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	end    tokenKind = iota
	word             // a name or a keyword
	quoted           // `a name`
	text             // 'a text' or "a text"
	sign             // one character
)

type token struct {
	kind     tokenKind
	raw      string // as written
	from, to int
}

func (t token) is(words ...string) bool {
	for _, w := range words {
		if (t.kind == word || t.kind == sign) && strings.EqualFold(t.raw, w) {
			return true
		}
	}
	return false
}

// scan cuts a statement into tokens; semicolons at the end fall away.
func scan(sql string) ([]token, error) {
	var out []token
	for i := 0; i < len(sql); {
		c, from, kind := sql[i], i, sign
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			i++
			continue
		case strings.HasPrefix(sql[i:], "--"):
			i = after(sql, i, "\n")
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = after(sql, i+2, "*/")
			continue
		case c == '\'' || c == '"' || c == '`':
			kind = text
			if c == '`' {
				kind = quoted
			}
			if i = closing(sql, i); i < 0 {
				return nil, fail(from, "there is no %c that ends this", c)
			}
		case nameByte(c):
			kind = word
			for i < len(sql) && nameByte(sql[i]) {
				i++
			}
		default:
			_, n := utf8.DecodeRuneInString(sql[i:])
			i += n
		}
		out = append(out, token{kind: kind, raw: sql[from:i], from: from, to: i})
	}
	for len(out) > 0 && out[len(out)-1].is(";") {
		out = out[:len(out)-1]
	}
	return out, nil
}

func nameByte(c byte) bool {
	return c == '_' || c == '$' || c == '-' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func after(sql string, from int, end string) int {
	if from < len(sql) {
		if n := strings.Index(sql[from:], end); n >= 0 {
			return from + n + len(end)
		}
	}
	return len(sql)
}

// closing is behind the quote that ends what begins at i, -1 without one. A doubled
// quote and, in a text, one behind a backslash are part of it.
func closing(sql string, i int) int {
	q := sql[i]
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && q != '`':
			i++
		case sql[i] != q:
		case i+1 < len(sql) && sql[i+1] == q:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

// name is what a quoted name stands for.
func (t token) name() string {
	if t.kind == quoted || t.kind == text {
		q := t.raw[:1]
		return strings.ReplaceAll(t.raw[1:len(t.raw)-1], q+q, q)
	}
	return t.raw
}

// text is what a text stands for: Hive's escapes are those of Java's texts, \Z, and
// octal and hexadecimal ones; behind other characters a backslash is nothing.
func (t token) text() string {
	q, in := t.raw[0], t.raw[1:len(t.raw)-1]
	var b strings.Builder
	for i := 0; i < len(in); i++ {
		c := in[i]
		if c == q && i+1 < len(in) && in[i+1] == q {
			i++
		}
		if c != '\\' || i+1 >= len(in) {
			b.WriteByte(c)
			continue
		}
		i++
		if n, ok := number(in, i, 3, 8); ok && in[i] <= '1' && n < 0x80 {
			b.WriteByte(byte(n))
			i += 2
			continue
		}
		if n, ok := number(in, i+1, 4, 16); ok && in[i] == 'u' {
			b.WriteRune(rune(n))
			i += 4
			continue
		}
		switch in[i] {
		case '0':
			b.WriteByte(0)
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'b':
			b.WriteByte('\b')
		case 'Z':
			b.WriteByte(0x1a)
		case '%', '_': // as LIKE has them
			b.WriteString(in[i-1 : i+1])
		default:
			b.WriteByte(in[i])
		}
	}
	return b.String()
}

func number(s string, from, digits, base int) (int64, bool) {
	if from+digits > len(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s[from:from+digits], base, 32)
	return n, err == nil && s[from] != '+' && s[from] != '-'
}

// Quote is a text as Hive writes it.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\u` + strings.ToUpper(strconv.FormatInt(int64(r)+0x10000, 16)[1:]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// Name is a name in backticks.
func Name(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
