// Package otlp takes logs by OTLP/HTTP, the OpenTelemetry protocol:
//
//	POST /v1/logs
//
// in protobuf or JSON, plain or compressed with gzip or zstd. The Content-Type says
// which, application/x-protobuf or application/json; where it is another one, a body
// that begins with a brace is JSON. Answers and errors are in the form of the
// request, as OTLP asks: ExportLogsServiceResponse and google.rpc.Status.
//
// # Rows
//
// A log record becomes one row of Config.Stream; what is empty or 0 is left out.
//
//	observed_time          RFC 3339; the time of arrival where the record has none
//	time, time_unix_nano   RFC 3339 to the microsecond, and exactly
//	severity_number, severity_text, event_name, flags, dropped_attributes_count
//	trace_id, span_id      hexadecimal, lower case; ids of zeros are none
//	body                   text; the JSON of a body that is not a string
//	attributes, resource_attributes, scope_attributes
//	scope_name, scope_version, scope_schema_url, resource_schema_url
//
// Attributes are an object. With Config.Mapped every value in it is text (the JSON of
// one that is not a string), for columns of type map<string,string>, which take any
// keys; without, values keep their types, and columns become structs. Bytes are base64,
// and the doubles that JSON does not have are the strings NaN, Infinity and -Infinity.
//
// # Answers
//
//   - 200: on disk. What was rejected (invalid UTF-8, a message that breaks off inside
//     a record, a record over 1,024,000 bytes) is counted in partial_success, with
//     the first reason.
//   - 400, 413, 415: not a request, or too large; nothing is stored. 401, 403: access.
//   - 429, 503: send again, after Retry-After. When that happens in a request of more
//     than 1 MiB of rows, those before may be stored already, and are stored twice:
//     OTLP has nothing to know a record again by.
//
// # Memory
//
// A body is read whole and then read in place; rows are made in blocks of at most
// 1 MiB. There is no tree of values in between, which a few bytes could make large.
package otlp
