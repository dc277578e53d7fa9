package write

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Format is how rows become files.
type Format string

const (
	Parquet  Format = "parquet"
	JSON     Format = "json"     // an object a line
	TextFile Format = "textfile" // values with a delimiter between
)

// A Layout is what a statement's options say.
type Layout struct {
	Format      Format
	Compression string // DuckDB's word
	Level       int    // of zstd; 0: its default
	Delimiter   string // of TextFile
	Location    string // external_location; "" where none is given
	At          int    // where it is given
	PartitionBy []string
}

// options that a statement of a kind takes.
var known = map[Kind][]string{
	CreateTable: {"compression_level", "external_location", "format", "parquet_compression", "partitioned_by", "write_compression", "table_type", "is_external"},
	Unload:      {"compression", "compression_level", "field_delimiter", "format", "partitioned_by"},
}

// Layout checks a statement's options.
func (s *Statement) Layout() (Layout, error) {
	l := Layout{Format: Parquet, Compression: "zstd", At: s.At}
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		o := s.Options[name]
		if !slices.Contains(known[s.Kind], name) {
			return l, refuse(o.at, "the property %s is not supported; there are %s", name, strings.Join(known[s.Kind], ", "))
		}
		if o.list != (name == "partitioned_by") {
			return l, refuse(o.at, "%s takes %s", name, map[bool]string{true: "ARRAY['…']", false: "a text"}[name == "partitioned_by"])
		}
		if err := l.set(s.Kind, name, o); err != nil {
			return l, err
		}
	}
	if err := l.compression(s); err != nil {
		return l, err
	}
	if o, ok := s.Options["compression_level"]; ok && l.Compression != "zstd" {
		return l, refuse(o.at, "compression_level goes with zstd, not %s", l.Compression)
	}
	return l, nil
}

func (l *Layout) set(kind Kind, name string, o Option) error {
	switch value := strings.ToLower(o.Text); name {
	case "format":
		l.Format = Format(value)
		if l.Format != Parquet && (kind != Unload || l.Format != JSON && l.Format != TextFile) {
			return refuse(o.at, "the format %s is not supported; there is PARQUET%s", o.Text, map[bool]string{true: ", JSON and TEXTFILE"}[kind == Unload])
		}
	case "table_type":
		if value != "hive" {
			return refuse(o.at, "tables of type %s are not supported; there is HIVE", o.Text)
		}
	case "is_external":
		if value != "true" {
			return refuse(o.at, "every table is external here")
		}
	case "external_location":
		l.Location, l.At = o.Text, o.at
	case "field_delimiter":
		l.Delimiter = o.Text
		if len(o.Text) != 1 || strings.ContainsAny(o.Text, "\n\r\\\"'") {
			return refuse(o.at, "field_delimiter is one ASCII character, and no line end, quote or backslash")
		}
	case "compression_level":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 22 {
			return refuse(o.at, "compression_level is a whole number from 1 to 22")
		}
		l.Level = n
	case "partitioned_by":
		for _, k := range o.List {
			l.PartitionBy = append(l.PartitionBy, strings.ToLower(k))
		}
		if len(o.List) == 0 {
			return refuse(o.at, "partitioned_by names at least one column")
		}
	}
	return nil
}

// compressions of a format: what a statement says, and DuckDB's word for it.
var compressions = map[Format]map[string]string{
	Parquet: {"zstd": "zstd", "snappy": "snappy", "gzip": "gzip", "none": "uncompressed", "uncompressed": "uncompressed"},
	JSON:    {"gzip": "gzip", "none": "uncompressed", "uncompressed": "uncompressed"},
}

func (l *Layout) compression(s *Statement) error {
	of := compressions[l.Format]
	if l.Format == TextFile {
		of = compressions[JSON]
	}
	if l.Format != Parquet {
		l.Compression = "gzip"
	}
	if l.Delimiter == "" {
		l.Delimiter = "\x01"
	} else if l.Format != TextFile {
		return refuse(s.Options["field_delimiter"].at, "field_delimiter goes with TEXTFILE")
	}
	given := ""
	for _, name := range []string{"parquet_compression", "write_compression", "compression"} {
		o, ok := s.Options[name]
		if !ok {
			continue
		}
		if given != "" {
			return refuse(o.at, "%s is given beside %s", name, given)
		}
		given = name
		if l.Compression = of[strings.ToLower(o.Text)]; l.Compression == "" {
			return refuse(o.at, "the compression %s is not supported for %s; there are %s", o.Text, l.Format, strings.Join(slices.Sorted(maps.Keys(of)), ", "))
		}
	}
	return nil
}

// Ext ends the names of the files.
func (l Layout) Ext() string {
	switch l.Format {
	case JSON:
		return map[string]string{"gzip": ".json.gz", "uncompressed": ".json"}[l.Compression]
	case TextFile:
		return map[string]string{"gzip": ".txt.gz", "uncompressed": ".txt"}[l.Compression]
	}
	return ".parquet"
}
