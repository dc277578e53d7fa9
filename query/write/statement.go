package write

import (
	"fmt"
	"strings"
)

// A Kind is what a statement does.
type Kind uint8

const (
	CreateTable Kind = iota + 1
	Insert
	Unload
	CreateView
	DropView
)

// A Statement is one that writes.
type Statement struct {
	Kind Kind
	// Name is of the table or view, in its parts, lower case.
	Name []string
	At   int // where the name is, or the location of UNLOAD
	// Lenient is IF NOT EXISTS of a table, IF EXISTS of a view that is dropped, OR
	// REPLACE of one that is created.
	Lenient bool
	Columns []string // of INSERT; nil: all of the table's
	Options Options
	NoData  bool   // WITH NO DATA
	To      string // of UNLOAD
	// Query is the query, with spaces for what stands before it, so that places in
	// it are the statement's.
	Query string
}

// An Error says what is wrong with a statement, and where.
type Error struct {
	Message  string
	Position int // -1 if unknown
	// Exists is set where something is there already, Forbidden where the place is
	// not for statements.
	Exists, Forbidden bool
}

func (e *Error) Error() string { return e.Message }

func refuse(at int, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Position: at}
}

// Parse reads a statement that writes; ok is false for every other one.
func Parse(sql string) (s *Statement, ok bool, err error) {
	p := newParser(sql)
	switch {
	case p.peek(0).Is("CREATE") && p.peek(1).Is("TABLE"):
		if !p.isCreateAs() {
			return nil, false, nil
		}
		p.i = 2
		s, err = p.createTable()
	case p.peek(0).Is("INSERT"):
		s, err = p.insert()
	case p.peek(0).Is("UNLOAD"):
		p.i = 1
		s, err = p.unload()
	case p.peek(0).Is("CREATE") && (p.peek(1).Is("VIEW") || p.peek(1).Is("OR") && p.peek(2).Is("REPLACE") && p.peek(3).Is("VIEW")):
		s, err = p.createView()
	case p.peek(0).Is("DROP") && p.peek(1).Is("VIEW"):
		p.i = 2
		s, err = p.dropView()
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return s, true, nil
}

// isCreateAs tells CREATE TABLE … AS from those that name columns.
func (p *parser) isCreateAs() bool {
	depth := 0
	for i := range p.tokens {
		switch t := p.peek(i); {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		case depth == 0 && t.Is("AS"):
			return true
		}
	}
	return false
}

// createTable is [IF NOT EXISTS] name [COMMENT …] [WITH (…)] AS query [WITH [NO] DATA].
func (p *parser) createTable() (s *Statement, err error) {
	s = &Statement{Kind: CreateTable}
	if p.take("IF") {
		if !p.take("NOT") || !p.take("EXISTS") {
			return nil, p.expected("IF NOT EXISTS")
		}
		s.Lenient = true
	}
	if err := p.name(s); err != nil {
		return nil, err
	}
	if p.peek(0).Is("(") {
		return nil, refuse(p.at(), "the names of the columns of a CREATE TABLE … AS are given in its query, as in SELECT a AS name")
	}
	if p.peek(0).Is("COMMENT") {
		return nil, refuse(p.at(), "COMMENT is not supported")
	}
	if p.take("WITH") {
		if s.Options, err = p.options(); err != nil {
			return nil, err
		}
	}
	if !p.take("AS") {
		return nil, p.expected("AS and a query")
	}
	end := len(p.tokens)
	switch {
	case end >= 3 && p.tokens[end-3].Is("WITH") && p.tokens[end-2].Is("NO") && p.tokens[end-1].Is("DATA"):
		s.NoData = true
		end -= 3
	case end >= 2 && p.tokens[end-2].Is("WITH") && p.tokens[end-1].Is("DATA"):
		end -= 2
	}
	s.Query, err = p.query(end)
	return s, err
}

// insert is INTO name [(columns)] query.
func (p *parser) insert() (s *Statement, err error) {
	p.i = 1
	if p.peek(0).Is("OVERWRITE") {
		return nil, refuse(p.at(), "INSERT OVERWRITE is not supported: rows are only added; CREATE TABLE … AS makes a new table")
	}
	if !p.take("INTO") {
		return nil, p.expected("INTO")
	}
	p.take("TABLE")
	s = &Statement{Kind: Insert}
	if err := p.name(s); err != nil {
		return nil, err
	}
	s.Columns = p.columns()
	s.Query, err = p.query(len(p.tokens))
	return s, err
}

// columns are names in brackets; nil, and nothing taken, where something else is
// in them.
func (p *parser) columns() []string {
	if !p.peek(0).Is("(") {
		return nil
	}
	var names []string
	for i := 1; ; i += 2 {
		name, ok := p.peek(i).Name()
		if !ok || p.peek(i).Is("SELECT", "VALUES", "WITH", "TABLE") {
			return nil
		}
		names = append(names, name)
		switch sep := p.peek(i + 1); {
		case sep.Is(")"):
			p.i += i + 2
			return names
		case !sep.Is(","):
			return nil
		}
	}
}

// unload is (query) TO 'location' WITH (…).
func (p *parser) unload() (s *Statement, err error) {
	if !p.peek(0).Is("(") {
		return nil, p.expected("UNLOAD (SELECT …) TO 's3://…/' WITH (format = 'PARQUET')")
	}
	depth, end := 0, -1
	for i := p.i; i < len(p.tokens) && end < 0; i++ {
		if p.tokens[i].Is("(") {
			depth++
		} else if p.tokens[i].Is(")") {
			if depth--; depth == 0 {
				end = i
			}
		}
	}
	if end < 0 {
		return nil, p.expected("a ) behind the query")
	}
	s = &Statement{Kind: Unload}
	p.i++
	if s.Query, err = p.query(end); err != nil {
		return nil, err
	}
	p.i = end + 1
	if !p.take("TO") {
		return nil, p.expected("TO and a location")
	}
	s.At = p.at()
	var ok bool
	if s.To, ok = p.peek(0).Text(); !ok {
		return nil, p.expected("a location in single quotes")
	}
	p.i++
	if p.take("WITH") {
		if s.Options, err = p.options(); err != nil {
			return nil, err
		}
	}
	return s, p.end()
}

// createView is CREATE [OR REPLACE] VIEW name AS query.
func (p *parser) createView() (s *Statement, err error) {
	s = &Statement{Kind: CreateView}
	p.i = 1
	if p.take("OR") {
		p.i++
		s.Lenient = true
	}
	p.i++
	if err := p.name(s); err != nil {
		return nil, err
	}
	if !p.take("AS") {
		return nil, p.expected("AS and a query; the names of a view's columns are given in it")
	}
	s.Query, err = p.query(len(p.tokens))
	return s, err
}

func (p *parser) dropView() (*Statement, error) {
	s := &Statement{Kind: DropView}
	if p.take("IF") {
		if !p.take("EXISTS") {
			return nil, p.expected("IF EXISTS")
		}
		s.Lenient = true
	}
	if err := p.name(s); err != nil {
		return nil, err
	}
	return s, p.end()
}

// blank is sql with everything outside from…to made spaces, but for line ends.
func blank(sql string, from, to int) string {
	var b strings.Builder
	for _, c := range []byte(sql[:from]) {
		if c != '\n' {
			c = ' '
		}
		b.WriteByte(c)
	}
	return b.String() + sql[from:to]
}
