// Package output writes an answer as a table, CSV, JSON or NDJSON, row by row as
// it is read, wherever it comes from.
//
// JSON is {"columns":[{"name","type"}],"rows":[[…]],"stats":{…}}, one row a
// line. NDJSON is one object a row, its keys the columns' names; a name that
// comes again gets a number behind it: a, a_2. CSV is RFC 4180: a header, lines
// end in CRLF, NULL is empty and the empty text is "". Values are as package
// result has them: numbers with all their digits, dates and times as text,
// nested values as JSON.
//
// The table is for eyes: NULL is written out, control characters are escaped so
// that no value can command the terminal, and columns are as wide as the first
// thousand rows need.
//
// When the rows end in an error, Write returns it; what was written before ends
// in the middle and is never valid JSON. NDJSON and CSV can only be told from a
// whole answer by that error.
package output
