package retention

import (
	"testing"
	"time"

	"sluice/internal/lake"
)

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		values   []string
		from, to string // empty: it cannot be dated
	}{
		{[]string{"2026-01-31"}, "2026-01-31T00", "2026-02-01T00"},
		{[]string{"20260131"}, "2026-01-31T00", "2026-02-01T00"},
		{[]string{"2026-12"}, "2026-12-01T00", "2027-01-01T00"},
		{[]string{"2024"}, "2024-01-01T00", "2025-01-01T00"},
		{[]string{"2026-01-31-23"}, "2026-01-31T23", "2026-02-01T00"},
		{[]string{"2026", "01", "31"}, "2026-01-31T00", "2026-02-01T00"},
		{[]string{"2026", "1", "5", "7"}, "2026-01-05T07", "2026-01-05T08"},
		{[]string{"2026", "01", "2026-01-31", "05"}, "2026-01-31T05", "2026-01-31T06"},
		{[]string{"2026-01-31", "05"}, "2026-01-31T05", "2026-01-31T06"},
		{[]string{"2024", "02", "29"}, "2024-02-29T00", "2024-03-01T00"},

		{[]string{"2026", "02", "2026-01-31"}, "", ""}, // they disagree
		{[]string{"2025", "2026-01"}, "", ""},
		{[]string{"2026", "02", "30"}, "", ""},
		{[]string{"2026-02-30"}, "", ""},
		{[]string{"2026-1-3"}, "", ""},
		{[]string{"2026", "13"}, "", ""},
		{[]string{"2026", "00"}, "", ""},
		{[]string{"2026", "+1"}, "", ""},
		{[]string{"2026", "01", "31", "24"}, "", ""},
		{[]string{"2026-01-31", "05", "10"}, "", ""},
		{[]string{"2026-01-31", "2026"}, "", ""},
		{[]string{"01", "2026"}, "", ""},
		{[]string{"0000"}, "", ""},
		{[]string{"1769860800"}, "", ""},
		{[]string{"2026-01-31T10:00:00Z"}, "", ""},
		{[]string{"latest"}, "", ""},
		{[]string{""}, "", ""},
		{[]string{lake.NullPartition}, "", ""},
		{[]string{"2026", lake.NullPartition}, "", ""},
		{nil, "", ""},
	} {
		from, to, err := span(c.values)
		const layout = "2006-01-02T15"
		switch {
		case c.from == "" && err == nil:
			t.Errorf("%q: %v to %v, want no date", c.values, from, to)
		case c.from != "" && (err != nil || from.Format(layout) != c.from || to.Format(layout) != c.to):
			t.Errorf("%q: %v to %v, %v; want %s to %s", c.values, from, to, err, c.from, c.to)
		}
	}
}

// FuzzSpan: a date that was read spans an hour to a year, and names itself in the
// text.
func FuzzSpan(f *testing.F) {
	f.Add("2026", "01", "31")
	f.Add("2026-01-31", "05", "")
	f.Add("20260131", "__HIVE_DEFAULT_PARTITION__", "x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, values := range [][]string{{a}, {a, b}, {a, b, c}} {
			from, to, err := span(values)
			if err != nil {
				continue
			}
			if d := to.Sub(from); d < time.Hour || d > 366*24*time.Hour {
				t.Errorf("%q spans %v", values, d)
			}
			if from.Format("2006") != a[:4] {
				t.Errorf("%q: it begins in %d", values, from.Year())
			}
		}
	})
}
