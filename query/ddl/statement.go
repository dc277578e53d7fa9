package ddl

import (
	"fmt"

	"sluice/internal/lake"
)

// A Kind is what a statement does.
type Kind uint8

// The kinds of statements.
const (
	CreateDatabase Kind = iota + 1
	DropDatabase
	CreateTable
	DropTable
	AddPartitions
	DropPartitions
	AddColumns
	SetProperties
	SetLocation
	Repair
	ShowPartitions
	ShowCreate
	ShowProperties
	ShowDatabases
	ShowTables
	Describe
)

// Reads reports whether statements of that kind change nothing.
func (k Kind) Reads() bool { return k >= ShowPartitions }

// A Statement is one of the package's.
type Statement struct {
	Kind Kind
	// Name is of the table or database in its parts; At is where it stands.
	Name []string
	At   int
	// Lenient is IF NOT EXISTS or IF EXISTS.
	Lenient bool
	Cascade bool // of DROP DATABASE

	Comment    string
	Columns    []Column
	Keys       []Column
	Storage    lake.Storage
	Location   string
	LocationAt int
	Properties map[string]string // also those of a database

	Partitions []Partition
	Property   string // of SHOW TBLPROPERTIES; "": all
	Pattern    string // of SHOW DATABASES and SHOW TABLES; "": all
}

// A Column is one as it was declared.
type Column struct {
	Name    string // lower case
	Type    lake.Type
	Text    string // the type as the catalog has it; a varchar keeps its length
	Comment string
	At      int
}

// A Partition is one of ALTER TABLE.
type Partition struct {
	Keys, Values []string // keys in lower case, as they were written
	Location     string   // "": where the table lies
	At           int
	LocationAt   int
}

// An Error says what is wrong with a statement, and where.
type Error struct {
	Message  string
	Position int
}

func (e *Error) Error() string { return e.Message }

func fail(at int, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Position: at}
}

// Parse reads a statement; ok is false for those that are not the package's.
func Parse(sql string) (s *Statement, ok bool, err error) {
	if !mine(sql) {
		return nil, false, nil
	}
	tokens, err := scan(sql)
	if err != nil {
		return nil, false, err
	}
	p := &parser{sql: sql, tokens: tokens}
	s, err = p.statement()
	if err == nil && s != nil && p.i < len(p.tokens) {
		err = p.expected("the end of the statement")
	}
	if err != nil {
		return nil, false, err
	}
	return s, s != nil, nil
}

// mine looks at the first word, for which a statement need not be scanned whole.
func mine(sql string) bool {
	for i := 0; i < len(sql); {
		switch c := sql[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			i++
		case len(sql) > i+1 && sql[i:i+2] == "--":
			i = after(sql, i, "\n")
		case len(sql) > i+1 && sql[i:i+2] == "/*":
			i = after(sql, i+2, "*/")
		default:
			from := i
			for i < len(sql) && nameByte(sql[i]) {
				i++
			}
			return token{kind: word, raw: sql[from:i]}.is("CREATE", "DROP", "ALTER", "MSCK", "SHOW", "DESCRIBE", "DESC")
		}
	}
	return false
}
