// Package repartition brings the rows of a table into another one with other partition
// keys, each once, whatever interrupts it and whatever is delivered meanwhile.
//
// # Why another table
//
// Hive and Glue know a table's partition keys as the table's, and each partition by as
// many values. There is no step in which a table could change its keys and all of its
// partitions, and between two steps every reader would see a table whose partitions have
// the wrong values. Within one table compaction moves partitions (see package compact);
// for other keys there is a new table beside the old one, and who reads is told when.
//
// # How
//
// The files of the old table are read and their rows added to the new one, some files a
// statement: INSERT INTO new SELECT … FROM lake.old WHERE "$path" IN (…). A statement is
// whole or not at all (see package query/write). A ledger says which files' rows are in
// the new table, so a run goes on where the last one ended, and takes up what was
// delivered to the old table since. Nothing of the old table is changed or deleted.
//
//  1. The new table is made, or given the old one's columns, and marked with the ledger's
//     id: one that was dropped and made anew is not taken for the one that has the rows,
//     and no other node brings them there a second time. Then the old table is held
//     (moves.Hold), on all nodes: its files stay what they are, so that they can be told
//     apart by their names. If we crash here the next run goes on.
//  2. The files of the old table are listed, by a query: none that belong to a batch or a
//     statement that is under way. Of those in the ledger nothing more is done.
//  3. The ledger says which files the next statement has, and its id. If we crash here or
//     later, the next run asks what became of that statement (Engine.Done), once what was
//     interrupted has been brought to its end: if it is done, so are its files; else they
//     are begun anew.
//     A file whose rows go to more partitions than one statement may write to is brought over
//     by values of the new table's first key, some a statement.
//  4. The statement is run. Then the ledger says that its files are done.
//
// Forget gives the old table free, and forgets the ledger.
//
// # What rows become
//
// Columns keep their names, types and values, _rescued too. Partition keys of the old
// table that the new one does not have become columns of it. Keys of the new table are
// made of columns by the stream's rules, as [partitioner] would of the records: from
// strings, whole numbers and booleans; years, months, days and hours from timestamps,
// dates and whole numbers, which count from the epoch. What these rules cannot say by
// SQL in just that way is refused (points in time in strings, prefixes of Firehose, text of decimals).
// A value that is in _rescued is not in its column, so it counts as NULL here. A key of the
// arrival time is the old table's key of that name, if its values look like it.
//
// # Bounds
//
// A statement reads about Config.Bytes of files, with the memory that statements have.
// After each, what Config.Pace says is waited: for the rate of bytes, and while there is
// something more urgent.
//
// # The ledger
//
//	{dir}/{old}--{new}.json  {"id", "from", "into", "done": {"{uri}": rows}, "write", "begun": {"{uri}": rows}}
//
// It is replaced as a whole. If it is lost, the hold on the old table tells: the next
// run refuses, since it cannot know what the new table has.
package repartition
