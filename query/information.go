package query

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
	"sluice/query/view"
)

// informationColumns are the tables of information_schema, as PrestoDB has them.
// What is not text is a bigint.
var informationColumns = map[string][]string{
	"schemata": {"catalog_name", "schema_name"},
	"tables":   {"table_catalog", "table_schema", "table_name", "table_type"},
	"views":    {"table_catalog", "table_schema", "table_name", "view_owner", "view_definition"},
	"columns": {"table_catalog", "table_schema", "table_name", "column_name", "ordinal_position", "column_default",
		"is_nullable", "data_type", "comment", "extra_info"},
}

// mostInformation bounds the rows of a table of information_schema.
const mostInformation = 100_000

// isInformation reports whether a name is one of information_schema.
func isInformation(parts []string) bool {
	n := len(parts)
	return (n == 2 || n == 3 && strings.EqualFold(parts[0], view.Catalog)) && strings.EqualFold(parts[n-2], "information_schema")
}

// information makes a view of the name of a table of information_schema, with what
// the asker may see. A condition table_schema = '…' saves reading other databases.
func (p *plan) information(ctx context.Context, t *statement.Table, name string) error {
	table, columns, err := informationTable(t)
	if err != nil {
		return err
	}
	rows, err := p.informationRows(ctx, table, t.Conditions)
	if err != nil {
		return err
	}
	p.query.Setup = append(p.query.Setup, informationView(name, columns, rows))
	return nil
}

// informationTable is a table's name and its columns.
func informationTable(t *statement.Table) (table string, columns []string, err error) {
	table = strings.ToLower(t.Parts[len(t.Parts)-1])
	columns, ok := informationColumns[table]
	if !ok {
		return "", nil, fault(CodeNotFound, "there is no table information_schema.%s; there are schemata, tables, columns, views", table)
	}
	return table, columns, nil
}

// informationView is the statement that makes the view of a table with these rows.
func informationView(name string, columns []string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("CREATE VIEW " + executor.Identifier(name) + " AS SELECT ")
	for i, c := range columns {
		typ := "VARCHAR"
		if c == "ordinal_position" {
			typ = "BIGINT"
		}
		b.WriteString(map[bool]string{true: ", "}[i > 0] + "CAST(" + c + " AS " + typ + ") AS " + c)
	}
	b.WriteString(" FROM (VALUES (" + strings.TrimSuffix(strings.Repeat("NULL, ", len(columns)), ", ") + ")")
	for _, row := range rows {
		b.WriteString(", (" + strings.Join(row, ", ") + ")")
	}
	b.WriteString(") AS t(" + strings.Join(columns, ", ") + ") WHERE " + columns[0] + " IS NOT NULL")
	return b.String()
}

func (p *plan) informationRows(ctx context.Context, table string, conditions []*statement.Condition) ([][]string, error) {
	e, catalog := p.engine, executor.Quote(view.Catalog)
	databases, err := e.databases(ctx, p.snap)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	if table == "schemata" {
		for _, d := range append(databases, "information_schema") {
			rows = append(rows, []string{catalog, executor.Quote(d)})
		}
		return rows, nil
	}
	if databases, err = p.inSchema(ctx, databases, conditions); err != nil {
		return nil, err
	}
	for _, d := range databases {
		names, err := e.tables(ctx, d, p.snap)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			more, err := p.tableRows(ctx, table, lake.TableName{Database: d, Table: n}, []string{catalog, executor.Quote(d), executor.Quote(n)})
			if err != nil {
				return nil, err
			}
			if rows = append(rows, more...); len(rows) > mostInformation {
				return nil, fault(CodeInvalid, "information_schema.%s has more than %d rows; ask for one database, as in WHERE table_schema = 'shop'", table, mostInformation)
			}
		}
	}
	return rows, nil
}

// inSchema are the databases that can satisfy conditions such as table_schema = 'x'.
func (p *plan) inSchema(ctx context.Context, databases []string, conditions []*statement.Condition) ([]string, error) {
	for _, c := range conditions {
		for _, b := range c.Bounds() {
			if b.Column != "table_schema" || b.Op != "=" {
				continue
			}
			v, ok, err := p.constants.value(ctx, b.Constant)
			if err != nil {
				return nil, err
			}
			if ok && v.typ == "VARCHAR" && !v.null {
				databases = slices.DeleteFunc(slices.Clone(databases), func(d string) bool { return d != v.text })
			}
		}
	}
	return databases, nil
}

// tableRows are the rows of one table; head are its first three columns.
func (p *plan) tableRows(ctx context.Context, of string, name lake.TableName, head []string) ([][]string, error) {
	src, err := p.engine.table(ctx, []string{name.Database, name.Table}, name.Database, p.snap)
	var known *Error
	if errors.Is(err, catalogsync.ErrNotFound) || errors.As(err, &known) && known.Code == CodeNotFound {
		return nil, nil // it went away meanwhile
	}
	if err != nil {
		return nil, err
	}
	row := func(values ...string) []string { return append(slices.Clone(head), values...) }
	isView := src.table.View != ""
	switch {
	case of == "tables" && isView:
		return [][]string{row("'VIEW'")}, nil
	case of == "tables":
		return [][]string{row("'BASE TABLE'")}, nil
	case of == "views" && !isView:
		return nil, nil
	case of == "views":
		definition := "NULL"
		if d, err := view.Decode(src.table.View); err == nil {
			definition = executor.Quote(d.SQL)
		}
		return [][]string{row("NULL", definition)}, nil
	}
	if err := p.engine.acquire(ctx, src); err != nil {
		return nil, err
	}
	defer src.release()
	var rows [][]string
	add := func(c lake.Column, extra string) {
		rows = append(rows, row(executor.Quote(c.Name), strconv.Itoa(len(rows)+1), "NULL", "'YES'", executor.Quote(prestoType(c.Type)), "NULL", extra))
	}
	for _, c := range src.columns() {
		add(c, "NULL")
	}
	for _, k := range src.keys {
		add(k, "'partition key'")
	}
	return rows, nil
}
