package write

import (
	"strings"

	"sluice/query/presto"
)

// A parser reads the head of a statement, token by token.
type parser struct {
	sql    string
	tokens []presto.Token
	i      int
}

func newParser(sql string) *parser {
	p := &parser{sql: sql, tokens: presto.Tokens(sql)}
	for n := len(p.tokens); n > 0 && p.tokens[n-1].Is(";"); n-- {
		p.tokens = p.tokens[:n-1]
	}
	return p
}

// peek is the token n after the next one.
func (p *parser) peek(n int) presto.Token {
	if i := p.i + n; i < len(p.tokens) {
		return p.tokens[i]
	}
	return presto.Token{}
}

// at is where the next token is.
func (p *parser) at() int {
	if p.i < len(p.tokens) {
		from, _ := p.tokens[p.i].Span()
		return from
	}
	return len(p.sql)
}

func (p *parser) take(word string) bool {
	if p.peek(0).Is(word) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expected(what string) *Error {
	found := "the end"
	if p.i < len(p.tokens) {
		found = p.tokens[p.i].Raw()
	}
	return refuse(p.at(), "%s is expected, not %s", what, found)
}

func (p *parser) end() error {
	if p.i < len(p.tokens) {
		return p.expected("the end of the statement")
	}
	return nil
}

// name takes a.b.c.
func (p *parser) name(s *Statement) error {
	s.At = p.at()
	for {
		part, ok := p.peek(0).Name()
		if !ok || part == "" {
			return p.expected("a name")
		}
		s.Name = append(s.Name, part)
		p.i++
		if !p.take(".") {
			return nil
		}
	}
}

// query is what stands up to the token numbered end.
func (p *parser) query(end int) (string, error) {
	if p.i >= end || !p.peek(0).Is("SELECT", "WITH", "VALUES", "TABLE", "(", "FROM") {
		return "", p.expected("a query")
	}
	from := p.at()
	_, to := p.tokens[end-1].Span()
	return blank(p.sql, from, to), nil
}

// Options are what WITH (…) says.
type Options map[string]Option

// An Option is one value of WITH: a text, or a list of them.
type Option struct {
	Text string
	List []string
	list bool
	at   int
}

// options takes (name = value, …).
func (p *parser) options() (Options, error) {
	if !p.take("(") {
		return nil, p.expected("( behind WITH")
	}
	out := make(Options)
	for {
		at := p.at()
		name, ok := p.peek(0).Name()
		if !ok {
			return nil, p.expected("the name of a property")
		}
		p.i++
		if _, twice := out[name]; twice {
			return nil, refuse(at, "the property %s is given twice", name)
		}
		if !p.take("=") {
			return nil, p.expected("=")
		}
		o, err := p.option(at)
		if err != nil {
			return nil, err
		}
		out[name] = o
		if p.take(")") {
			return out, nil
		}
		if !p.take(",") {
			return nil, p.expected(", or )")
		}
	}
}

func (p *parser) option(at int) (Option, error) {
	o := Option{at: at}
	t := p.peek(0)
	if text, ok := t.Text(); ok {
		o.Text = text
		p.i++
		return o, nil
	}
	if n, ok := t.Number(); ok {
		o.Text = n
		p.i++
		return o, nil
	}
	if t.Is("TRUE", "FALSE") {
		o.Text = strings.ToLower(t.Raw())
		p.i++
		return o, nil
	}
	if !p.take("ARRAY") || !p.take("[") {
		return o, p.expected("a text in single quotes, or ARRAY['…']")
	}
	o.list = true
	for !p.take("]") {
		text, ok := p.peek(0).Text()
		if !ok {
			return o, p.expected("a text in single quotes")
		}
		o.List = append(o.List, text)
		p.i++
		if !p.peek(0).Is("]") && !p.take(",") {
			return o, p.expected(", or ]")
		}
	}
	return o, nil
}
