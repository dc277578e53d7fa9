package crawl

import (
	"strconv"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/partitioner"
)

// A level is a folder that is a partition's.
type level struct {
	key   string
	value string
	named bool // by the folder itself
}

// partitions reads the folders from the end of a path backwards as long as they are
// partitions; the rest is the table's folder. all: every folder is one.
func (cfg *Config) partitions(segments []string, all bool) (table int, levels []level) {
	table = len(segments)
	for table > 0 {
		n, found := cfg.before(segments[:table])
		if n == 0 {
			if !all {
				break
			}
			n, found = 1, []level{{"", segments[table-1], false}}
		}
		table -= n
		levels = append(found, levels...)
	}
	return table, cfg.distinct(levels)
}

// distinct names folders without a name of their own, and those whose name comes twice.
func (cfg *Config) distinct(levels []level) []level {
	taken := map[string]bool{}
	n := 0
	for i := range levels {
		if levels[i].key == "" || taken[levels[i].key] {
			levels[i].key = "partition_" + strconv.Itoa(n)
			n++
		}
		taken[levels[i].key] = true
	}
	return levels
}

// before reads what stands at the end of a path: how many folders are one thing, name=value
// or a date, and the keys that they are; 0 for none.
func (cfg *Config) before(segments []string) (n int, levels []level) {
	last := segments[len(segments)-1]
	if names, values, err := partitioner.ParsePairs(last); err == nil && len(names) == 1 {
		return 1, []level{{lake.CleanName(names[0]), values[0], true}}
	}
	year, month, day, hour := cfg.DateKeys[0], cfg.DateKeys[1], cfg.DateKeys[2], cfg.DateKeys[3]
	// The longest first: the 05 of 2026/01/31/05 is an hour.
	for _, form := range []struct {
		layout string
		keys   []string
	}{
		{"2006/01/02/15", []string{year, month, day, hour}},
		{"2006/01/02", []string{year, month, day}},
		{"2006-01-02/15", []string{day, hour}},
		{"20060102/15", []string{day, hour}},
		{"2006-01-02-15", []string{hour}},
		{"2006-01-02", []string{day}},
		{"20060102", []string{day}},
		{"2006/01", []string{year, month}},
		{"2006-01", []string{month}},
		{"2006", []string{year}},
	} {
		n := len(form.keys)
		if form.layout == "2006-01-02-15" || n > len(segments) {
			n = 1
		}
		if len(form.keys) > len(segments) {
			continue
		}
		found := segments[len(segments)-n:]
		at, err := time.Parse(form.layout, strings.Join(found, "/"))
		if err != nil || at.Year() < 1970 || at.Year() > 2100 {
			continue
		}
		for i, key := range form.keys {
			levels = append(levels, level{key, found[i], false})
		}
		return n, levels
	}
	if ms, err := strconv.ParseInt(last, 10, 64); err == nil && len(last) >= 12 && len(last) <= 13 && ms > 0 && ms%msOfDay == 0 {
		return 1, []level{{day, last, false}}
	}
	return 0, nil
}

const msOfDay = 24 * 60 * 60 * 1000

// keysOf are the names of levels, as one text that two alike have.
func keysOf(levels []level) string {
	var b strings.Builder
	for _, l := range levels {
		b.WriteString(l.key)
		b.WriteByte('/')
	}
	return b.String()
}

func valuesOf(levels []level) []string {
	out := make([]string, len(levels))
	for i, l := range levels {
		out[i] = l.value
	}
	return out
}
