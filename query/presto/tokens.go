package presto

import "strings"

// A Token is a piece of a statement, for who reads the head of one that is no
// query. White space and comments belong to none.
type Token struct{ t token }

// Tokens cuts a statement.
func Tokens(sql string) []Token {
	ts := scan(sql)
	out := make([]Token, len(ts))
	for i, t := range ts {
		out[i] = Token{t}
	}
	return out
}

// Is reports whether the token is one of the words, in any case, or of the signs.
func (t Token) Is(words ...string) bool { return t.t.is(words...) }

// Name is the name that the token is, as Presto keeps it: in lower case.
func (t Token) Name() (name string, ok bool) {
	if t.t.kind != word && t.t.kind != quoted {
		return "", false
	}
	return strings.ToLower(t.t.unquote()), true
}

// Text is what a text in single quotes stands for.
func (t Token) Text() (text string, ok bool) {
	return t.t.unquote(), t.t.ended()
}

// Number is the text of a token that is a number.
func (t Token) Number() (text string, ok bool) { return t.t.text, t.t.kind == number }

// Raw is the token as it was written.
func (t Token) Raw() string { return t.t.text }

// Span is the token's place in the statement, in bytes.
func (t Token) Span() (from, to int) { return t.t.from, t.t.to }
