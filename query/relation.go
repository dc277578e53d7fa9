package query

import (
	"fmt"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/textfile"
)

// A relation is the SQL that stands for a table: its columns over the planned
// files.
type relation struct {
	columns []lake.Column // without the partition columns
	keys    []lake.Column
	files   []dataFile
	filters []string         // over the columns' internal names, see internal
	text    *textfile.Format // how files are read that are not Parquet
	hidden  bool             // with the columns of hiddenColumns
}

// Files are read with one explicit schema, by name: a file that lacks a column,
// or a field of a struct, has NULL there; a file with another order or spelling
// or a narrower type fits. With a schema no file is opened before the scan, and
// filters and projections of columns are pushed into it. A field of a struct is
// projected in the plan, but DuckDB 1.5 reads the whole struct to fit it to the
// schema: up to four times the time of a scan without one.
//
// The columns get internal names, so that none can hide the file_index by which
// a row knows its partition.
//
// Timestamps are adjusted to UTC in the files. DuckDB reads such as TIMESTAMP
// WITH TIME ZONE, and casts them to TIMESTAMP by the calendar, 20 times slower
// than need be; reading them as the microseconds they are costs nothing. But no
// filter is pushed through that, so comparisons of such a column with constants
// are given to the scan separately (filters).
const (
	caseLimit = 32 // partitions up to which CASE beats a join
)

// noColumn stands in a relation of which rows alone are needed.
const noColumn = `NULL AS "no column"`

// internal is the name of the i-th column within the scan.
func internal(i int) string { return fmt.Sprintf("c%d", i) }

// view is the statement that creates the relation.
func (r *relation) view(name string) string {
	return "CREATE VIEW " + executor.Identifier(name) + " AS " + r.query()
}

func (r *relation) query() string {
	if len(r.files) == 0 {
		return r.empty()
	}
	if r.text != nil {
		return r.textQuery()
	}
	files := slices.Clone(r.files)
	slices.SortStableFunc(files, func(a, b dataFile) int { return slices.Compare(a.values, b.values) })
	groups := group(files)
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range r.columns {
		b.WriteString(exposed(internal(i), c))
		b.WriteString(" AS " + executor.Identifier(c.Name) + ", ")
	}
	joined := len(groups) > caseLimit
	for _, k := range r.keyColumns(groups) {
		b.WriteString(k + ", ")
	}
	if r.hidden {
		b.WriteString(hiddenSelect)
	}
	if len(r.columns)+len(r.keys) == 0 && !r.hidden {
		b.WriteString(noColumn)
	}
	query := strings.TrimSuffix(b.String(), ", ")
	query += " FROM read_parquet(" + paths(files) + ", schema = " + r.schema() + ") AS f"
	if r.hidden {
		query += hiddenJoin(files)
	}
	if joined {
		query += " JOIN " + ranges(groups, len(r.keys)) + " ON f.file_index = p.i"
	}
	if len(r.filters) > 0 {
		query += " WHERE " + strings.Join(r.filters, " AND ")
	}
	return query
}

// keyColumns are the partition columns: from a CASE over the file's number or, where
// there are many groups, from the relation p.
func (r *relation) keyColumns(groups []fileGroup) []string {
	columns := make([]string, len(r.keys))
	for j, k := range r.keys {
		text := fmt.Sprintf("p.k%d", j)
		if len(groups) <= caseLimit {
			text = choose(groups, j)
		}
		columns[j] = keyValue(text, k) + " AS " + executor.Identifier(k.Name)
	}
	return columns
}

// empty is the relation without rows.
func (r *relation) empty() string {
	var columns []string
	for _, c := range append(slices.Clone(r.columns), r.keys...) {
		columns = append(columns, "CAST(NULL AS "+duckType(c.Type)+") AS "+executor.Identifier(c.Name))
	}
	if r.hidden {
		columns = append(columns, hiddenEmpty)
	}
	if len(columns) == 0 {
		columns = []string{noColumn}
	}
	return "SELECT " + strings.Join(columns, ", ") + " WHERE false"
}

// exposed is the column as the user sees it.
func exposed(name string, c lake.Column) string {
	if c.Type.Kind == lake.KindTimestamp {
		return "make_timestamp(epoch_us(f." + name + "))"
	}
	return "f." + name
}

// schema maps the files' columns to the internal ones.
func (r *relation) schema() string {
	entries := make([]string, 0, len(r.columns)+1)
	add := func(column, name, typ string) {
		entries = append(entries, executor.Quote(column)+": {name: "+executor.Quote(name)+", type: "+executor.Quote(typ)+", default_value: NULL}")
	}
	for i, c := range r.columns {
		typ := duckType(c.Type)
		if c.Type.Kind == lake.KindTimestamp {
			typ = "TIMESTAMP WITH TIME ZONE"
		}
		add(c.Name, internal(i), typ)
	}
	if len(r.columns) == 0 {
		// A schema has at least one column; this one is nowhere used.
		add(lake.RescuedColumn, internal(0), "MAP(VARCHAR,VARCHAR)")
	}
	return "MAP {" + strings.Join(entries, ", ") + "}"
}

// A fileGroup is a run of files of one partition: those from the one numbered
// from on.
type fileGroup struct {
	from, to int
	values   []string
}

// group finds the runs in sorted files.
func group(files []dataFile) []fileGroup {
	var groups []fileGroup
	for i, f := range files {
		if n := len(groups); n > 0 && slices.Equal(groups[n-1].values, f.values) {
			groups[n-1].to = i + 1
			continue
		}
		groups = append(groups, fileGroup{from: i, to: i + 1, values: f.values})
	}
	return groups
}

// choose is the text of partition column j, found by halving.
func choose(groups []fileGroup, j int) string {
	same := !slices.ContainsFunc(groups, func(g fileGroup) bool { return g.values[j] != groups[0].values[j] })
	if same {
		return keyLiteral(groups[0].values[j])
	}
	half := len(groups) / 2
	return fmt.Sprintf("CASE WHEN f.file_index < %d THEN %s ELSE %s END", groups[half].from, choose(groups[:half], j), choose(groups[half:], j))
}

func keyLiteral(value string) string {
	if value == lake.NullPartition {
		return "CAST(NULL AS VARCHAR)"
	}
	return executor.Quote(value)
}

// ranges is a relation p with a row for each file: its number and its partition
// values.
func ranges(groups []fileGroup, keys int) string {
	n := groups[len(groups)-1].to
	var columns, names strings.Builder
	for j := range keys {
		values := make([]string, 0, n)
		for _, g := range groups {
			for range g.to - g.from {
				values = append(values, g.values[j])
			}
		}
		fmt.Fprintf(&columns, ", nullif(unnest(%s), %s)", executor.Texts(values), executor.Quote(lake.NullPartition))
		fmt.Fprintf(&names, ",k%d", j)
	}
	return fmt.Sprintf("(SELECT unnest(range(%d))::UBIGINT%s) AS p(i%s)", n, columns.String(), names.String())
}

func paths(files []dataFile) string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.path
	}
	return executor.Texts(list)
}
