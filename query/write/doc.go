// Package write is SQL that writes: CREATE TABLE … AS, INSERT INTO, UNLOAD, CREATE
// VIEW and DROP VIEW. It reads such statements, decides what columns and files
// come of them, and brings the files into the lake and the catalog. The query in
// them is planned above and computed by the executor, which writes Parquet into a
// staging folder: no name of a statement's is ever a file's of this machine.
//
// # What is visible when
//
// Everything is computed before anything leaves the staging folder: a query that
// fails, or is canceled, while it computes, leaves nothing. Of a partition there
// is one file a statement, put in one step.
//
//   - A new table's files lie in a folder that nothing points to until the table
//     is created, in one step of the catalog's. If the table is partitioned, its
//     partitions are registered right behind that, 100 a step: other engines may see a part of
//     them for that moment.
//   - INSERT into a table without partitions, or into one partition, is one file,
//     and so visible as a whole or not at all, to everybody. Into several: each as a whole;
//     other engines may see one before the other.
//   - Queries of the same process see all of a statement's rows or none, also over
//     many partitions: what they see of statements that write is fixed when they
//     begin (see [Writer.Look]).
//   - UNLOAD puts one object after the other; there is one where partitioned_by is not said.
//
// # A crash
//
// Before the first object is put, the journal (a file for each statement, in a
// folder of the node's) says which will be, and what will be registered. When all
// are, it says so. What a crash left is brought to an end by the next statement
// that writes, or by Sweep: undone where objects were missing, else registered. Until
// then this node's queries do not see it. In the same way an error after the first
// object is put is undone; where that fails too (the store is gone) it is tried again
// later. If a node is lost with its disk, what remains are objects with names that begin
// with "write-" ([lake.WriteOf]) and, where INSERT had been going on, perhaps rows in some partitions.
//
// The journal has a file for each statement, {id}.json: state (upload: undo; register: go
// on; done: of a job with an ID, until Forget), the keys of the objects, the table and
// partitions to register, and the pledge of the checkpoint that the statement reads by: it
// moves with what is written, and with nothing else (see package checkpoint). An entry that
// cannot be read is left where it is, and said; what its statement did to a checkpoint is
// not known then.
//
// # Where
//
// Only below the lake's own root, in a folder that is empty and that is neither in
// nor above a table's, nor one where a table of a database would lie. Two nodes that
// write into one folder at the same moment are not told apart; one node knows.
package write
