package query

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/presto"
	"sluice/query/statement"
	"sluice/query/view"
)

// An inlined view is one whose query was put in the place of its name.
type inlined struct {
	name       lake.TableName
	definition view.Definition
	tree       []byte // of its query, the views within it inlined
}

// current checks that the views' queries still have the columns that the catalog has
// of the views: those of SELECT * change with the table. Where they have not, Presto
// says that the view is stale, and so does this; else columns would have others' names.
func (p *plan) current(ctx context.Context) error {
	for _, v := range p.views {
		if len(v.definition.Columns) == 0 {
			continue
		}
		have, err := p.shape(ctx, v)
		var fault *executor.Error
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &fault) && (fault.Kind == "Binder" || fault.Kind == "Catalog"):
			return stale(v, "its query does not fit its tables any more (%s)", firstLine(fault.Message))
		case err != nil:
			return fmt.Errorf("describe the view %s: %w", v.name, err)
		}
		if why := v.differs(have); why != "" {
			return stale(v, "%s", why)
		}
	}
	return nil
}

func stale(v inlined, format string, args ...any) error {
	return fault(CodeInvalid, "view '%s' is stale: %s; make it anew with CREATE OR REPLACE VIEW %s AS … (SHOW CREATE VIEW tells its query)", v.name, fmt.Sprintf(format, args...), v.name)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// differs says in what the columns of a view's query are not the view's; nothing
// where they are.
func (v inlined) differs(have []executor.Output) string {
	want := v.definition.Columns
	for i := range max(len(want), len(have)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("its query has a column %s that the view has not", strings.ToLower(have[i].Name))
		case i >= len(have):
			return fmt.Sprintf("its query has no column %s any more", want[i].Name)
		case strings.EqualFold(want[i].Name, have[i].Name) || unnamed.MatchString(have[i].Name):
			if kindOf(want[i].Type) != kindOf(have[i].Presto) && have[i].Presto != "unknown" {
				return fmt.Sprintf("its column %s is of type %s now, and was %s", want[i].Name, have[i].Presto, want[i].Type)
			}
		case len(have) > len(want):
			return fmt.Sprintf("its query has a column %s where the view has %s", strings.ToLower(have[i].Name), want[i].Name)
		default:
			return fmt.Sprintf("column %d of its query is %s, where the view has %s", i+1, strings.ToLower(have[i].Name), want[i].Name)
		}
	}
	return ""
}

// kindOf is a type but for what Presto, Trino and this engine do not write alike, or
// know less or more exactly of one and the same query: lengths and precisions, the
// width of numbers, the zone of a timestamp.
func kindOf(typ string) string {
	typ = typeParameters.ReplaceAllString(strings.ToLower(typ), "")
	return alike.Replace(typ)
}

var (
	// A column without a name, in a view of Trino's, has the view's.
	unnamed        = regexp.MustCompile(`^_col[0-9]+$`)
	typeParameters = regexp.MustCompile(`\(\s*[0-9]+\s*(,\s*[0-9]+\s*)?\)`)
	alike          = strings.NewReplacer(`"`, "", " with time zone", "", " year to month", "", " day to second", "", " ", "",
		"tinyint", "integer", "smallint", "integer", "bigint", "integer", "real", "decimal", "double", "decimal", "char", "varchar", "varchar", "varchar")
)

// shape is the columns of a view's query over tables without rows.
func (p *plan) shape(ctx context.Context, v inlined) ([]executor.Output, error) {
	schema := strings.ToLower(v.definition.Schema)
	stmt, err := statement.Parse(v.tree, schema)
	if err != nil {
		return nil, err
	}
	hidden := stmt.Mentions(hiddenColumns)
	key := sha256.New()
	var relations []string
	for i, t := range stmt.Tables {
		sql, err := p.without(ctx, t, fmt.Sprintf("%s%d", viewPrefix, i), hidden)
		if err != nil {
			return nil, err
		}
		relations = append(relations, sql)
		fmt.Fprintf(key, "%d %s", len(sql), sql)
	}
	key.Write(v.tree)
	known := [sha256.Size]byte(key.Sum(nil))
	if have, ok := p.engine.shapes.get(known); ok {
		return have, nil
	}
	have, err := p.bind(ctx, v.tree, schema, relations)
	if err == nil {
		p.engine.shapes.put(known, have)
	}
	return have, err
}

// bind has the executor say which columns the query of a tree has, over relations
// that stand for its tables.
func (p *plan) bind(ctx context.Context, tree []byte, schema string, relations []string) ([]executor.Output, error) {
	rewritten, err := presto.Rewrite(tree, func(at int) int { return at }, p.prestoColumns(ctx, schema))
	if err != nil {
		return nil, err
	}
	stmt, err := statement.Parse(rewritten.Tree, schema)
	if err != nil {
		return nil, err
	}
	q := executor.Query{Setup: append(stmt.Moments(p.rows.started), relations...)}
	hide(stmt)
	for i, t := range stmt.Tables {
		t.Replace(fmt.Sprintf("%s%d", viewPrefix, i))
	}
	if q.SQL, err = p.engine.exec.Text(ctx, stmt.Tree()); err != nil {
		return nil, err
	}
	return attempt(&plan{presto: rewritten}, q, func(q executor.Query) ([]executor.Output, error) { return p.engine.exec.Describe(ctx, q) })
}

// without is the statement that makes a relation with a table's columns, and without
// rows.
func (p *plan) without(ctx context.Context, t *statement.Table, name string, hidden bool) (string, error) {
	if isInformation(t.Parts) {
		_, columns, err := informationTable(t)
		if err != nil {
			return "", err
		}
		return informationView(name, columns, nil), nil
	}
	src, _, err := p.source(ctx, t)
	if err != nil {
		return "", err
	}
	r := relation{columns: src.columns(), keys: src.keys, hidden: hidden}
	if _, partitions := base(t.Parts); partitions {
		r.columns, r.hidden = nil, false
	}
	return r.view(name), nil
}

// viewShapes are the columns of views' queries, by what they follow from.
type viewShapes struct {
	mu    sync.Mutex // guards what is below
	known map[[sha256.Size]byte][]executor.Output
}

// mostShapes bounds what is kept: some 10 MB where views have a hundred columns.
const mostShapes = 1000

func (s *viewShapes) get(key [sha256.Size]byte) ([]executor.Output, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.known[key]
	return have, ok
}

func (s *viewShapes) put(key [sha256.Size]byte, have []executor.Output) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= mostShapes {
		s.known = make(map[[sha256.Size]byte][]executor.Output)
	}
	s.known[key] = have
}
