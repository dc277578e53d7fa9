// Package httpapi is SQL over HTTP: the handler of POST /v1/query, and a client
// that gives its answers as package query does.
//
// # Request
//
//	{"sql": "SELECT …", "format": "json", "database": "shop", "dialect": "presto", "parameters": ["1", "'x'"]}
//
// dialect is presto (the default) or duckdb; parameters are constants of SQL that
// take the place of question marks. All but sql may be absent; without a format the
// Accept header decides (application/json, application/x-ndjson, text/csv), and
// without that it is json. See package output for the formats. The statistics
// of NDJSON and CSV answers are in the HTTP trailer Sluice-Stats, as JSON.
//
// # Errors
//
// {"error":{"code":"…","message":"…"}} with the code of package query and the
// status: 400 syntax_error, invalid_query and requests that cannot be read, 403
// forbidden, 404 table_not_found, 405 other methods, 406 an Accept that cannot
// be met, 413 a body over the limit, 422 resources_exceeded, 429 queue_full (with
// Retry-After), 499 canceled, 503 lake_unavailable (with Retry-After), 504 timeout,
// 507 disk_full (of the service's data folder), 500 internal_error.
//
// An answer is streamed, so an error can come after status 200. Then the
// connection is aborted before the body's end (HTTP/1.1: without the last
// chunk), which every HTTP client reports; a JSON body is cut in the middle,
// after "],\"error\":{…}", where the closing brace is missing on purpose. An
// answer that was read to the end of a body with its trailer is whole.
package httpapi
