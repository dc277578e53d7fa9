package lake_test

import (
	"testing"

	"sluice/internal/lake"
)

func TestParseSortKey(t *testing.T) {
	for text, want := range map[string]lake.SortKey{
		"price":                        {Path: "price"},
		" a.b  ASC ":                   {Path: "a.b"},
		"a desc":                       {Path: "a", Descending: true},
		"a nulls first":                {Path: "a", NullsFirst: true},
		"a Desc Nulls First":           {Path: "a", Descending: true, NullsFirst: true},
		"a desc nulls last":            {Path: "a", Descending: true},
		"desc":                         {Path: "desc"},
		"desc desc":                    {Path: "desc", Descending: true},
		"nulls nulls first":            {Path: "nulls", NullsFirst: true},
		"first asc nulls last":         {Path: "first"},
		"context.page.url nulls first": {Path: "context.page.url", NullsFirst: true},
	} {
		got, err := lake.ParseSortKey(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
			continue
		}
		if again, err := lake.ParseSortKey(got.String()); err != nil || again != got {
			t.Errorf("%q: %q reads %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", " ", "a b", "a descending", "a, b", "a nulls", "a desc asc", "a nulls first desc", "a..b", ".a", "a.", "a nulls last nulls first"} {
		if got, err := lake.ParseSortKey(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
