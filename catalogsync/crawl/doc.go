// Package crawl finds tables and partitions in files that are there already, and
// registers them.
//
// # What it promises
//
//   - It only adds: tables, columns at the end, fields at the end of structs,
//     partitions. No column is removed, retyped, renamed or moved, no partition taken away,
//     no file touched. What does not fit is a [Conflict] that says which file, which column,
//     which types, and what was done.
//   - The same files give the same tables; a second run changes nothing, and makes no
//     version of a table.
//   - A table is one folder, whatever its files say: one whose columns differ is a
//     conflict and not a table of its own. Folders name=value and dates are partitions
//     and not tables.
//   - What it makes is read by Athena and by Sluice: Parquet, JSON lines (OpenX's SerDe) and
//     CSV, plain, .gz and .zst.
//   - Memory is that of the listing: about 300 bytes a file, [Config.MaxFiles] of them at
//     most. Of a text at most [Config.SampleBytes] are read, of [Config.Sample] files a
//     folder and 1,000 of a table, evenly; of Parquet the footers of all files, or of
//     Config.Footers a folder.
//
// # What is a table
//
// A file's table is the deepest folder above it that is no partition. A folder
// is a partition if it is name=value, or a date: 2026/01/31, 2026/01/31/05,
// 2026-01, 2026-01-31, 2026-01-31/05, 20260131 or milliseconds of a day, as Segment's S3 destination
// has them. Date folders are the keys year, month, day and hour, or as Config.DateKeys
// says, with the folders' names for values. All keys are strings. With Config.Table all
// files are of that one table, and any other folder is a key partition_0, partition_1 and
// so on, as AWS Glue's crawlers name them.
//
// A folder that has a table in the database keeps it, whatever its name is, with its keys
// and format. A new one is named like the folder, or, where that is taken, like the path
// to it. Most files of a folder decide its format and its keys, others are conflicts. A
// folder with files and with tables below it is none: engines read all that is below.
//
// # Columns
//
// Of Parquet: those of the footers; a type that most files have wins, the first of equal
// ones. INT32 in a bigint column and FLOAT in a double one are read by engines and no
// conflict. Of JSON: as ingestion infers them (package convert), but times are strings, which is
// what they are to a SerDe; a key that is no column's name is mapped; what differs between files is a
// string, which OpenX's SerDe reads whatever is there. Arrays of objects in a file, and objects of several
// lines, are no JSON lines: conflicts. Of CSV: by the header, or col0, col1 …; types of a
// file without quotes (LazySimpleSerDe, by which what does not fit is NULL), and strings with
// quotes (OpenCSVSerDe). Numbers with leading zeros are strings. A column that is named like a
// partition key is left out.
package crawl
