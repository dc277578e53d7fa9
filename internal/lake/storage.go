package lake

import "strings"

// Storage says how the files of a table are read, in Hive's words: names of Java
// classes, which every engine knows by heart. The zero Storage is Parquet.
type Storage struct {
	InputFormat, OutputFormat string
	SerDe                     string            // the serialization library
	Properties                map[string]string // of the SerDe
}

// The names that a table's Storage is made of.
const (
	ParquetInputFormat  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
	ParquetOutputFormat = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
	ParquetSerDe        = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

	TextInputFormat  = "org.apache.hadoop.mapred.TextInputFormat"
	TextOutputFormat = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
	OpenXJSONSerDe   = "org.openx.data.jsonserde.JsonSerDe"
	HiveJSONSerDe    = "org.apache.hive.hcatalog.data.JsonSerDe"
	OpenCSVSerDe     = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
	LazySimpleSerDe  = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
)

// IsParquet reports whether the files are Parquet.
func (s Storage) IsParquet() bool {
	if s.SerDe == "" {
		return s.InputFormat == "" || s.InputFormat == ParquetInputFormat
	}
	return strings.EqualFold(s.SerDe, ParquetSerDe)
}
