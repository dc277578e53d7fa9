package configs

import (
	"fmt"
	"slices"
	"strings"

	"sluice/internal/lake"
)

// A Layout is how a stream's Parquet files are written. What is left out of it
// is as Convert says.
type Layout struct {
	Compression string `yaml:"compression" json:"compression,omitempty"` // zstd, snappy, gzip or none
	// CompressionLevel is zstd's, 1 to 22, or gzip's, 1 to 9; 0: chosen for each
	// column.
	CompressionLevel int   `yaml:"compression_level" json:"compression_level,omitempty"`
	RowGroup         Bytes `yaml:"row_group" json:"row_group,omitempty"` // size before compression, about
	// Sort are the columns that the rows of a row group are sorted by, each as in
	// ORDER BY (lake.ParseSortKey).
	Sort []string `yaml:"sort" json:"sort,omitempty"`
	// Bloom are the columns, or paths of fields, that have a Bloom filter.
	Bloom []string `yaml:"bloom" json:"bloom,omitempty"`
	// BloomFPP is how likely such a filter lets a value through that is not there.
	BloomFPP  float64 `yaml:"bloom_fpp" json:"bloom_fpp,omitempty"`
	Timestamp string  `yaml:"timestamp" json:"timestamp,omitempty"` // micros, millis or int96
}

// layout fills in what a stream leaves out of its layout. A level belongs to the
// compression that stands beside it.
func (c Config) layout(l Layout) Layout {
	d := c.Convert
	l.Sort, l.Bloom = slices.Clone(l.Sort), slices.Clone(l.Bloom)
	if l.Compression == "" {
		l.Compression = d.Compression
	}
	if l.CompressionLevel == 0 && l.Compression == d.Compression {
		l.CompressionLevel = d.CompressionLevel
	}
	if l.RowGroup == 0 {
		l.RowGroup = d.RowGroup
	}
	if l.BloomFPP == 0 {
		l.BloomFPP = d.BloomFPP
	}
	if l.Timestamp == "" {
		l.Timestamp = d.Timestamp
	}
	return l
}

// level checks a compression level against its compression.
func (k *checker) level(path, compression string, level int) {
	switch {
	case level == 0 || compression == "zstd":
	case compression == "gzip" && level > 9:
		k.add(path, "found %d, want 1 to 9 with gzip", level)
	case compression == "snappy" || compression == "none":
		k.add(path, "found %d, but %s has no levels; leave it out", level, compression)
	}
}

// layout checks a stream's layout against the rest of the configuration. The
// partitions are no columns of the files.
func (k *checker) layout(path string, l Layout, c Config, parts []string) {
	filled := c.layout(l)
	if l.CompressionLevel != 0 {
		k.level(path+".compression_level", filled.Compression, l.CompressionLevel)
	}
	if l.RowGroup > c.Convert.Memory {
		k.add(path+".row_group", "found %s, want at most convert.memory (%s): a row group is built in memory", l.RowGroup, c.Convert.Memory)
	}
	seen := map[string]bool{}
	for i, text := range l.Sort {
		at := fmt.Sprintf("%s.sort[%d]", path, i)
		key, err := lake.ParseSortKey(text)
		if err != nil {
			k.add(at, "%v", err)
			continue
		}
		k.layoutColumn(at, key.Path, parts, seen)
	}
	seen = map[string]bool{}
	for i, p := range l.Bloom {
		at := fmt.Sprintf("%s.bloom[%d]", path, i)
		if p == "" || slices.Contains(strings.Split(p, "."), "") {
			k.add(at, "found %q, want a column's name, or the path of a field in it, such as context.ip", shorten(p))
			continue
		}
		k.layoutColumn(at, p, parts, seen)
	}
}

func (k *checker) layoutColumn(at, path string, parts []string, seen map[string]bool) {
	var names []string
	for part := range strings.SplitSeq(path, ".") {
		names = append(names, lake.CleanName(part))
	}
	name := strings.Join(names, ".")
	if slices.Contains(parts, name) {
		k.add(at, "%s is a partition of the table: all rows of a file have the same", shorten(path))
	}
	if seen[name] {
		k.add(at, "%s stands twice", shorten(path))
	}
	seen[name] = true
}
