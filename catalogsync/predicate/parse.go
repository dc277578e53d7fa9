package predicate

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/internal/lake"
)

// maxDepth bounds the nesting of parentheses and NOTs. A chain of ANDs or ORs
// does not nest.
const maxDepth = 200

// maxLength of an expression, in bytes; Glue itself takes 2,048.
const maxLength = 64 << 10

// Parse reads an expression over the keys of a table.
func Parse(expression string, keys []Key) (*Predicate, error) {
	p := &parser{keys: keys}
	pred := &Predicate{}
	for _, k := range keys {
		pred.keys = append(pred.keys, domainOf(k.Type))
	}
	if strings.TrimSpace(expression) == "" {
		return pred, nil
	}
	if len(expression) > maxLength {
		return nil, fmt.Errorf("parse partition expression: it is %d bytes long, at most %d are taken", len(expression), maxLength)
	}
	err := p.parse(expression, false, pred)
	if err != nil && strings.Contains(expression, "'") {
		// It may be of an engine that does not double the quotes in its strings.
		again := &parser{keys: keys}
		if again.parse(expression, true, pred) == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("parse partition expression: %w", err)
	}
	return pred, nil
}

func (p *parser) parse(expression string, raw bool, into *Predicate) (err error) {
	if p.tokens, err = lex(expression, raw); err == nil {
		into.root, err = p.disjunction(0)
	}
	if err == nil && p.peek().kind != tokEnd {
		err = p.unexpected("AND, OR or the end")
	}
	return err
}

type parser struct {
	keys   []Key
	tokens []token // a tokEnd last
	next   int
}

func (p *parser) peek() token { return p.tokens[p.next] }

// take is the next token, which it steps over unless it is the end.
func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokEnd {
		p.next++
	}
	return t
}

// accept steps over the next token if it is that keyword or symbol.
func (p *parser) accept(s string) bool {
	if !p.peek().is(s) {
		return false
	}
	p.next++
	return true
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.unexpected(s)
	}
	return nil
}

func (p *parser) unexpected(want string) error {
	return fmt.Errorf("expected %s, found %s at offset %d", want, p.peek(), p.peek().at)
}

func (p *parser) disjunction(depth int) (node, error) {
	return p.chain("OR", depth, p.conjunction, func(n []node) node { return or(n) })
}

func (p *parser) conjunction(depth int) (node, error) {
	return p.chain("AND", depth, p.negation, func(n []node) node { return and(n) })
}

