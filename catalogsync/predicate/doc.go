// Package predicate reads and evaluates the expressions that clients of a
// Glue-compatible catalog send to select partitions, such as
//
//	((dt = '2026-01-01')) AND ((hr = 1) OR (hr > 3 AND hr <= 5))
//	(dt in ('a', 'b'))        dt <> 'a'        dt like '2026-01-%'
//	hr between 1 and 5        country is not null
//
// # What is promised
//
//   - Grammar: AND, OR, NOT, parentheses; = == <> != < <= > >= with the key on
//     either side; [NOT] IN, [NOT] BETWEEN, [NOT] LIKE with ESCAPE, IS [NOT] NULL.
//     Keys are bare, "quoted" or `quoted`, in any case. Strings are single quoted,
//     a quote within doubled; numbers, true, false and days (2026-01-01, as Spark
//     writes them) are bare; date '…' and timestamp '…' are taken. The empty
//     expression holds for all.
//   - An expression that cannot be read so is read once more with the quotes in strings
//     taken as they are, as in (country in ('Côte d'Ivoire', 'Perú')): PrestoDB and
//     Trino do not double them.
//   - Values compare by the key's type: 9 < 10 where the key is an int, '10' < '9'
//     where it is a string. Strings compare by their bytes.
//   - Logic has three values, as SQL's: a comparison with a null value is neither
//     true nor false, and what is not true is not selected. The null value is
//     Hive's __HIVE_DEFAULT_PARTITION__; compared with that very word it is equal
//     to it. A value that its key's type cannot read is null too, as to Hive.
//   - Parsing takes time and memory in proportion to the expression, and neither
//     parsing nor evaluation panics.
//
// # What is not
//
// Keys are not compared with keys, nor literals with literals; there are no
// functions, no arithmetic and no casts. All that is an error, never a guess.
package predicate
