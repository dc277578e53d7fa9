package predicate

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // bare: a key, a keyword
	tokQuoted           // a key in double quotes or backticks
	tokString
	tokNumber
	tokDay    // a bare 2026-01-01
	tokSymbol // an operator or punctuation
)

type token struct {
	kind tokenKind
	text string // without quotes
	at   int    // offset in the expression
}

func (t token) String() string {
	if t.kind == tokEnd {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// is reports whether t is that keyword or symbol.
func (t token) is(s string) bool {
	return (t.kind == tokWord || t.kind == tokSymbol) && strings.EqualFold(t.text, s)
}

// lex cuts an expression into tokens, a tokEnd last. raw says that strings have their
// quotes as they are: see rawString.
func lex(s string, raw bool) ([]token, error) {
	var tokens []token
	for i := 0; ; {
		for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) {
			return append(tokens, token{tokEnd, "", i}), nil
		}
		t, n, err := lexOne(s[i:], raw)
		if err != nil {
			return nil, fmt.Errorf("%w at offset %d", err, i)
		}
		t.at = i
		tokens = append(tokens, t)
		i += n
	}
}

// lexOne takes the token that s begins with and says how long it is.
func lexOne(s string, raw bool) (token, int, error) {
	switch c := s[0]; {
	case c == '\'' && raw:
		text, n, err := rawString(s)
		return token{kind: tokString, text: text}, n, err
	case c == '\'':
		text, n, err := quoted(s)
		return token{kind: tokString, text: text}, n, err
	case c == '"' || c == '`':
		text, n, err := quoted(s)
		return token{kind: tokQuoted, text: text}, n, err
	case isDigit(c) || (c == '-' || c == '+' || c == '.') && len(s) > 1 && (isDigit(s[1]) || s[1] == '.'):
		return number(s)
	}
	for _, symbol := range []string{"<>", "<=", ">=", "!=", "==", "<", ">", "=", "(", ")", ","} {
		if strings.HasPrefix(s, symbol) {
			return token{kind: tokSymbol, text: symbol}, len(symbol), nil
		}
	}
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if r != '_' && r != '$' && !unicode.IsLetter(r) && (n == 0 || !unicode.IsDigit(r)) {
			break
		}
		n += size
	}
	if n == 0 {
		r, _ := utf8.DecodeRuneInString(s)
		return token{}, 0, fmt.Errorf("unexpected %q", r)
	}
	return token{kind: tokWord, text: s[:n]}, n, nil
}

// quoted takes what stands between the quote that s begins with and the next
// one; a doubled quote stands for itself.
func quoted(s string) (text string, n int, err error) {
	quote := s[0]
	var b strings.Builder
	for i := 1; ; {
		j := strings.IndexByte(s[i:], quote)
		if j < 0 {
			return "", 0, fmt.Errorf("a %q that is not closed", quote)
		}
		b.WriteString(s[i : i+j])
		i += j + 1
		if i == len(s) || s[i] != quote {
			return b.String(), i, nil
		}
		b.WriteByte(quote)
		i++
	}
}

// rawString takes a string whose quotes were not doubled, as PrestoDB 0.287 and Trino
// 476 send them: 'it's'. One that nothing follows which can stand behind a string is
// taken as a part of it.
func rawString(s string) (text string, n int, err error) {
	for i := 1; i < len(s); i++ {
		if s[i] == '\'' && (i+1 == len(s) || strings.IndexByte(" \t\r\n),", s[i+1]) >= 0) {
			return s[1:i], i + 1, nil
		}
	}
	return "", 0, fmt.Errorf("a %q that is not closed", s[0])
}

// number takes a number, or a day.
func number(s string) (token, int, error) {
	if len(s) >= len(dayLayout) && looksLikeDay(s[:len(dayLayout)]) && !continues(s, len(dayLayout)) {
		return token{kind: tokDay, text: s[:len(dayLayout)]}, len(dayLayout), nil
	}
	n := 1
	for n < len(s) {
		c := s[n]
		sign := (c == '-' || c == '+') && (s[n-1] == 'e' || s[n-1] == 'E')
		if !isDigit(c) && c != '.' && c != 'e' && c != 'E' && !sign {
			break
		}
		n++
	}
	if continues(s, n) {
		return token{}, 0, fmt.Errorf("a number ends in %q", s[n])
	}
	if _, ok := parseNumber(s[:n]); !ok {
		return token{}, 0, fmt.Errorf("%q is not a number that can be compared", s[:n])
	}
	return token{kind: tokNumber, text: s[:n]}, n, nil
}

// continues reports whether a word goes on at s[n].
func continues(s string, n int) bool {
	return n < len(s) && (isDigit(s[n]) || s[n] == '_' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func looksLikeDay(s string) bool {
	for i := range len(s) {
		if dash := i == 4 || i == 7; dash != (s[i] == '-') || !dash && !isDigit(s[i]) {
			return false
		}
	}
	return true
}
