// Package output writes an answer as a table, CSV, JSON, NDJSON, Arrow IPC stream
// or Parquet file, as it is read, wherever it comes from.
//
// JSON is {"columns":[{"name","type"}],"rows":[[…]],"stats":{…}}, one row a
// line. NDJSON is one object a row, its keys the columns' names; a name that
// comes again gets a number behind it: a, a_2. CSV is RFC 4180: a header, lines
// end in CRLF, NULL is empty and the empty text is "". Values are as package
// result has them: numbers with all their digits, dates and times as text,
// nested values as JSON. A JSON number has every digit of a bigint or decimal: a
// reader that takes all numbers for floats, as JavaScript does, has to be told, or
// the query to cast to varchar.
//
// Arrow and Parquet have real types: integers, decimal, date, time, timestamp (in
// microseconds; with zone UTC where the type is with time zone), binary, list, map
// and struct; what they have no type for (uuid, json, interval) is a string. Every
// column is optional; a name that comes again gets a number. Rows that are no Batches,
// those of other engines, are made such by their types' names; nested values are
// strings then. A Parquet file has row groups of about 16 MiB, which is what writing
// one holds in memory, Zstandard, and data pages V1.
//
// The table is for eyes: NULL is written out, control characters are escaped so
// that no value can command the terminal, and columns are as wide as the first
// thousand rows need.
//
// When the rows end in an error, Write returns it; what was written before ends
// in the middle and is never valid JSON; an Arrow stream has no end and a Parquet
// file no footer. NDJSON and CSV can only be told from a whole answer by that error.
package output