// chain takes one or more parts with the word between them.
func (p *parser) chain(word string, depth int, part func(int) (node, error), join func([]node) node) (node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	first, err := part(depth)
	if err != nil || !p.peek().is(word) {
		return first, err
	}
	parts := []node{first}
	for p.accept(word) {
		n, err := part(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	return join(parts), nil
}

func (p *parser) negation(depth int) (node, error) {
	negated := false
	for p.accept("NOT") {
		negated = !negated
	}
	n, err := p.primary(depth)
	if err != nil || !negated {
		return n, err
	}
	return not{n}, nil
}

func (p *parser) primary(depth int) (node, error) {
	if p.accept("(") {
		n, err := p.disjunction(depth + 1)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	}
	if p.isLiteral() {
		return p.flipped()
	}
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	if op, ok := operator(p.peek()); ok {
		p.take()
		v, err := p.literal(key)
		return compare{key, op, v}, err
	}
	if p.accept("IS") {
		negated := p.accept("NOT")
		return negate(isNull{key}, negated), p.expect("NULL")
	}
	negated := p.accept("NOT")
	n, err := p.tail(key)
	if err != nil {
		return nil, err
	}
	return negate(n, negated), nil
}

func negate(n node, negated bool) node {
	if negated {
		return not{n}
	}
	return n
}

// tail takes what may follow a key and a NOT.
func (p *parser) tail(key operandKey) (node, error) {
	switch {
	case p.accept("IN"):
		return p.list(key)
	case p.accept("BETWEEN"):
		low, err := p.literal(key)
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		high, err := p.literal(key)
		return and{compare{key, ">=", low}, compare{key, "<=", high}}, err
	case p.accept("LIKE"):
		return p.like(key)
	}
	return nil, p.unexpected("a comparison, IN, BETWEEN, LIKE or IS")
}

// flipped takes a comparison that begins with its literal.
func (p *parser) flipped() (node, error) {
	begin := p.next
	if t := p.take(); t.is("date") || t.is("timestamp") {
		p.take()
	}
	op, ok := operator(p.peek())
	if !ok {
		return nil, p.unexpected("a comparison")
	}
	p.take()
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	end := p.next
	p.next = begin
	v, err := p.literal(key)
	p.next = end
	switch op[0] {
	case '<':
		if op != "<>" {
			op = ">" + op[1:]
		}
	case '>':
		op = "<" + op[1:]
	}
	return compare{key, op, v}, err
}

// operator is the comparison that t is, by its standard spelling.
func operator(t token) (string, bool) {
	if t.kind != tokSymbol {
		return "", false
	}
	switch t.text {
	case "=", "==":
		return "=", true
	case "<>", "!=":
		return "<>", true
	case "<", "<=", ">", ">=":
		return t.text, true
	}
	return "", false
}

// keywords that, bare, are never keys.
var keywords = []string{"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ESCAPE", "IS", "NULL"}

func (p *parser) key() (operandKey, error) {
	t := p.peek()
	isKeyword := slices.ContainsFunc(keywords, t.is)
	if t.kind != tokQuoted && t.kind != tokWord || isKeyword {
		return operandKey{}, p.unexpected("a partition key")
	}
	for i, k := range p.keys {
		if strings.EqualFold(k.Name, t.text) {
			p.take()
			return operandKey{i, domainOf(k.Type)}, nil
		}
	}
	return operandKey{}, fmt.Errorf("%s at offset %d is not a partition key", t, t.at)
}

// isLiteral reports whether a literal comes next. true, false, date and
// timestamp may also be the names of keys.
func (p *parser) isLiteral() bool {
	t := p.peek()
	switch t.kind {
	case tokString, tokNumber, tokDay:
		return true
	case tokWord:
		after := p.tokens[p.next+1] // at least the end
		if t.is("date") || t.is("timestamp") {
			return after.kind == tokString
		}
		named := slices.ContainsFunc(p.keys, func(k Key) bool { return strings.EqualFold(k.Name, t.text) })
		return (t.is("true") || t.is("false")) && !named
	}
	return false
}

// literal takes a literal that key is compared with.
func (p *parser) literal(key operandKey) (value, error) {
	if !p.isLiteral() {
		return value{}, p.unexpected("a literal")
	}
	t := p.take()
	if t.is("date") || t.is("timestamp") {
		t = p.take()
	}
	v, ok := key.domain.read(t.text)
	if !ok && t.text != lake.NullPartition {
		return value{}, fmt.Errorf("%s at offset %d is no value of key %s, which is %s",
			t, t.at, p.keys[key.index].Name, p.keys[key.index].Type)
	}
	return v, nil
}

// list takes what follows IN.
func (p *parser) list(key operandKey) (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	n := in{key: key}
	for {
		v, err := p.literal(key)
		if err != nil {
			return nil, err
		}
		if v.text == lake.NullPartition {
			n.nullWord = true
		} else {
			n.list = append(n.list, v)
		}
		if p.accept(",") {
			continue
		}
		slices.SortFunc(n.list, key.domain.compare)
		return n, p.expect(")")
	}
}

// like takes what follows LIKE.
func (p *parser) like(key operandKey) (node, error) {
	pattern := p.take()
	if pattern.kind != tokString {
		return nil, fmt.Errorf("expected a pattern in quotes, found %s at offset %d", pattern, pattern.at)
	}
	var escape rune
	if p.accept("ESCAPE") {
		t := p.take()
		r, size := utf8.DecodeRuneInString(t.text)
		if t.kind != tokString || size == 0 || size != len(t.text) {
			return nil, fmt.Errorf("expected one character in quotes, found %s at offset %d", t, t.at)
		}
		escape = r
	}
	steps, ok := parseLike(pattern.text, escape)
	if !ok {
		return nil, fmt.Errorf("the pattern %s at offset %d ends in its escape character", pattern, pattern.at)
	}
	return like{key, steps}, nil
}
