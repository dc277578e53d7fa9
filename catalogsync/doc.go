// Package catalogsync keeps the catalog in step with the lake: databases,
// tables, columns and partitions, in AWS Glue or in anything that speaks Glue's
// API. The embedded catalog (package embedded, below this one) is reached
// through the same client, so there is one code path for both. Package crawl makes tables of
// files that are there already.
//
// # What is promised
//
//   - [Catalog.Ensure] only ever adds: a database, a table, columns at the end of
//     the table, fields at the end of a struct. It never drops, retypes, renames
//     or reorders, and what it does not understand of a table (parameters,
//     columns and types that others put there) is written back as it was read.
//   - A concurrent writer's change is never overwritten: every update names the
//     version it was made from, and is made anew from the newest version when
//     the catalog says that this one is old.
//   - Nothing is written when nothing changes, so no table version is made for
//     nothing.
//   - After AddPartitions returned nil, each partition is in the catalog, at the
//     location that was asked for, and its structs have the fields of the table's:
//     PrestoDB, Trino and Athena read a partition's structs as the partition says. A
//     reconciliation that adds fields brings all partitions up to date.
//   - Every call may be repeated after an error or a crash.
//
// # What is not
//
//   - A column that exists with another type stays as it is and is no error:
//     the caller compares what Ensure returns with what it wanted. So do the
//     location, the partition keys and the parameters of a table that exists.
//   - A struct whose type string holds something that Sluice would not write back
//     the same way (varchar(20), say) gets no new fields.
//   - A wanted column that is named like a partition key is left out: Hive knows
//     only one column of a name.
//   - Reads ask the catalog each time. What Ensure and AddPartitions learn they may
//     remember for Config.Cache, in bounded memory: then a delivery to known columns
//     and partitions asks for its table once. A partition that another writer drops is
//     missed for that long; a table that is dropped and made anew is not.
//
// # Partition projection
//
// Where the table that Ensure wants has projection.enabled, the properties of
// Athena's partition projection are written with it and kept current: AddPartitions
// extends ranges and enums before it returns, whoever added the partition, so that
// each that this package registered is computed, and where it is. Partitions are
// registered all the same, for engines that do not project. What projection cannot
// describe (null, an escaped value, a partition elsewhere, a date before 1970 or over a
// year ahead) sets projection.enabled=false, so that nothing is hidden; sluice.projection
// says why, and it stays off until both are removed. Projection that another
// put there is left alone.
//
// # How a table is written
//
// As Hive, Athena, Presto, Trino and Spark read it: an EXTERNAL_TABLE of Parquet
// with classification=parquet, the location ending in a slash, names in lower
// case, partition keys not among the columns. The JSON key that a column was
// first seen under stands in the column's parameter sluice.key, those of the
// fields inside it in sluice.keys, a JSON object from path to key in which the
// path is the names of the fields joined by dots (arrays and maps add nothing).
//
// # Tables of others
//
// They are listed whatever is in them: in [Catalog.Tables] a column whose type
// cannot be read has a type of lake.KindNone. Asking for such a table itself
// ([Catalog.Table], [Catalog.Ensure]) is a [*ColumnTypeError] that names the column.
package catalogsync
