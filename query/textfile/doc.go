// Package textfile makes the SQL by which DuckDB reads a Hive table whose files are
// text: JSON lines, CSV, and delimited fields, as the table's SerDe means them.
//
// Nothing is sniffed. A line is read as text; the columns' names, order and types
// are the catalog's, and each value is made of its text by the SerDe's rules:
//
//   - org.openx.data.jsonserde.JsonSerDe: keys match without case (but for
//     case.insensitive=false), mapping.COLUMN=KEY, dots.in.keys; of a key that comes
//     twice the last counts. A line that is neither an object nor an array is a row of
//     NULLs; a malformed one is an error, or a row of NULLs with
//     ignore.malformed.json. A string column takes any value as its JSON text; whole
//     numbers are cut at the point; a value where an array is due is an array of one.
//   - org.apache.hive.hcatalog.data.JsonSerDe (and Hive's and Trino's other names for
//     it): keys match without case; each line must be an object; numbers must be numbers.
//   - org.apache.hadoop.hive.serde2.OpenCSVSerde: separatorChar, quoteChar,
//     escapeChar. A timestamp is milliseconds since 1970, a date days; empty text is
//     no number.
//   - org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe: field.delim, escape.delim,
//     collection.delim, mapkey.delim, serialization.null.format. What is not of its
//     column's type is NULL.
//
// A value that is not of its column's type is an error that names it, but for
// LazySimpleSerDe, and with use.null.for.invalid.data=true NULL, as in Athena. Columns
// that a statement does not use are not looked at. skip.header.line.count counts
// per file. Files whose names end in .gz or .zst are decompressed.
//
// # Where it is not as Athena
//
//   - A number in a column of text has its shortest form: 1.50 becomes 1.5 and 1e5
//     100000.0, since DuckDB's reader of JSON keeps no spelling.
//   - What the SerDes take of JSON that is none (comments, single quotes, ; for a
//     comma), octal and hexadecimal numbers in texts, a JSON array for a struct, and CSV
//     lines whose quotes are not around whole fields are errors.
//   - Lines of more than MaxLine bytes, and bytes that are not UTF-8, are errors.
package textfile
