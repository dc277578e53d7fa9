// Package query answers SQL over tables in the lake and over the records that
// are still in the buffer. DuckDB (package executor) computes; this package
// decides what it reads.
//
// # What it promises
//
//   - A query sees every record that was acknowledged before it began, once:
//     it takes a snapshot of the buffer first, reads the catalog after it, lists
//     files after that, and passes over files of batches that are in the
//     snapshot. Records acknowledged later may or may not be seen, one partition's
//     file of their batch without another's too. Rows that wait for others of their
//     partition are seen once, too: see package holdback.
//   - Partitions that cannot satisfy the statement are pruned before any of
//     their files is listed or opened, and never wrongly: DuckDB itself evaluates
//     the conditions over the catalog's partition values, but for comparisons of
//     strings, which the catalog is given to select by. Only conjuncts of WHERE
//     and of joins, and those of HAVING about groups, prune, those around a subquery, a view
//     or a common table expression too (see statement.Push), and only those that are made
//     of partition columns, constants, subqueries that read nothing, and functions that always give the same answer.
//   - now(), current_date and their like are one instant, that of the query's start,
//     wherever they stand, and prune as constants do.
//   - The table's columns are the catalog's, and those that live rows bring,
//     whatever the single files have; what a file lacks is NULL, within structs
//     too. Partition values are the catalog's, not guessed from paths, and
//     strings unless the catalog gives the key a type; a text that is none of
//     that type, and Hive's word for null, are NULL. Timestamps are UTC, without
//     time zone.
//   - No statement reads a file, the network, the environment or a setting:
//     see package statement and package executor for the two walls.
//   - Queries with a checkpoint (Request.Checkpoint) read of their tables what this
//     node acknowledged since the latest committed run of that name, exactly, and a
//     replay what that run read: see package checkpoint.
//   - Statements write where the asker may (Request.MayWrite), and nowhere without:
//     see package write. A query sees all rows that one of them wrote here, or none.
//     Views are queries put in the place of their names, with the asker's rights; one
//     whose query has other columns by now than when it was made is stale, an error.
//   - Of a database that the asker may not see (Request.Visible) nothing shows:
//     not in an answer, a listing, an error or a suggestion.
//   - Memory, temporary space, time and the number of queries at once are bounded. A
//     query ends when its time is over, although a call of a function may go on, which
//     cannot be interrupted; it counts as running ("ending") until that returns.
//
// # Dialect
//
// A statement means what it means in Presto (and so, mostly, in Athena), or is an
// error that names what is not supported: see package presto. The session's zone
// is UTC. Where PrestoDB and Trino differ, PrestoDB is followed: from_unixtime is a
// timestamp without a zone, a double becomes the text 1.0E10. With the dialect
// duckdb a statement is the executor's as it stands.
//
// PREPARE keeps a statement for its asker (Request.Who), as Athena does for a
// workgroup: at most 1,000 of 8 MiB together, in memory, until DEALLOCATE PREPARE or
// the engine's end. EXECUTE runs it with the constants behind USING, or with the
// request's parameters. DESCRIBE INPUT and OUTPUT are not there.
//
// A timestamp with time zone keeps its zone as long as it is a constant of the
// statement (AT TIME ZONE 'Europe/Berlin', a literal, from_unixtime(x, zone)): through
// subqueries, in functions of time, and when it is printed. Zones are those of the
// time zone database with a slash in their names, offsets, and UTC.
//
// Not there, and refused by name: timestamps with a zone other than UTC within arrays,
// maps and rows or with a zone computed for each row, functions of a char(n) beyond
// comparisons, upper and lower, JSON paths with filters and .., Trino's json_value and
// json_query, MATCH_RECOGNIZE, FETCH FIRST WITH TIES, sketches (HyperLogLog, digests),
// DESCRIBE INPUT and OUTPUT, checksum of decimals and nested values, date minus date where
// neither is written as one, casts of rows to JSON. Trino's listagg is there. Not told
// from Presto: a comparison or concatenation of types that Presto refuses to mix is
// answered as DuckDB does; arrays, maps and rows that subqueries behind IN, or lambdas,
// compare, and maps within other values by which a statement groups, are compared as
// DuckDB does, where NULL within is equal to NULL and a map has an order; what is not a number is equal to itself and the highest, as in the latest
// PrestoDB; timestamps keep microseconds; what is computed of decimals has Presto's type
// and overflows where Presto's does, but for what lambdas and elements of arrays, maps and
// rows give, whose precision is DuckDB's; regular expressions are
// RE2's, which has neither lookaround nor back references. approx_percentile is
// exact. See package presto for the comparison with PrestoDB.
//
// Files no row of which can satisfy the conditions are left out too, by the bounds
// of columns and of fields of structs in their footers, LIKE by what its pattern begins with, and by Bloom filters (see packages statistics and fetch); what is in
// doubt is read. Pages are not told apart: a column chunk is fetched whole or not at all. Listings
// of remote folders are kept, see package listing: what this process changes shows at
// once, what others do in time. From a store without local files, the column
// chunks that the statement can read, of structs those of the fields, are fetched (see package fetch), of tables of text
// whole objects; bytes scanned are the needed column chunks. A query whose objects were
// replaced or deleted after they were listed is planned anew, twice at most.
//
// # Tables that others made
//
// Files that are JSON lines, CSV or delimited text are read as their table's SerDe
// means them, whole and without statistics: see package textfile, which says where that
// is not as Athena does. A partition is read as its table is stored. Tables of other
// formats (ORC, Avro) are an error that names the SerDe. Hive's statements that define
// tables are package ddl's; what they name must lie in the lake, and for a caller that
// sees some databases only, in the folders of those it may write. "table$partitions" has the
// values of a table's partitions, delivered and live.
//
// # Names
//
// table is a table of the request's database; database.table is everything of
// it; lake.database.table only what is delivered, live.database.table only what
// is still buffered; awsdatacatalog.database.table is database.table. Case does
// not matter.
package query
