package embedded

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

type getTablesRequest struct {
	scope
	page
	DatabaseName string
	Expression   string
}

type tablesAnswer struct {
	TableList []table
	NextToken string `json:",omitempty"`
}

// maxPageBytes ends a page early where its entries are large.
const maxPageBytes = 4 << 20

func (s *Server) getTables(ctx context.Context, in getTablesRequest) (tablesAnswer, error) {
	out := tablesAnswer{TableList: []table{}}
	pattern, err := namePattern(in.Expression)
	if err != nil {
		return out, err
	}
	after, err := in.after()
	if err != nil {
		return out, err
	}
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.DatabaseName)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, selectTable+"WHERE d.id = ? AND t.name > ? ORDER BY t.name", d.id, after)
		if err != nil {
			return err
		}
		return out.collect(rows, in.scope, in.limit(100), func(t tableRow) (string, bool) {
			return t.input.Name, pattern.MatchString(t.input.Name)
		})
	})
	return out, err
}

// collect takes the tables that choose wants, up to a page's end; choose also
// gives the text that the next page begins behind.
func (out *tablesAnswer) collect(rows *sql.Rows, s scope, limit int, choose func(tableRow) (string, bool)) error {
	defer rows.Close()
	last, bytes := "", 0
	for rows.Next() {
		var t tableRow
		if err := scanTable(rows, &t); err != nil {
			return err
		}
		at, ok := choose(t)
		if !ok {
			continue
		}
		if len(out.TableList) == limit || bytes > maxPageBytes {
			out.NextToken = token(last)
			return nil
		}
		out.TableList = append(out.TableList, t.shape(s))
		bytes += t.input.size()
		last = at
	}
	return rows.Err()
}

// size is about how long the table's JSON is.
func (t tableInput) size() int {
	if t.StorageDescriptor == nil {
		return 1000
	}
	return 1000 + t.StorageDescriptor.size()
}

func (s *storageDescriptor) size() int {
	n := 500
	for _, c := range s.Columns {
		n += 30 + len(c.Name)
		if c.Type != nil {
			n += len(*c.Type)
		}
	}
	return n
}

// namePattern reads the Expression of GetTables. It is a regular expression over
// the whole name; but Hive, whose clients hand their pattern through, means any
// characters by *, so a * means that unless it follows something that regular
// expressions repeat: a dot, a group, a class.
func namePattern(expression string) (*regexp.Regexp, error) {
	if expression == "" {
		expression = "*"
	}
	var b strings.Builder
	for i := range len(expression) {
		if expression[i] == '*' && (i == 0 || !strings.ContainsRune(".)]}", rune(expression[i-1]))) {
			b.WriteByte('.')
		}
		b.WriteByte(expression[i])
	}
	re, err := regexp.Compile("(?is)^(?:" + b.String() + ")$")
	if err != nil {
		return nil, invalid("Expression %.100q is not a pattern: %v", expression, err)
	}
	return re, nil
}

type searchRequest struct {
	scope
	page
	SearchText string
	Filters    []struct{ Key, Value string }
}

// searchTables finds tables by a text anywhere in their names, descriptions and
// columns, and by filters on Name, DatabaseName, Description and Owner, which
// hold for the whole value or for one of its words.
func (s *Server) searchTables(ctx context.Context, in searchRequest) (tablesAnswer, error) {
	out := tablesAnswer{TableList: []table{}}
	after, err := in.after()
	if err != nil {
		return out, err
	}
	for _, f := range in.Filters {
		if _, ok := searchable(tableRow{}, f.Key); !ok {
			return out, invalid("SearchTables has no filter on %.100q", f.Key)
		}
	}
	text := strings.ToLower(strings.Trim(in.SearchText, `"`))
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectTable+
			"WHERE d.name || char(0) || t.name > ? ORDER BY d.name || char(0) || t.name", after)
		if err != nil {
			return err
		}
		return out.collect(rows, in.scope, in.limit(1000), func(t tableRow) (string, bool) {
			if !sees(ctx, t.database) {
				return "", false
			}
			for _, f := range in.Filters {
				value, _ := searchable(t, f.Key)
				if !hasWord(value, f.Value) {
					return "", false
				}
			}
			return t.database + "\x00" + t.input.Name, contains(t, text)
		})
	})
	return out, err
}

// searchable is the property of a table that a filter names.
func searchable(t tableRow, key string) (value string, ok bool) {
	switch strings.ToLower(key) {
	case "name", "tablename":
		return t.input.Name, true
	case "databasename":
		return t.database, true
	case "description":
		return deref(t.input.Description), true
	case "owner":
		return deref(t.input.Owner), true
	}
	return "", false
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func hasWord(value, word string) bool {
	words := strings.FieldsFunc(value, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.ContainsFunc(append(words, value), func(s string) bool { return strings.EqualFold(s, word) })
}

// contains reports whether text, in lower case, is in any of the table's words.
func contains(t tableRow, text string) bool {
	texts := []string{t.input.Name, t.database, deref(t.input.Description)}
	columns := t.input.PartitionKeys
	if t.input.StorageDescriptor != nil {
		columns = append(slices.Clone(columns), t.input.StorageDescriptor.Columns...)
	}
	for _, c := range columns {
		texts = append(texts, c.Name, deref(c.Comment))
	}
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}
