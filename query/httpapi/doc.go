// Package httpapi is SQL over HTTP: the handlers of POST /v1/query and of the list
// of running queries, and a client that gives answers as package query does.
//
// # Request
//
//	{"sql": "SELECT …", "format": "json", "database": "shop", "dialect": "presto", "parameters": ["1", "'x'"],
//	 "limits": {"timeout": "30s", "memory": "256MiB", "max_scanned": "10GB", "max_rows": 1000, "max_result": "1MiB"}}
//
// dialect is presto (the default) or duckdb; parameters are constants of SQL that
// take the place of question marks. All but sql may be absent; without a format the
// Accept header decides (application/json, application/x-ndjson, text/csv,
// application/vnd.apache.arrow.stream, application/vnd.apache.parquet), and
// without that it is json. See package output for the formats. The statistics
// of all but JSON answers are in the HTTP trailer Sluice-Stats, as JSON. limits
// are those of the configuration (query.timeout and so on), where they are lower;
// sizes are numbers of bytes or texts. The header Sluice-Query-Id of an answer is
// the query's in the list.
//
// A query ends when its client closes the connection.
//
// # Running queries
//
//	GET /v1/queries
//	{"queries":[{"id":"…","who":"analysts","state":"running","since":"2026-01-31T12:00:00Z","elapsed_ms":140,"sql":"SELECT …"}]}
//
// lists the queries that run or wait, the oldest first: the caller's own (by the
// name of their key), or all of them to an admin. DELETE /v1/queries/{id} cancels
// one of these: 204, or 404 query_not_found. It then fails with canceled.
//
// # Checkpoints
//
//	{"sql": "SELECT …", "checkpoint": "hourly", "replay": false, "confirm": false}
//
// reads what was acknowledged since the latest committed run of the checkpoint (see
// packages query and checkpoint); with replay, what that run read. The header
// Sluice-Checkpoint-Run, before the rows, is the number of the run. When is it
// committed?
//
//   - Without confirm: after the last byte of the answer was handed to the
//     connection, and before the connection says that the answer is over. Who reads
//     the body to its end, without an error, knows that the run is committed. To
//     who does not, because the client, the service or the network broke off, it may
//     or may not be: SHOW CHECKPOINTS says whether the run of that number was
//     committed; if it was, replay gives the same range again, if not, the next
//     run does. A JSON document alone can look whole before: it is the end of the body
//     that counts.
//   - With confirm: when the client has said that it has the answer, with
//     {"sql": "COMMIT CHECKPOINT hourly <token>"}, where the token is that of the
//     header Sluice-Checkpoint-Token. Until then the name is in use, for
//     query.checkpoints.confirm at most; then the run counts as not delivered, and the
//     next one repeats it; ABANDON in place of COMMIT says at once that it was not.
//     This is what Client does, for sluice query.
//
// So a client that dies in the middle sees nothing lost: each record comes at least
// once, and a client that keeps the numbers of the runs whose answers it has made
// its own can tell a repetition. COMMIT CHECKPOINT may be repeated where its answer was
// lost.
//
// A statement that writes (INSERT INTO … SELECT, CREATE TABLE … AS, UNLOAD) has its run
// committed with what it wrote, before it is answered: both or neither, over any crash,
// and whether the answer arrives or not. COMMIT CHECKPOINT says yes to that too, and
// ABANDON changes nothing. While such a statement is at work, or was interrupted and its
// lake does not answer, the checkpoint is checkpoint_busy.
//
// # Errors
//
// {"error":{"code":"…","message":"…"}} with the code of package query and the
// status: 400 syntax_error, invalid_query and requests that cannot be read, 403
// forbidden, 404 table_not_found, 405 other methods, 406 an Accept that cannot
// be met, 413 a body over the limit, 422 resources_exceeded (memory, temporary space) and
// limit_exceeded (bytes to scan, rows, bytes of the answer), 429 queue_full (with
// Retry-After), 499 canceled, 409 checkpoint_busy, 404
// checkpoint_not_found, 410 checkpoint_expired, 503 lake_unavailable (with Retry-After), 504 timeout,
// 507 disk_full (of the service's data folder), 500 internal_error.
//
// An answer is streamed, so an error can come after status 200. Then the
// connection is aborted before the body's end (HTTP/1.1: without the last
// chunk), which every HTTP client reports; a JSON body is cut in the middle,
// after "],\"error\":{…}", where the closing brace is missing on purpose; NDJSON has a last line
// {"error":{…}}; an Arrow stream lacks its end, a Parquet file its footer. An
// answer that was read to the end of a body with its trailer is whole.
package httpapi
