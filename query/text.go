package query

import (
	"errors"
	"slices"
	"strings"

	"sluice/query/executor"
	"sluice/query/textfile"
)

// readable notes in src how its files are read, if they are text; the error says why
// they cannot be.
func (src *tableSource) readable() (err error) {
	if !src.inCatalog || src.text != nil {
		return nil
	}
	src.text, err = textfile.New(src.table, duckType)
	var unsupported *textfile.UnsupportedError
	if errors.As(err, &unsupported) {
		return &Error{Code: CodeInvalid, Message: unsupported.Error(), cause: err}
	}
	return err
}

// compressions notes of files of text how they are compressed.
func compressions(files []dataFile) (err error) {
	for i := range files {
		if files[i].compression, err = textfile.Compression(files[i].object); err != nil {
			return fault(CodeInvalid, "%s", err.Error())
		}
	}
	return nil
}

// textQuery is the relation over files of which some are text: one scan for each way in which
// they are compressed, and one for live rows, which are Parquet.
func (r *relation) textQuery() string {
	var parts []string
	for _, compression := range []string{"none", "gzip", "zstd", ""} {
		part := *r
		part.files = slices.DeleteFunc(slices.Clone(r.files), func(f dataFile) bool { return f.compression != compression })
		if len(part.files) == 0 {
			continue
		}
		if compression == "" {
			part.text = nil
			parts = append(parts, part.query())
			continue
		}
		parts = append(parts, part.textScan(compression))
	}
	return strings.Join(parts, " UNION ALL ")
}

func (r *relation) textScan(compression string) string {
	files := slices.Clone(r.files)
	slices.SortStableFunc(files, func(a, b dataFile) int { return slices.Compare(a.values, b.values) })
	sources := make([]textfile.File, len(files))
	for i, f := range files {
		sources[i] = textfile.File{Path: f.path, Name: f.object}
	}
	var columns []string
	for _, c := range r.columns {
		columns = append(columns, "CAST("+r.text.Value(c.Name)+" AS "+duckType(c.Type)+") AS "+executor.Identifier(c.Name))
	}
	groups := group(files)
	joined := len(groups) > caseLimit
	columns = append(columns, r.keyColumns(groups)...)
	query := "SELECT " + strings.Join(columns, ", ") + " FROM " + r.text.Source(sources, compression) + " AS f"
	if joined {
		query += " JOIN " + ranges(groups, len(r.keys)) + " ON f.file_index = p.i"
	}
	return query
}
