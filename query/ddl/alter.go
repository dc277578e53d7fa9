package ddl

import "strings"

// alterTable reads what follows ALTER TABLE.
func (p *parser) alterTable(s *Statement) (err error) {
	if err := p.name(s, "a table's name"); err != nil {
		return err
	}
	at := p.peek(0)
	switch {
	case p.take("ADD", "COLUMNS"):
		s.Kind = AddColumns
		if s.Columns, err = p.columns(); err != nil {
			return err
		}
		p.take("CASCADE")
		return p.distinct(s)
	case p.take("ADD"):
		s.Kind = AddPartitions
		s.Lenient = p.take("IF", "NOT", "EXISTS")
		return p.partitions(s)
	case p.take("DROP"):
		s.Kind = DropPartitions
		s.Lenient = p.take("IF", "EXISTS")
		if err := p.partitions(s); err != nil {
			return err
		}
		p.take("PURGE")
		for _, part := range s.Partitions {
			if part.Location != "" {
				return fail(part.LocationAt, "DROP PARTITION takes no LOCATION")
			}
		}
		return nil
	case p.take("SET", "TBLPROPERTIES"):
		s.Kind = SetProperties
		s.Properties, err = p.properties()
		return err
	case p.take("SET") && p.peek(0).is("LOCATION"):
		s.Kind = SetLocation
		return p.location(&s.Location, &s.LocationAt)
	}
	return fail(at.from, "ALTER TABLE takes ADD PARTITION, DROP PARTITION, ADD COLUMNS, SET TBLPROPERTIES or SET LOCATION, not %s", strings.ToUpper(at.raw))
}

// partitions are PARTITION (k='v', …) LOCATION 'l', one or more.
func (p *parser) partitions(s *Statement) error {
	for {
		part := Partition{At: p.peek(0).from}
		if err := p.need("PARTITION"); err != nil {
			return err
		}
		if err := p.spec(&part); err != nil {
			return err
		}
		if p.peek(0).is("LOCATION") {
			if err := p.location(&part.Location, &part.LocationAt); err != nil {
				return err
			}
		}
		s.Partitions = append(s.Partitions, part)
		if !p.take(",") && !p.peek(0).is("PARTITION") {
			return nil
		}
	}
}

// spec is (k='v', …). A value is a text or a number.
func (p *parser) spec(part *Partition) error {
	if err := p.need("("); err != nil {
		return err
	}
	for {
		k, err := p.part("a partition column's name")
		if err != nil {
			return err
		}
		if p.peek(0).is("<", ">", "!") {
			return fail(p.peek(0).from, "a partition is named by its values, k='v'; comparisons are not supported")
		}
		if err := p.need("="); err != nil {
			return err
		}
		v := p.peek(0)
		switch {
		case v.kind == text:
			part.Values = append(part.Values, v.text())
		case v.is("DATE") && p.peek(1).kind == text:
			p.i++
			part.Values = append(part.Values, p.peek(0).text())
		case v.kind == word && strings.Trim(v.raw, "0123456789-") == "":
			part.Values = append(part.Values, v.raw)
		default:
			return p.expected("a value in quotes")
		}
		p.i++
		part.Keys = append(part.Keys, k)
		if !p.take(",") {
			return p.need(")")
		}
	}
}

// show reads what follows SHOW; nil for what is not Hive's alone.
func (p *parser) show(s *Statement) (*Statement, error) {
	pattern := func() (err error) {
		s.Pattern, err = p.needText("a pattern")
		return err
	}
	p.i++
	switch {
	case p.take("PARTITIONS"):
		s.Kind = ShowPartitions
		if err := p.name(s, "a table's name"); err != nil {
			return nil, err
		}
		if !p.peek(0).is("PARTITION") {
			return s, nil
		}
		p.i++
		part := Partition{At: p.peek(0).from}
		s.Partitions = []Partition{part}
		return s, p.spec(&s.Partitions[0])
	case p.take("CREATE", "TABLE"):
		s.Kind = ShowCreate
		return s, p.name(s, "a table's name")
	case p.take("TBLPROPERTIES"):
		s.Kind = ShowProperties
		if err := p.name(s, "a table's name"); err != nil || !p.take("(") {
			return s, err
		}
		var err error
		if s.Property, err = p.needText("a property's name"); err != nil {
			return nil, err
		}
		return s, p.need(")")
	case p.peek(0).is("DATABASES") && p.peek(1).is("LIKE") && p.peek(2).kind == text && p.peek(3).kind == end && strings.ContainsAny(p.peek(2).raw, "*|"):
		p.i += 2
		s.Kind = ShowDatabases
		return s, pattern()
	case p.peek(0).is("TABLES") && (p.peek(1).kind == text && p.peek(1).raw[0] == '\'' || p.peek(1).is("IN", "FROM") && p.last().kind == text && !p.tokens[len(p.tokens)-2].is("LIKE", "ESCAPE", ".")):
		p.i++
		s.Kind = ShowTables
		if p.take("IN") || p.take("FROM") {
			if err := p.name(s, "a database's name"); err != nil {
				return nil, err
			}
			if p.peek(0).kind == end { // the database stood in quotes
				return nil, nil
			}
		}
		return s, pattern()
	}
	return nil, nil
}

func (p *parser) last() token { return p.tokens[len(p.tokens)-1] }
