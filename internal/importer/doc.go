// Package importer reads objects of JSON that are in a store already, such as what
// Segment's S3 destination or Sluice's raw copies left there, into a table: through a
// log and a delivery of its own, which are those of the service (packages buffer and
// delivery).
//
// # What it promises
//
//   - Every record of an object is in the table, or in a document under the error
//     prefix that names the object, once, however often the import is interrupted,
//     killed, and run again: see below. Objects that were imported are passed over by
//     every later import into the table, so what came new can be imported again and
//     again.
//   - Sources are never written to, and read as they were listed: an object that is
//     replaced while it is read, or after it was imported, is reported and not mixed.
//   - Memory is that of delivery, and Config.Workers times a few MiB, and about 100
//     bytes an object; disk is Config.MaxBytes of log and what delivery stages.
//
// It does not recognise a record that two objects have, nor one that a stream received
// by itself: a stream's deduplication key is for records that come again within a window
// of hours, and its keys are held by the service that receives them. Two imports into one table from two data folders know nothing of each
// other.
//
// # What is read
//
// The content says what an object is: gzip, zstd or plain; objects one after another,
// a line each or not, arrays of objects, or lines of arrays. What is none of these is a
// bad record up to the end of its line. A record longer than MaxRecord is a bad one
// of which only the beginning is kept: the object has the rest. An object that cannot
// be decompressed to its end is reported, and read on from there by the next import.
//
// The arrival of a record, of which rules can make partitions, is that of its object:
// the day that its folder has in milliseconds (Segment's layout and ours; of our raw
// copies the moment when the batch began), else a date in its path, else its
// modification.
//
// # Files
//
//	{dir}/journal.ndjson   which objects are in, and how far
//	{dir}/buffer/          the log, see package buffer
//	{dir}/staging/         files on their way to the lake, see package delivery
//	{dir}/delivery/        counts and plans, see package delivery
//
// # Journal
//
// Lines of JSON, each ended by a newline. The first says what it is:
//
//	{"sluice_import":1,"table":"default.purchases"}
//
// The others say how many of an object's records are in the log or beyond it, bad ones
// included, and whether these are all; of several for one object the last counts:
//
//	{"object":"s3://bucket/a.gz","etag":"\"9b2c\"","size":12345,"records":200,"done":true}
//
// Of an object that only the log told of after a crash, the line has the id that its blocks
// have (see below), in hexadecimal digits:
//
//	{"id":"5d41402abc4b2a76b9719d911017c592aabbccddeeff0011","records":200}
//
// Lines are only appended, and synced before they count. testdata/journal.ndjson is an
// example, pinned by a test. Recovery cuts a last line without a newline off: it was
// never synced. Any other line that cannot be read is an error, for the operator.
//
// # How once is kept
//
// Each block in the log has an attribute with the hash of its object (location, tag and
// size) and the index of its first record in it. Blocks of one object are appended one
// after another, each when the one before is durable. So an object's position, the
// number of its records that are in, is the greatest that a block in the log or the
// journal says, and an import goes on behind it.
//
//   - A crash before a block is durable: its records are read again.
//   - A crash after it: the log has it, and says so.
//   - Before a batch's log is deleted, all positions, those that the log told of at the
//     start included, are written to the journal and
//     synced (delivery's BeforeRelease); that waits for appends whose position is not
//     noted yet. A crash before that delivers the batch again, under the same names; a
//     crash after it finds the positions in the journal.
//   - done is noted when an object was read to its end and its last block is durable. A
//     crash before that: it is read again, and all of its records passed over.
package importer
