// Package partitioner turns an event's fields into partition values and those
// into the relative path of the partition's folder, and a path back into
// values.
//
// # Rules
//
// A rule is "name=expression". The name becomes a partition column; the
// expression is one of
//
//   - a field path: userCountry, context.ip. Keys match exactly, case included.
//     A segment with other characters than letters, digits, _, -, $ and @ is
//     written in double quotes, a quote in it doubled: context."user agent".
//   - year(field), month(field), day(field), hour(field): a part, in UTC, of the
//     point in time that the field holds: 2026, 01, 2026-01-31 and 05. Note that
//     month and hour have two digits and day is the whole date.
//   - year(ingest), month(ingest), day(ingest), hour(ingest): the same of the
//     record's arrival. A field of that name is written "ingest", in quotes.
//
// # Prefixes
//
// A [Spec] may have a custom prefix of Amazon Data Firehose instead: text with
// expressions !{namespace:value}, relative to the table's folder.
//
//   - !{timestamp:pattern}: the record's arrival in the Spec's time zone, by a pattern of
//     Java's DateTimeFormatter. The letters y u M L Q q d D E a H k K h m s S A n X x Z
//     are understood, in English; others are refused. Slashes in it part folders.
//   - !{partitionKeyFromQuery:name}: one of the Spec's Keys, by the record's field.
//     A Spec may have a jq Query instead, whose result is an object of the keys. One of
//     paths, also with strftime of %Y, %m, %H or %Y-%m-%d, is read as those Keys, with the
//     points in time below; any other is a program that the caller runs, see
//     [Rules.Program].
//   - !{firehose:random-string}: 11 letters and digits, another text at each place, that
//     follow from the Evaluator's seed: a repeated delivery has the same.
//
// A folder name=value is the partition column of that name, cleaned as columns' names
// are. Any other folder with an expression is the column partition_0, partition_1 and
// so on, in order, as AWS Glue's crawlers name them. Other folders are constant. A prefix without
// an expression gets !{timestamp:yyyy/MM/dd/HH}/ after it, and one without a slash at
// its end gets that (in AWS it would begin the objects' names). A folder whose record lacks a field in
// it is [lake.NullPartition] as a whole; where the keys are a Query's, the record has no
// partition at all, see [Evaluator.Fault]. A dot or an underscore at a folder's
// beginning is escaped, as it would hide the folder; where it is constant it is refused.
//
// An [ErrorPrefix] is the same for documents of errors, with
// !{firehose:error-output-type} and without keys.
//
// # Points in time
//
// A number, or a string that holds one, counts from the epoch; its magnitude
// gives the unit: below 1e11 seconds (to the year 5138), from there milliseconds
// (since March 1973), from 1e14 microseconds, from 1e17 nanoseconds. A fraction
// or an exponent is taken. Another string must be an RFC 3339 timestamp: full
// date, T (or t, or a space), time with seconds, and Z or an offset; a leap
// second counts to the minute it ends. A full date alone has a day but no hour.
// Times outside the years 1 to 9999 count as unparsable.
//
// # Values
//
// A string's value is its decoded text, a number's its literal text, a boolean's
// true or false. Missing, null, the empty string, arrays, objects and whatever
// a time function cannot read become [lake.NullPartition]. So does a value that
// would make a folder's name longer than [MaxSegment] bytes or the whole path
// longer than [MaxPath]: nothing of the record is lost as long as the field stays in
// the data. A caller who drops a field from the data because a partition column
// stands for it (see [Rules.IdentityOf]) must ask [Evaluator.Lost] and keep the
// field's value elsewhere where it answers yes.
//
// # Paths
//
// A path is name=value/name=value, escaped as Hive's FileUtils.escapePathName
// does. As every folder starts with a name of a–z, 0–9 and _ and a value's
// slashes are escaped, no value reaches outside its folder. Two values that
// differ in case alone have folders that differ in case alone: a store on a
// file system that ignores case is not supported.
package partitioner
