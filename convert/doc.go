// Package convert turns blocks of JSON records into Parquet files, one for each
// partition, parsing every record once, straight into typed columns.
//
// # What it promises
//
// Every record of a job ends in exactly one row of exactly one file, or in one of
// the job's documents of failures with the reason, and the object that its block came from
// (lake.AppendSource), or the transform leaves it out and
// it is counted. No value is lost or rounded: one
// that does not fit its column goes, as exact JSON text under its path, into the
// column _rescued. The same job gives the same bytes. Memory is bounded by
// Config.Memory and the number of partitions and columns, not by the input.
//
// # Columns
//
// The catalog's columns (Job.Columns) always win: they are never retyped or
// dropped, and a value that they cannot take is rescued. Next come the declared
// ones. What both lack is inferred from the whole run of records, by the join of
// all values seen, and stands behind them:
//
//	null, {} and [] alone     no column (an {} or [] that no column takes is rescued)
//	true, false               boolean
//	integers                  bigint, if all fit 64 bits
//	numbers                   double, if each is exactly a float64's shortest or shorter decimal form
//	strings                   timestamp, if each is strict RFC 3339; else string
//	objects                   struct; map<string,string> past MaxStructFields distinct keys
//	arrays                    array of the join of their elements
//	anything mixed            string: strings as they are, other values as their JSON text
//
// And so:
//
//   - A column first seen as one type that a later record of the run contradicts has
//     the join's type from the run's first row on; in a later run it has the
//     catalog's type.
//   - Structs, also in arrays, grow at their end, those in maps do not; known fields
//     keep their place.
//   - Names are cleaned by lake.CleanName (A.b-c becomes a_b_c, the empty key _).
//     The first spelling seen keeps the column. Of several keys of a record that
//     clean to one name the first has the column, the others are rescued, as are
//     all but the first value of a key given twice. (A new column's type is the join of
//     all its values, also of those.)
//   - A name of more than lake.MaxColumnName bytes makes no column, nor does what would
//     make a column's type longer than lake.MaxColumnType: Glue takes neither.
//   - A key that is a partition column's name, or _rescued, makes no column: unless
//     the partition is the field itself, its value is rescued.
//   - Past MaxDepth an object or array is kept as JSON text in a string column.
//   - Past MaxColumns a value whose column would be new is rescued. So is one whose key
//     comes first where a run's keys and their names already take some 16 MiB: some
//     50,000 short ones, in all structs together.
//   - A known struct of which a run shows more than MaxStructFields distinct keys gets
//     none of the new ones.
//
// # Values
//
//   - Integers are exact throughout bigint. Larger ones, 1e400 and decimals that no
//     float64 gives back digit for digit make a column string where it is inferred;
//     a known column that cannot hold them rescues them. So does an integer or
//     decimal one with -0, which makes an inferred one double. A whole number such
//     as 1.0 or 1e3 fits a known integer column, up to 2^53.
//   - In a string column a value that is not a string is kept as its JSON text. A
//     string's escapes are resolved (a NUL is one), a lone surrogate becomes U+FFFD,
//     so all texts are valid UTF-8. Both are marked: see below.
//   - A timestamp is a full date, T, a time with seconds, digits after a point if
//     any, and Z or an offset, all in capitals, within the years 0001 to 9999 (in
//     UTC too), without leap seconds. It is stored in UTC; digits past the microsecond are cut.
//   - A declared timestamp(epoch_seconds), (epoch_millis) or (epoch_micros) takes
//     numbers alone, counted from 1970, within the same years; what is past the
//     microsecond is cut towards the earlier one. A declared string(json) takes every
//     value as its JSON text, strings with their quotes; string(text) is string but
//     for the marks. The catalog has timestamp
//     and string; where it has another type, that wins.
//   - With Strict a value that does not fit a known or declared column makes its
//     record a failure. What is inferred fits by itself.
//
// # What is rescued
//
// _rescued maps a path to exact JSON text. A path names keys joined by dots, array
// elements by their index: items[2].price, ["a.b"].c (see rescue.go). A value there
// is the one that the columns lack. Or it is marked: the column has it, but shows it
// as it would another value (5 and "5" in a string column), and _rescued tells which
// it was; an array or map of strings is marked as a whole. Marks are not counted as
// rescued. Under a path with #2, #3… is a further value of the same key.
//
// A row so says by value what its record said, but for these:
//
//   - a field that is null and one that is absent;
//   - a timestamp's offset, and its digits past the microsecond;
//   - spellings of a number (1.50, 15e-1), unless it is in a string column or rescued;
//   - spellings of a key that clean to one name (userId, userid); the order of an
//     object's keys.
//
// FuzzRoundTrip holds this: it makes the records again from the rows. In a
// partition's value, what reads as a number or a boolean is one, unless it is
// marked.
//
// # Before the columns
//
// A job's Rewrite makes of each record the one that is converted: its transform, a
// jq program (see package jq), then the columns that are filled from another field:
// its first value is moved to the front, under the column's key, and an object that
// holds nothing else is left out; the column's own key then stands for nothing, so a
// value there is rescued. A failure keeps the record as it was received.
//
// Rules with a query of partition keys have them from the record as it is then; the
// record stays as it is, whatever the query. One without a partition (see
// partitioner.Evaluator.Fault), or on which the query fails, is a failure beside the
// transform's; its fields do count where columns are inferred.
//
// # How
//
// Types must be known before the first row group is written, but reading every
// batch twice would cost half the speed. So a run starts from the job's columns,
// or, where there are none, from those of the first SampleBytes. It shreds every
// record under that guess. The first value that the guess cannot hold, though it
// is nobody's declared type, is a surprise: the run is thrown away, the types of
// the whole input are inferred, and it runs once more. The join of types only
// grows, so a run without surprise had the types that the whole input has.
//
// Some hundred records are parsed into columns of their own first (see staged),
// so an invalid one is easily taken back, and its partition is known before any
// other column is touched. What stands between two values of a record is compared
// with what stood there in earlier ones (see follow), so that mostly only values
// are parsed. Then the columns are dealt out: each partition has a builder, with
// for every node of the schema a bitmap of the slots where it is present, and the
// values. Absent values cost nothing until a row group is encoded, when Parquet's
// levels are derived from the bitmaps. Texts go through a dictionary while their
// repeats say that it will pay.
//
// A row group is closed when it is large enough, or when all builders together
// hold half of Config.Memory: then the largest ones, until they hold a quarter; or
// when its partition had no record for long. The records alone decide that. With
// Config.Threads above 1 one goroutine parses, one deals out, and others encode
// row groups, several of them the columns of one; they hold the other half of the
// memory, and the dealing waits while they hold more.
//
// A page is compressed with zstd's matches or without (see entropyCoder), whatever
// does as well on the first page of its column chunk; one of numbers that have no
// dictionary mostly with matches from each to the one before (see strideCoder).
//
// Where the partitions are so many that memory would hold only splinters of their
// row groups, the records are first sorted by partition into a file beside the
// output (see spill): that costs the JSON's size on disk for a while and parsing
// twice, and every partition gets row groups as large as its rows allow.
//
// # Layout
//
// Files are what every engine reads: data pages V1, encodings PLAIN, RLE and
// RLE_DICTIONARY, lists and maps of three levels, a page index. A job's Layout says
// the rest: compression, the size of row groups, and
//
//   - Sort: the rows of each row group (of a merge: of all files) are in that order, NULLs where it says, rows
//     with equal keys as they came; row groups of one converted file overlap. The footer tells
//     it (SortingColumns) up to the first key that is INT96. Texts sort by their
//     UTF-8 bytes, -0 with 0. An encoder works the order out and encodes every
//     column in it; that takes about 32 bytes a row beyond Config.Memory, so a row
//     group also ends when its rows times 32 bytes are its size.
//   - Bloom: split-block filters (XXH64) of a power of two of bytes, up to 32 MiB,
//     sized by the distinct values in the row group; they lie behind the pages of
//     their row group. Of floating point both zeros are in a filter if one is.
//   - Timestamp: micros, millis (floored, also before 1970) or INT96 without
//     statistics and page index. Readers that take INT96 for nanoseconds, such as
//     PyArrow by default, reach from 1677 to 2262 only.
//
// What a Layout names and a job's schema lacks, or has as something else than a
// single value outside lists, is passed over.
//
// # Merging
//
// Merge makes few files of many of one partition, its own or other writers', with the
// table's columns in the table's order. No row is put together and nothing is parsed:
// the definition levels of a source become the bitmaps of builders, its values are
// appended to theirs, and of a dictionary each entry is looked up once. From there on
// it is as above, so merged files have the same layout, and the texts of many small
// dictionaries share one. Of a layout with Sort the rows of all files are in one order,
// equal ones in that of the sources, so that statistics tell row groups and files apart;
// what is more than one row group goes through sorted runs on disk for that (see
// mergesort.go), up to three times the sources. Without Sort rows keep the order of the
// sources. Memory is bounded as in conversion; of the sources one page a column is held,
// of the runs one page and one dictionary each, a leaf at a time.
//
// Every encoding of Parquet's is read (by parquet-go), so are INT96, decimals of all
// physical types, and narrower numbers than the column's. What would not mean the same
// afterwards is refused with a SourceError that says which column: a type that is not
// the table's, nanoseconds, unsigned integers, a column that the table lacks, lists of
// two levels, and whatever is damaged.
//
// It does not know where files go or what a catalog is.
package convert
