package crawl_test

import (
	"bytes"
	"testing"

	"sluice/catalogsync/crawl"
	"sluice/internal/lake"
)

// Whatever a file begins with, its columns have names that a table can have, each once.
func FuzzText(f *testing.F) {
	for _, s := range []string{"id,name\n1,x\n", "a;b;c\n1;2;3\n", "\"x\ny\",1\n", "{\"a\":1}\n{\"a\":", "[{}]", "\xEF\xBB\xBFa\tb\n", ",,,\n", "a,a,A\n1,2,3"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, whole bool) {
		if columns, err := crawl.CSV(text, whole); err == nil {
			seen := map[string]bool{}
			for _, c := range columns {
				if c.Name != lake.CleanName(c.Name) || seen[c.Name] || c.Type.Kind == lake.KindNone {
					t.Fatalf("columns %v of %q", columns, text)
				}
				seen[c.Name] = true
			}
		}
		records, n, bad, err := crawl.JSONLines(text, whole)
		if err == nil && (bytes.Count(records, []byte("\n")) != n || bad < 0) {
			t.Fatalf("%d records, %d bad, in %q", n, bad, records)
		}
	})
}
