package footer_test

import (
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"sluice/query/fetch/footer"
)

func TestLeaf(t *testing.T) {
	file := rowGroups(t, 1, nestedRows())
	f, err := footer.Parse(metadata(t, file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	twice := *f
	twice.Meta = &format.FileMetaData{Schema: append([]format.SchemaElement(nil), f.Meta.Schema...)}
	for i, e := range twice.Meta.Schema {
		if e.Name == "B" {
			twice.Meta.Schema[i].Name = "a"
		}
	}
	for _, tt := range []struct {
		of     *footer.Footer
		name   string
		path   []string
		leaf   string // its name; empty: there is none
		absent bool
	}{
		{f, "id", nil, "id", false},
		{f, "o", []string{"a"}, "A", false},
		{f, "o", []string{"b"}, "B", false},
		{f, "o", nil, "", false},
		{f, "o", []string{"c"}, "", true},
		{f, "p", []string{"a"}, "", true},
		{f, "id", []string{"a"}, "", false},
		{f, "o", []string{"a", "b"}, "", false},
		{f, "l", []string{"list"}, "", false},
		{f, "m", []string{"key_value", "key"}, "", false},
		{&twice, "o", []string{"a"}, "", false},
	} {
		leaf, e, absent := tt.of.Leaf(tt.name, tt.path)
		name := ""
		if e != nil {
			name = e.Name
			if of := f.Meta.RowGroups[0].Columns[leaf].MetaData.PathInSchema; of[len(of)-1] != name {
				t.Errorf("%s %v: leaf %d is %v, not %s", tt.name, tt.path, leaf, of, name)
			}
		}
		if name != tt.leaf || absent != tt.absent || (leaf < 0) != (e == nil) {
			t.Errorf("%s %v: leaf %d %q, absent %v", tt.name, tt.path, leaf, name, absent)
		}
	}
}
