package configs

import "maps"

// The values of OTLP.Attributes.
const (
	AttributesMap    = "map"
	AttributesStruct = "struct"
)

var defaultOTLP = OTLP{Stream: "otel_logs", Attributes: AttributesMap, MaxBody: 16 * MiB}

// columns are the types of the columns that package ingest/otlp makes, but for those
// that are declared otherwise, or are partitions.
func (o OTLP) columns(declared map[string]string, partitions []string) map[string]string {
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
	maps.Copy(types, declared)
	return types
}

func (k *checker) otlp(c Config) {
	if err := CheckStreamName(c.OTLP.Stream); err != nil {
		k.add("otlp.stream", "%v", err)
	}
}
