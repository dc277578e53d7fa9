package configs

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sluice/internal/lake"
)

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// CheckStreamName says what is wrong with a stream's name. Names are Firehose's,
// 1 to 64 of a–z, A–Z, 0–9, _, . and -, without "." and "..", since a stream is a
// folder of the data folder.
func CheckStreamName(name string) error {
	if !streamName.MatchString(name) || name == "." || name == ".." {
		return fmt.Errorf("%q cannot name a stream; want 1 to 64 of a–z, A–Z, 0–9, _, . and -", shorten(name))
	}
	return nil
}

// streams checks every configured stream, and that those which share a table
// agree on its partitions and its timestamps.
func (k *checker) streams(c Config) {
	owner := make(map[string]string) // table: the first stream that fills it
	for _, name := range slices.Sorted(maps.Keys(c.Streams)) {
		path := "streams." + name
		if err := CheckStreamName(name); err != nil {
			k.add(path, "%v", err)
		}
		s := c.Streams[name]
		k.stream(path, s, c)
		k.columns(path+".columns", s.Columns, partitionNames(c.Stream(name)))
		k.layout(path+".layout", s.Layout, c, partitionNames(c.Stream(name)))
		table := c.tableOf(name, s)
		first, shared := owner[table]
		if !shared {
			owner[table] = name
			continue
		}
		if a, b := partitionNames(c.Stream(first)), partitionNames(c.Stream(name)); !slices.Equal(a, b) {
			k.add(path, "fills the table %s with partitions by %s, but streams.%s does so by %s; the partitions of a table have one set of names",
				table, strings.Join(b, ", "), first, strings.Join(a, ", "))
		}
		if a, b := c.Stream(first).Layout.Timestamp, c.Stream(name).Layout.Timestamp; a != b {
			k.add(path, "writes the timestamps of the table %s as %s, but streams.%s as %s; a table's readers expect one", table, b, first, a)
		}
	}
}

func (k *checker) stream(path string, s Stream, c Config) {
	walk(reflect.ValueOf(s), "", func(key string, v reflect.Value) {
		if r, ok := rules[join("streams.*", key)]; ok && !v.IsZero() {
			if text := r.check(v); text != "" {
				k.add(join(path, key), "%s", text)
			}
		}
	})
	if s.Dedupe.Window != 0 && s.Dedupe.Key == "" {
		k.add(path+".dedupe.key", "is missing; want the path of the field that tells records apart, such as messageId")
	}
	if s.Hold.For != 0 && s.Hold.Under == 0 {
		k.add(path+".hold.under", "is missing; want the size of file from which on rows do not wait, such as 16MiB")
	}
	if s.Size > c.Buffer.MaxBytes {
		k.add(path+".size", "found %s, want at most buffer.max_bytes (%s): a batch could never fill", s.Size, c.Buffer.MaxBytes)
	}
	if s.Table != "" {
		if _, err := lake.ParseTableName(s.Table, c.Database); err != nil {
			k.add(path+".table", "%v", err)
		}
	}
	k.partitions(path+".partition_by", s.PartitionBy)
	if s.Prefix != "" && len(s.PartitionBy) > 0 {
		k.add(path+".prefix", "is set beside partition_by; want one of them")
	}
	if s.Prefix == "" && len(s.PartitionKeys) > 0 {
		k.add(path+".partition_keys", "are for prefix, which is not set")
	}
	if s.Prefix == "" && s.PartitionQuery != "" {
		k.add(path+".partition_query", "is for prefix, which is not set")
	}
	if s.PartitionQuery != "" && len(s.PartitionKeys) > 0 {
		k.add(path+".partition_query", "is set beside partition_keys; want one of them")
	}
}

// partitions checks the shape of a partition_by, not what its expressions say.
func (k *checker) partitions(path string, exprs []string) {
	if exprs != nil && len(exprs) == 0 {
		k.add(path, "found an empty list, want [name=expression, …]; leave it out for %s", DefaultPartition)
	}
	seen := make(map[string]bool)
	for i, e := range exprs {
		at := fmt.Sprintf("%s[%d]", path, i)
		name, expr, ok := strings.Cut(e, "=")
		name, expr = strings.TrimSpace(name), strings.TrimSpace(expr)
		switch {
		case !ok || name == "" || expr == "":
			k.add(at, "found %q, want name=expression, such as country=userCountry or dt=day(timestamp)", shorten(e))
		case name != lake.CleanName(name):
			k.add(at, "found the name %q, want a–z, 0–9 and _, such as %s", shorten(name), lake.CleanName(name))
		case seen[name]:
			k.add(at, "the name %s stands twice", name)
		}
		seen[name] = true
	}
}

// columns checks the declared types against the names of the partitions.
func (k *checker) columns(path string, columns map[string]lake.ColumnSpec, parts []string) {
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		at := join(path, name)
		if name == "" || slices.Contains(strings.Split(name, "."), "") {
			k.add(at, "want a column's name, or the path of a field in it, such as address.city")
		}
		if columns[name].Type == "" {
			k.add(at, "has no type; want a Hive type, such as bigint, decimal(10,2) or timestamp(epoch_seconds)")
		} else if _, err := lake.ParseDeclaredType(columns[name].Type); err != nil {
			k.add(at, "%v; want a Hive type, such as bigint, decimal(10,2) or array<string>", err)
		}
		if columns[name].From != "" && strings.Contains(name, ".") {
			k.add(join(at, "from"), "only a column of the table can be filled from elsewhere, not a field of a struct: name it %s", lake.CleanName(name))
		}
		if slices.Contains(parts, lake.CleanName(name)) {
			k.add(at, "is a partition of the table already; a column cannot have its name")
		}
		if lake.CleanName(name) == lake.RescuedColumn {
			k.add(at, "keeps the values that fit no column; it cannot be declared")
		}
	}
}

// partitionNames are the names that a partition_by gives. Those of a prefix are
// partitioner's knowledge; here it stands for them itself.
func partitionNames(s Stream) []string {
	if s.Prefix != "" {
		return []string{s.Prefix}
	}
	names := make([]string, len(s.PartitionBy))
	for i, e := range s.PartitionBy {
		name, _, _ := strings.Cut(e, "=")
		names[i] = strings.TrimSpace(name)
	}
	return names
}
