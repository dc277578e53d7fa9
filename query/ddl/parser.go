package ddl

import (
	"strings"

	"sluice/internal/lake"
)

type parser struct {
	sql    string
	tokens []token
	i      int
}

func (p *parser) peek(n int) token {
	if i := p.i + n; i < len(p.tokens) {
		return p.tokens[i]
	}
	return token{from: len(p.sql), to: len(p.sql)}
}

// take passes over the words if they are next.
func (p *parser) take(words ...string) bool {
	for i, w := range words {
		if !p.peek(i).is(w) {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *parser) expected(what string) *Error {
	found := "the end"
	if t := p.peek(0); t.kind != end {
		found = t.raw
		if len(found) > 60 {
			found = strings.ToValidUTF8(found[:60], "") + "…"
		}
	}
	return fail(p.peek(0).from, "%s is expected, not %s", what, found)
}

func (p *parser) need(words ...string) error {
	for _, w := range words {
		if !p.take(w) {
			return p.expected(w)
		}
	}
	return nil
}

func (p *parser) needText(what string) (string, error) {
	t := p.peek(0)
	if t.kind != text {
		return "", p.expected(what + " in quotes")
	}
	p.i++
	return t.text(), nil
}

// part is one part of a name.
func (p *parser) part(what string) (string, error) {
	t := p.peek(0)
	if t.kind != word && t.kind != quoted && !(t.kind == text && t.raw[0] == '"') || t.name() == "" {
		return "", p.expected(what)
	}
	p.i++
	return strings.ToLower(t.name()), nil
}

// name is a.b.c.
func (p *parser) name(s *Statement, what string) error {
	s.At = p.peek(0).from
	for {
		part, err := p.part(what)
		if err != nil {
			return err
		}
		s.Name = append(s.Name, part)
		if !p.take(".") {
			return nil
		}
	}
}

// statement is nil where it is not the package's.
func (p *parser) statement() (*Statement, error) {
	s := &Statement{}
	database := p.peek(1).is("DATABASE", "SCHEMA")
	switch head := p.peek(0); {
	case head.is("CREATE") && database:
		p.i += 2
		return s, p.createDatabase(s)
	case head.is("DROP") && database:
		p.i += 2
		return s, p.dropDatabase(s)
	case head.is("CREATE") && p.peek(1).is("EXTERNAL"):
		p.i++
		if err := p.need("EXTERNAL", "TABLE"); err != nil {
			return nil, err
		}
		return s, p.createTable(s)
	case head.is("CREATE") && p.peek(1).is("TABLE"):
		return p.plainTable()
	case head.is("DROP") && p.peek(1).is("TABLE"):
		p.i += 2
		s.Kind = DropTable
		s.Lenient = p.take("IF", "EXISTS")
		return s, p.name(s, "a table's name")
	case head.is("ALTER"):
		p.i++
		if err := p.need("TABLE"); err != nil {
			return nil, err
		}
		return s, p.alterTable(s)
	case head.is("MSCK"):
		p.i++
		s.Kind = Repair
		if err := p.need("REPAIR", "TABLE"); err != nil {
			return nil, err
		}
		if err := p.name(s, "a table's name"); err != nil {
			return nil, err
		}
		if p.take("ADD", "PARTITIONS") || !p.peek(0).is("DROP", "SYNC") {
			return s, nil
		}
		return nil, fail(p.peek(0).from, "MSCK REPAIR TABLE only adds partitions; to take one away there is ALTER TABLE … DROP PARTITION")
	case head.is("SHOW"):
		return p.show(s)
	case head.is("DESCRIBE", "DESC") && p.peek(1).is("FORMATTED", "EXTENDED") && p.peek(2).kind != end:
		p.i += 2
		s.Kind = Describe
		return s, p.name(s, "a table's name")
	}
	return nil, nil
}

// plainTable refuses a table of the engine's own; CREATE TABLE … AS is not the
// package's.
func (p *parser) plainTable() (*Statement, error) {
	depth := 0
	for _, t := range p.tokens[2:] {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && t.is("AS", "WITH"):
			// STORED AS is Hive's; WITH (…) AS is Presto's.
			if p.before(t).is("STORED", "DEFINED") || p.before(t).is("SERDE") || p.before(t).kind == text {
				continue
			}
			return nil, nil
		}
	}
	return nil, fail(p.peek(1).from, "tables are CREATE EXTERNAL TABLE with a LOCATION, or CREATE TABLE … AS a query")
}

func (p *parser) before(t token) token {
	for i := range p.tokens {
		if p.tokens[i].from == t.from && i > 0 {
			return p.tokens[i-1]
		}
	}
	return token{}
}

func (p *parser) createDatabase(s *Statement) (err error) {
	s.Kind = CreateDatabase
	s.Lenient = p.take("IF", "NOT", "EXISTS")
	if err := p.name(s, "a database's name"); err != nil {
		return err
	}
	for p.peek(0).kind != end && err == nil {
		switch {
		case p.take("COMMENT"):
			s.Comment, err = p.needText("a comment")
		case p.peek(0).is("LOCATION"):
			err = p.location(&s.Location, &s.LocationAt)
		case p.take("WITH"):
			if err = p.need("DBPROPERTIES"); err == nil {
				s.Properties, err = p.properties()
			}
		default:
			return p.expected("COMMENT, LOCATION or WITH DBPROPERTIES")
		}
	}
	return err
}

func (p *parser) dropDatabase(s *Statement) error {
	s.Kind = DropDatabase
	s.Lenient = p.take("IF", "EXISTS")
	if err := p.name(s, "a database's name"); err != nil {
		return err
	}
	s.Cascade = p.take("CASCADE")
	p.take("RESTRICT")
	return nil
}

func (p *parser) location(into *string, at *int) (err error) {
	p.i++
	*at = p.peek(0).from
	if *into, err = p.needText("a location"); err == nil && *into == "" {
		err = fail(*at, "a location is empty")
	}
	return err
}

// properties are ('k'='v', …).
func (p *parser) properties() (map[string]string, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	out := make(map[string]string)
	for {
		k, err := p.needText("a property's name")
		if err != nil {
			return nil, err
		}
		if err := p.need("="); err != nil {
			return nil, err
		}
		v := p.peek(0)
		switch {
		case v.kind == text:
			out[k] = v.text()
		case v.is("TRUE", "FALSE"): // Athena's documentation writes some so
			out[k] = v.raw
		default:
			return nil, p.expected("a property's value in quotes")
		}
		p.i++
		if !p.take(",") {
			return out, p.need(")")
		}
	}
}

// columns are (name type COMMENT 'text', …).
func (p *parser) columns() ([]Column, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	var out []Column
	for {
		c := Column{At: p.peek(0).from}
		var err error
		if c.Name, err = p.part("a column's name"); err != nil {
			return nil, err
		}
		if err := p.columnType(&c); err != nil {
			return nil, err
		}
		if p.take("COMMENT") {
			if c.Comment, err = p.needText("a comment"); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
		if !p.take(",") {
			return out, p.need(")")
		}
	}
}

// columnType takes the tokens of a type.
func (p *parser) columnType(c *Column) error {
	var b strings.Builder
	at, depth := p.peek(0).from, 0
	for {
		t := p.peek(0)
		if t.kind == end || t.kind == text || depth == 0 && (t.is(",", ")", ">") || t.is("COMMENT") && b.Len() > 0) {
			break
		}
		switch {
		case t.is("<", "("):
			depth++
		case t.is(">", ")"):
			depth--
		}
		if b.Len() > 0 && (t.kind == word || t.kind == quoted) && nameByte(b.String()[b.Len()-1]) {
			b.WriteByte(' ') // two words are no type, whatever they are together
		}
		b.WriteString(strings.ToLower(t.name()))
		p.i++
	}
	if b.Len() == 0 {
		return p.expected("a type")
	}
	var err error
	if c.Type, err = lake.ParseType(b.String()); err != nil {
		return fail(at, "column %s: %s", c.Name, err.Error())
	}
	c.Text = c.Type.String()
	if strings.Contains(b.String(), "char") {
		c.Text = b.String()
	}
	return nil
}
