package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
)

// hiddenColumns are columns of every table that * does not stand for: of each row,
// the URI, the size in bytes and the time of the last change of the object that it
// is in. Of a row that is not delivered the URI is live://database.table, and the
// others are NULL.
var hiddenColumns = []string{"$path", "$file_size", "$file_modified_time"}

const (
	hiddenSelect = `h.path AS "$path", h.size AS "$file_size", h.modified AS "$file_modified_time", `
	hiddenEmpty  = `CAST(NULL AS VARCHAR) AS "$path", CAST(NULL AS BIGINT) AS "$file_size", CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "$file_modified_time"`
)

// hiddenJoin adds the relation h, a row for each file, by its number.
func hiddenJoin(files []dataFile) string {
	uris, sizes, times := make([]string, len(files)), make([]string, len(files)), make([]string, len(files))
	for i, f := range files {
		uris[i] = f.uri
		if !f.modified.IsZero() {
			sizes[i] = strconv.FormatInt(f.size, 10)
			times[i] = f.modified.UTC().Format("2006-01-02 15:04:05.000+00")
		}
	}
	return fmt.Sprintf(" JOIN (SELECT unnest(range(%d))::UBIGINT, unnest(%s), nullif(unnest(%s), '')::BIGINT, nullif(unnest(%s), '')::TIMESTAMPTZ)"+
		" AS h(i,path,size,modified) ON f.file_index = h.i", len(files), executor.Texts(uris), executor.Texts(sizes), executor.Texts(times))
}

// origin notes in a file which object it is.
func (p *plan) origin(f *dataFile, o placed) {
	if key, ok := p.engine.cfg.Store.Key(o.location); ok {
		f.uri = strings.TrimSuffix(o.location, "/") + "/" + strings.TrimPrefix(strings.TrimPrefix(o.object.Key, key), "/")
	}
	f.modified = o.object.Modified.Truncate(time.Millisecond)
}

// hide has the tables of the statement show the hidden columns, if it names one, but
// not where it says *. It reports whether they do. A natural join would be by them too.
func hide(stmt *statement.Statement) (bool, error) {
	if !stmt.Mentions(hiddenColumns) {
		return false, nil
	}
	if stmt.Natural() {
		return false, fault(CodeInvalid, "a statement that names %s cannot have a table in a NATURAL JOIN: say JOIN … USING (…)", strings.Join(hiddenColumns, " or "))
	}
	var tables []*statement.Table
	for _, t := range stmt.Tables {
		if !isInformation(t.Parts) {
			tables = append(tables, t)
		}
	}
	stmt.Hide(hiddenColumns, tables)
	return true, nil
}

// liveURI stands for the object of rows that are in none yet.
func liveURI(name lake.TableName) string { return "live://" + name.String() }
