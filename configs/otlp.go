package configs

import (
	"maps"

	"sluice/internal/lake"
)

// The values of OTLP.Attributes.
const (
	AttributesMap    = "map"
	AttributesStruct = "struct"
)

var defaultOTLP = OTLP{Stream: "otel_logs", Attributes: AttributesMap, MaxBody: 16 * MiB}

// columns are the types of the columns that package ingest/otlp makes, but for those
// that are declared otherwise, or are partitions.
func (o OTLP) columns(declared map[string]lake.ColumnSpec, partitions []string) map[string]lake.ColumnSpec {
	types := map[string]string{
		"observed_time": "timestamp", "time": "timestamp", "time_unix_nano": "bigint",
		"severity_number": "int", "severity_text": "string", "event_name": "string", "body": "string",
		"flags": "bigint", "dropped_attributes_count": "bigint", "trace_id": "string", "span_id": "string",
		"scope_name": "string", "scope_version": "string", "scope_schema_url": "string", "resource_schema_url": "string",
	}
	if o.Attributes == AttributesMap {
		for _, name := range []string{"attributes", "resource_attributes", "scope_attributes"} {
			types[name] = "map<string,string>"
		}
	}
	for _, name := range partitions {
		delete(types, name)
	}
	columns := make(map[string]lake.ColumnSpec, len(types))
	for name, t := range types {
		columns[name] = lake.ColumnSpec{Type: t}
	}
	maps.Copy(columns, declared)
	return columns
}

func (k *checker) otlp(c Config) {
	if err := CheckStreamName(c.OTLP.Stream); err != nil {
		k.add("otlp.stream", "%v", err)
	}
}
