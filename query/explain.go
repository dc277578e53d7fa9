package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/query/executor"
	"sluice/query/output"
	"sluice/query/result"
	"sluice/query/statement"
)

// explaining says whether a statement is only explained.
type explaining uint8

const (
	explainNot explaining = iota
	explainPlan
	explainAnalyze // and run
)

// explained takes EXPLAIN or EXPLAIN ANALYZE off a statement. Blanks take its place,
// so that positions stay.
func explained(sql string) (rest string, mode explaining, err error) {
	words := tokens(sql)
	if len(words) == 0 || !strings.EqualFold(words[0], "EXPLAIN") {
		return sql, explainNot, nil
	}
	mode, taken := explainPlan, words[:1]
	for _, w := range words[1:] {
		switch {
		case strings.EqualFold(w, "ANALYZE") && mode == explainPlan:
			mode, taken = explainAnalyze, words[:2]
			continue
		case w == "(" && len(words) > len(taken)+1 && (strings.EqualFold(words[len(taken)+1], "TYPE") || strings.EqualFold(words[len(taken)+1], "FORMAT")):
			return "", 0, fault(CodeInvalid, "EXPLAIN takes no options; there is EXPLAIN and EXPLAIN ANALYZE")
		}
		break
	}
	at := 0
	for _, w := range taken {
		at += strings.Index(strings.ToUpper(sql[at:]), strings.ToUpper(w)) + len(w)
	}
	// Comments before it go too.
	blank := func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}
	return strings.Map(blank, sql[:at]) + sql[at:], mode, nil
}

// A scanReport is what is read of one table, and what is not and why.
type scanReport struct {
	name    string
	columns []string // needed
	of      int      // columns of the table

	partitioned                bool
	partitions, listed, kept   int64 // of the table, 0 where that is not known; given by the catalog; read
	selection                  string
	conditions                 []string // over partition columns
	files, filesKept           int64
	tests                      []string // that statistics are held against
	groups, groupsKept         int64    // of files whose footers were looked at
	groupsFiltered             int64    // of those that are not kept, by Bloom filters
	bytes                      int64
	liveRows, liveFiles, lives int64 // lives: before pruning
}

// describe begins the report of a table.
func (p *plan) describe(ctx context.Context, src *tableSource, t *statement.Table, f *scanFilter) error {
	r := &scanReport{name: src.name.String(), partitioned: len(src.keys) > 0}
	p.report = r
	if p.explain == explainNot {
		return nil
	}
	names, star := p.stmt.Names()
	all := append(src.columns(), src.keys...)
	r.of = len(all)
	for _, c := range all {
		if star || names[strings.ToLower(c.Name)] {
			r.columns = append(r.columns, c.Name)
		}
	}
	r.selection = expression(f.tests, src.keys)
	for _, c := range t.Conditions {
		text, err := p.engine.exec.Text(ctx, c.Tree())
		if err != nil {
			return err
		}
		text = strings.ReplaceAll(strings.TrimPrefix(text, "SELECT "), "presto_", "") // macros are no names of ours to show
		if slices.Contains(f.tested, c) || slices.Contains(f.exprs, c) {
			r.conditions = append(r.conditions, text)
			continue
		}
		if test, err := p.filePredicate(ctx, src.columns(), c.Predicate()); err == nil && test.Useful() && len(f.files) > 0 {
			r.tests = append(r.tests, text)
		}
	}
	p.reports = append(p.reports, r)
	return nil
}

// noteGroups adds what is known of files' row groups.
func (r *scanReport) noteGroups(objects []placed) {
	for _, o := range objects {
		if o.known {
			r.groups += int64(len(o.groups))
			r.groupsKept += int64(o.kept)
			r.groupsFiltered += int64(o.filtered)
		}
	}
}

// lines is the report for eyes.
func (r *scanReport) lines() []string {
	out := []string{r.name, "  columns: " + strings.Join(r.columns, ", ") + fmt.Sprintf(" (%d of %d)", len(r.columns), r.of)}
	add := func(format string, args ...any) { out = append(out, "  "+fmt.Sprintf(format, args...)) }
	if r.partitioned {
		switch {
		case r.partitions > 0 || r.selection == "":
			add("partitions: %d of %d", r.kept, max(r.partitions, r.listed))
		default:
			add("partitions: %d of %d that the catalog selects", r.kept, r.listed)
		}
		for _, c := range r.conditions {
			add("  by %s", c)
		}
		if r.selection != "" {
			add("  the catalog selects by %s", r.selection)
		}
	}
	add("files: %d of %d, %s", r.filesKept, r.files, output.Size(r.bytes))
	for _, t := range r.tests {
		add("  by statistics: %s", t)
	}
	if r.groups > 0 {
		add("row groups: %d of %d", r.groupsKept, r.groups)
		if r.groupsFiltered > 0 {
			add("  by Bloom filters: %d left out", r.groupsFiltered)
		}
	}
	if r.lives > 0 {
		add("live: %d rows, %d of %d files", r.liveRows, r.liveFiles, r.lives)
	}
	return out
}

// answer is the answer of EXPLAIN.
func (p *plan) answer(ctx context.Context, q executor.Query) (*fixed, error) {
	var lines []string
	for _, r := range p.reports {
		lines = append(lines, r.lines()...)
	}
	if p.remote && p.explain == explainPlan {
		lines = append(lines, "executor: EXPLAIN ANALYZE shows its plan; without, nothing is fetched from the lake")
	} else {
		plan, err := p.executorPlan(ctx, q)
		if err != nil {
			return nil, err
		}
		lines = append(append(lines, "executor"), plan...)
	}
	src := &fixed{columns: column("Query Plan")}
	for _, l := range lines {
		src.rows = append(src.rows, []result.Value{{Text: l, Form: result.String}})
	}
	return src, nil
}

// executorPlan is DuckDB's plan; of EXPLAIN ANALYZE with what its steps took.
func (p *plan) executorPlan(ctx context.Context, q executor.Query) ([]string, error) {
	prefix := "EXPLAIN (FORMAT JSON) "
	if p.explain == explainAnalyze {
		prefix = "EXPLAIN (ANALYZE, FORMAT JSON) "
	}
	q.SQL = prefix + q.SQL
	rows, err := p.run(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	text := ""
	for rows.Next() {
		values := rows.Values()
		text += values[len(values)-1].Text
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return planLines(text, q.Files)
}

// unread stands for objects of a remote store that are only explained.
func unread(objects []placed, needed []int64) []dataFile {
	files := make([]dataFile, len(objects))
	for i, o := range objects {
		files[i] = dataFile{path: o.object.Key, bytes: needed[i], values: o.values, object: o.object.Key}
	}
	return files
}

// isRemote reports whether one of the objects is no local file.
func (p *plan) isRemote(objects []placed) bool {
	return slices.ContainsFunc(objects, func(o placed) bool {
		_, ok := p.engine.cfg.Store.LocalPath(o.object.Key)
		return !ok
	})
}
