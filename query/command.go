package query

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/partitioner"
	"sluice/query/presto"
	"sluice/query/result"
	"sluice/query/view"
)

// A command is a statement that the catalog answers.
type command struct {
	kind string // catalogs, functions, databases, tables, partitions, columns
	// parts is the name that follows, as written.
	parts    []string
	database string
	pattern  *regexp.Regexp // of the names to show; nil: all
}

// parseCommand reads SHOW CATALOGS, SHOW FUNCTIONS, SHOW DATABASES or SCHEMAS
// [IN|FROM catalog], SHOW TABLES and VIEWS [IN|FROM db], SHOW CREATE VIEW v, SHOW
// PARTITIONS t, SHOW COLUMNS
// FROM|IN t, DESCRIBE t and DESC t. All of SHOW but PARTITIONS take LIKE. ok is
// false for every other statement.
func parseCommand(sql, database string) (cmd command, ok bool, err error) {
	words := tokens(sql)
	if len(words) == 0 {
		return command{}, false, fault(CodeSyntax, "the statement is empty")
	}
	word := func(i int) string {
		if i < len(words) {
			return strings.ToUpper(words[i])
		}
		return ""
	}
	cmd.database = database
	if word(0) == "SHOW" && word(1) != "PARTITIONS" && word(1) != "CREATE" && word(1) != "TBLPROPERTIES" {
		if words, cmd.pattern, err = patternOf(words); err != nil {
			return command{}, false, err
		}
	}
	rest := 2
	switch {
	case word(0) == "DESCRIBE" || word(0) == "DESC":
		// DESCRIBE SELECT … is for the executor.
		if word(1) == "SELECT" || word(1) == "WITH" || word(1) == "(" || word(1) == "FROM" {
			return command{}, false, nil
		}
		cmd.kind, rest = "columns", 1
	case word(0) != "SHOW":
		return command{}, false, nil
	case word(1) == "CATALOGS" || word(1) == "FUNCTIONS":
		cmd.kind = strings.ToLower(word(1))
	case word(1) == "DATABASES" || word(1) == "SCHEMAS":
		cmd.kind = "databases"
		if (word(2) == "IN" || word(2) == "FROM") && len(words) == 4 {
			if c := strings.Trim(strings.ToLower(words[3]), "\"`"); !slices.Contains(catalogs, c) {
				return command{}, false, fault(CodeNotFound, "there is no catalog %s; there are %s", c, strings.Join(catalogs, ", "))
			}
			words = words[:2]
		}
	case word(1) == "TABLES" || word(1) == "VIEWS":
		cmd.kind = strings.ToLower(word(1))
		if word(2) == "IN" || word(2) == "FROM" {
			rest = 3
		} else if len(words) > 2 {
			return command{}, false, fault(CodeSyntax, "SHOW %s takes IN and a database, as in SHOW %s IN shop", word(1), word(1))
		}
	case word(1) == "CREATE" && word(2) == "VIEW":
		cmd.kind, rest = "view", 3
	case word(1) == "PARTITIONS":
		cmd.kind = "partitions"
	case word(1) == "COLUMNS" && (word(2) == "FROM" || word(2) == "IN"):
		cmd.kind, rest = "columns", 3
	default:
		return command{}, false, fault(CodeSyntax, "there is no such SHOW; there is SHOW DATABASES, SHOW TABLES [IN database], SHOW VIEWS [IN database], SHOW CREATE TABLE table, SHOW CREATE VIEW view, SHOW PARTITIONS table, SHOW COLUMNS FROM table, SHOW CHECKPOINTS")
	}
	cmd.parts, ok = nameOf(words[min(rest, len(words)):])
	switch {
	case !ok:
		err = fault(CodeSyntax, "%s is not a name", strings.Join(words[rest:], " "))
	case len(cmd.parts) > 0 && (cmd.kind == "databases" || cmd.kind == "catalogs" || cmd.kind == "functions"):
		err = fault(CodeSyntax, "nothing but LIKE and a pattern follows SHOW %s", word(1))
	case (cmd.kind == "tables" || cmd.kind == "views") && len(cmd.parts) == 0 && rest == 3:
		err = fault(CodeSyntax, "SHOW %s IN takes a database", word(1))
	case len(cmd.parts) == 0 && (cmd.kind == "partitions" || cmd.kind == "view" || cmd.kind == "columns"):
		err = fault(CodeSyntax, "a table's name is missing")
	}
	return cmd, err == nil, err
}

