package configs

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"sluice/internal/lake"
)

// Retention says when partitions are dropped that are past their time.
type Retention struct {
	Interval time.Duration `yaml:"interval"` // how often serve looks; 0: never
	Grace    time.Duration `yaml:"grace"`    // from a partition's drop to the deletion of its objects
}

// A Table is what is kept of a table in the lake.
type Table struct {
	Retention TableRetention `yaml:"retention"`
}

// TableRetention is the rule of one table. The zero value is none.
type TableRetention struct {
	After time.Duration `yaml:"after"` // the end of a partition's time
	By    []string      `yaml:"by"`    // partition keys that are its date; empty: DefaultRetentionKey
}

// DefaultRetentionKey is the partition key that is the date where a rule names none.
const DefaultRetentionKey = "dt"

func defaultRetention() Retention { return Retention{Interval: time.Hour, Grace: 24 * time.Hour} }

// RetentionDir holds the journal of dropped partitions.
func (c Config) RetentionDir() string { return filepath.Join(c.DataDir, "retention") }

// retention checks the rules of the tables.
func (k *checker) retention(c Config) {
	if i := c.Retention.Interval; i > 0 && i < time.Minute {
		k.add("retention.interval", "found %s, want 0 for never or at least 1m", i)
	}
	seen := map[lake.TableName]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Tables)) {
		path := "tables." + name
		table, err := lake.ParseTableName(name, c.Database)
		if err != nil {
			k.add(path, "%v", err)
		} else if other, ok := seen[table]; ok {
			k.add(path, "is the same table as tables.%s", other)
		}
		seen[table] = name
		t := c.Tables[name].Retention
		// Shorter than a day, and clocks and time zones would decide.
		if t.After < 24*time.Hour && (t.After != 0 || len(t.By) > 0) {
			k.add(path+".retention.after", "found %s, want at least 24h, such as 400d", formatDuration(t.After))
		}
		for _, key := range t.By {
			if key != lake.CleanName(key) {
				k.add(path+".retention.by", "found the partition key %q, want a name of a–z, 0–9 and _, such as %s", shorten(key), lake.CleanName(key))
			}
		}
	}
}
