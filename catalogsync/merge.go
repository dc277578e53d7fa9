package catalogsync

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// mergeColumns is have with what of want it lacks, and whether that is anything:
// columns at the end, fields at the end of structs, wherever they are nested.
// What is in have stays where and as it is; the slice itself is not touched.
func mergeColumns(have, partitionKeys []types.Column, want []lake.Column) (merged []types.Column, changed bool) {
	merged = slices.Clone(have)
	for _, w := range want {
		if indexColumn(partitionKeys, w.Name) >= 0 {
			continue
		}
		i := indexColumn(merged, w.Name)
		if i < 0 {
			merged = append(merged, encodeColumn(w))
			changed = true
			continue
		}
		if c, ok := extendColumn(merged[i], w); ok {
			merged[i] = c
			changed = true
		}
	}
	return merged, changed
}

// indexColumn finds a column by its name, which others may have written in
// capitals.
func indexColumn(columns []types.Column, name string) int {
	return slices.IndexFunc(columns, func(c types.Column) bool {
		return strings.EqualFold(aws.ToString(c.Name), name)
	})
}

// extendColumn is have with the fields of want that it lacks, if there are any
// and the rest of its type can be written back as it is.
func extendColumn(have types.Column, want lake.Column) (types.Column, bool) {
	col, err := decodeColumn(have)
	if err != nil || !rewritable(aws.ToString(have.Type), col.Type) {
		return have, false
	}
	t, changed := extend(col.Type, want.Type)
	if !changed {
		return have, false
	}
	col.Type = t
	have.Type = aws.String(t.String())
	have.Parameters = withKeyParams(have.Parameters, col)
	return have, true
}

// rewritable reports whether t says all that the text it was parsed from said.
func rewritable(text string, t lake.Type) bool {
	squeezed := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, text)
	return strings.EqualFold(squeezed, t.String())
}

// extend is have with the struct fields of want that it lacks, and whether there
// were any. Where their kinds differ, have stays.
func extend(have, want lake.Type) (lake.Type, bool) {
	if have.Kind != want.Kind {
		return have, false
	}
	switch have.Kind {
	case lake.KindArray, lake.KindMap:
		elem, changed := extend(*have.Elem, *want.Elem)
		if changed {
			have.Elem = &elem
		}
		return have, changed
	case lake.KindStruct:
		return extendStruct(have, want)
	}
	return have, false
}

func extendStruct(have, want lake.Type) (lake.Type, bool) {
	fields := slices.Clone(have.Fields) // types are shared
	changed := false
	for _, w := range want.Fields {
		i := lake.ColumnIndex(fields, w.Name)
		if i < 0 {
			fields = append(fields, w)
			changed = true
			continue
		}
		if t, ok := extend(fields[i].Type, w.Type); ok {
			fields[i].Type = t
			changed = true
		}
	}
	have.Fields = fields
	return have, changed
}
