// Package statistics says which row groups of a Parquet file cannot hold a row that
// satisfies a condition, going by the bounds and counts of nulls in its footer, and by Bloom filters.
//
// # What it promises
//
// A row group is only skipped when no row of it can satisfy the condition. What is
// in doubt is kept. In doubt is all that a writer may have got wrong or that does
// not order as the query's comparison does:
//
//   - min_value and max_value without a column order; the older min and max of all
//     but signed integers, floats and doubles.
//   - Columns whose type in the file is not, exactly, one of those that the table's
//     type orders in the same way: unsigned integers, INT96, bytes that are no text,
//     decimals of another scale or stored as BYTE_ARRAY, and what is in arrays and maps.
//   - Whether a field of a struct is never null: not every writer counts the rows among
//     its nulls whose struct is null itself.
//   - Upper bounds of floating point numbers: NaN, which is greater than all others
//     to the executor, is in no bound.
//   - Bounds that are NaN, of the wrong length, or the wrong way round.
//
// Bounds of strings may be cut: they are taken as bounds, never as values. Numbers,
// dates and timestamps are compared as doubles; what is not a whole number of less
// than 2^53 is widened by the least step, so that rounding keeps a row group rather
// than loses one, and timestamps by a microsecond.
//
// Bloom filters are asked for texts, whole numbers and dates, in columns of files that
// have just that type, where no bound excludes a value; for a number that is written as
// a decimal or a double, for timestamps, decimals and floating point numbers they are not.
//
// Fields of structs are columns as others are. A column, or a field, that the file lacks is
// null in all its rows.
package statistics