// nameOf takes apart a.b.c.
func nameOf(words []string) (parts []string, ok bool) {
	for i, w := range words {
		if (i%2 == 1) != (w == ".") {
			return nil, false
		}
		if i%2 == 0 {
			if q, quoted := unquote(w); quoted {
				w = q
			} else if strings.ContainsAny(w, "()',;=*") {
				return nil, false
			}
			parts = append(parts, w)
		}
	}
	return parts, len(words) == 0 || len(words)%2 == 1
}

func unquote(w string) (string, bool) {
	if len(w) >= 2 && (w[0] == '"' || w[0] == '`') && w[len(w)-1] == w[0] {
		q := w[:1]
		return strings.ReplaceAll(w[1:len(w)-1], q+q, q), true
	}
	return w, false
}

// tokens cuts a short statement into words, quoted names and single signs;
// comments and the final semicolon fall away.
func tokens(sql string) []string {
	var out []string
	for i := 0; i < len(sql) && len(out) < 32; {
		switch c := sql[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.HasPrefix(sql[i:], "--"):
			end := strings.IndexByte(sql[i:], '\n')
			if end < 0 {
				end = len(sql) - i
			}
			i += end
		case strings.HasPrefix(sql[i:], "/*"):
			end := strings.Index(sql[i+2:], "*/")
			if end < 0 {
				return out
			}
			i += end + 4
		case c == '"' || c == '`' || c == '\'':
			end := i + 1
			for end < len(sql) && (sql[end] != c || end+1 < len(sql) && sql[end+1] == c) {
				if sql[end] == c {
					end++
				}
				end++
			}
			end = min(end+1, len(sql))
			out = append(out, sql[i:end])
			i = end
		case isWord(c):
			end := i
			for end < len(sql) && isWord(sql[end]) {
				end++
			}
			out = append(out, sql[i:end])
			i = end
		default:
			out = append(out, sql[i:i+1])
			i++
		}
	}
	for len(out) > 0 && out[len(out)-1] == ";" {
		out = out[:len(out)-1]
	}
	return out
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// command answers a command.
func (e *Engine) command(ctx context.Context, cmd command, visible func(database string) bool) ([][]result.Value, []result.Column, error) {
	snap, err := e.snapshot(visible)
	if err != nil {
		return nil, nil, err
	}
	defer snap.close()
	switch cmd.kind {
	case "catalogs":
		return lines(cmd.matching(catalogs)), column("catalog"), nil
	case "functions":
		return lines(cmd.matching(presto.Functions())), column("function"), nil
	case "databases":
		names, err := e.databases(ctx, snap)
		return lines(cmd.matching(names)), column("database"), err
	case "tables", "views":
		database := cmd.database
		if len(cmd.parts) > 0 {
			database = strings.ToLower(cmd.parts[len(cmd.parts)-1])
		}
		names, err := e.tables(ctx, database, snap)
		if cmd.kind == "tables" || err != nil {
			return lines(cmd.matching(names)), column("table"), err
		}
		names, err = e.views(ctx, database, names, snap)
		return lines(cmd.matching(names)), column("views"), err
	}
	src, err := e.table(ctx, cmd.parts, cmd.database, snap)
	if err != nil {
		return nil, nil, err
	}
	if cmd.kind == "view" {
		return showView(src)
	}
	if cmd.kind == "columns" {
		rows, columns, err := e.describe(ctx, src)
		if cmd.pattern != nil {
			rows = slices.DeleteFunc(rows, func(row []result.Value) bool { return !cmd.pattern.MatchString(row[0].Text) })
		}
		return rows, columns, err
	}
	return e.partitionPaths(ctx, src)
}

// views are those of a database's tables that are views.
func (e *Engine) views(ctx context.Context, database string, tables []string, snap *snapshot) ([]string, error) {
	var out []string
	for _, name := range tables {
		table, err := snap.lookup(ctx, e.cfg.Catalog, lake.TableName{Database: database, Table: name})
		if err != nil && !errors.Is(err, catalogsync.ErrNotFound) {
			return nil, fmt.Errorf("read table %s.%s: %w", database, name, err)
		}
		if err == nil && table.View != "" {
			out = append(out, name)
		}
	}
	return out, nil
}

// showView is a statement that makes a view anew.
func showView(src *tableSource) ([][]result.Value, []result.Column, error) {
	if src.table.View == "" {
		return nil, nil, fault(CodeInvalid, "%s is a table; SHOW CREATE TABLE tells how it is made", src.name)
	}
	d, err := view.Decode(src.table.View)
	if err != nil {
		return nil, nil, fault(CodeInvalid, "the view %s cannot be read: %v", src.name, err)
	}
	return lines([]string{"CREATE VIEW " + src.name.String() + " AS", d.SQL}), column("create view"), nil
}

func column(name string) []result.Column { return []result.Column{{Name: name, Type: "varchar"}} }

func lines(texts []string) [][]result.Value {
	rows := make([][]result.Value, len(texts))
	for i, t := range texts {
		rows[i] = []result.Value{{Text: t, Form: result.String}}
	}
	return rows
}

// describe lists a table's columns as Presto does: name, type, and whether it
// is a partition key.
func (e *Engine) describe(ctx context.Context, src *tableSource) ([][]result.Value, []result.Column, error) {
	columns := append(append(column("column"), column("type")...), column("extra")...)
	if err := e.acquire(ctx, src); err != nil {
		return nil, nil, err
	}
	defer src.release()
	var rows [][]result.Value
	add := func(c lake.Column, extra string) {
		rows = append(rows, []result.Value{{Text: c.Name, Form: result.String},
			{Text: prestoType(c.Type), Form: result.String}, {Text: extra, Form: result.String}})
	}
	for _, c := range src.columns() {
		add(c, "")
	}
	for _, k := range src.keys {
		add(k, "partition key")
	}
	return rows, columns, nil
}

// partitionPaths lists a table's partitions as Hive does, the delivered and the
// live ones.
func (e *Engine) partitionPaths(ctx context.Context, src *tableSource) ([][]result.Value, []result.Column, error) {
	if len(src.keys) == 0 {
		return nil, nil, fault(CodeInvalid, "the table %s is not partitioned", src.name)
	}
	if err := e.acquire(ctx, src); err != nil {
		return nil, nil, err
	}
	defer src.release()
	partitions, err := src.delivered(ctx, e, "")
	if err != nil {
		return nil, nil, err
	}
	var paths []string
	for _, p := range partitions {
		paths = append(paths, partitioner.Path(src.keys, p.Values))
	}
	for _, f := range src.liveFiles() {
		paths = append(paths, partitioner.Path(src.keys, f.values))
	}
	slices.Sort(paths)
	return lines(slices.Compact(paths)), column("partition"), nil
}

// databases are those of the catalog and those that live rows make.
func (e *Engine) databases(ctx context.Context, snap *snapshot) ([]string, error) {
	names, err := e.cfg.Catalog.Databases(ctx)
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	for name := range snap.tables {
		names = append(names, name.Database)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !snap.sees(name) })
	slices.Sort(names)
	return slices.Compact(names), nil
}

// tables are a database's tables in the catalog and those that live rows make.
func (e *Engine) tables(ctx context.Context, database string, snap *snapshot) ([]string, error) {
	var names []string
	var tables []lake.Table
	err := error(catalogsync.ErrNotFound)
	if snap.sees(database) {
		tables, err = e.cfg.Catalog.Tables(ctx, database)
	}
	if err != nil && !errors.Is(err, catalogsync.ErrNotFound) {
		return nil, fmt.Errorf("list tables of %s: %w", database, err)
	}
	missing := err != nil
	for _, t := range tables {
		if snap.look.HidesTable(t) {
			continue
		}
		names = append(names, t.Name.Table)
	}
	for name := range snap.tables {
		if name.Database == database {
			names = append(names, name.Table)
		}
	}
	if missing && len(names) == 0 && database != e.cfg.Database {
		all, err := e.databases(ctx, snap)
		if err != nil {
			return nil, err
		}
		return nil, fault(CodeNotFound, "there is no database %s%s", database, suggest(database, all))
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
