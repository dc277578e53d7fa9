// Package retention takes partitions that are past their time out of the catalog, and
// later their objects out of the lake.
//
// # What goes
//
// A rule of a table says which of its partition keys are the date, from the largest
// unit to the smallest, and after what time. A partition is past its time when its span
// (an hour, a day, a month or a year of UTC) ended that long ago by the store's clock.
// Values that say a date are 2026, 2026-01, 2026-01-31, 20260131, 2026-01-31-05 and
// 2026-01-31T05; below a year stand months, below a month days, below a day hours, of
// one or two digits, or again as a whole (month=01/day=2026-01-31).
//
// Nothing else is touched, and each such partition is told of (Report.Passed): one
// whose values are null or read in no way as a date; one that does not lie within its
// table's folder in the lake, or lies where another partition or another table does,
// above it or in it, whoever registered it; one that compaction is moving. Tables stay, also with their last partition
// gone; tables without partitions, views, and tables elsewhere are an error. What is
// not registered is never looked for.
//
// # How
//
// A partition to which an object came within the last hour (Config.Quiet) waits for
// another round. The others go in groups:
//
//  1. An entry of the journal says what is about to be dropped. If we crash here or
//     later before step 4, the next round goes on with step 3.
//  2. They leave the catalog. The range of partition projection that Sluice keeps was
//     raised before: see catalogsync.
//  3. What is still registered leaves the entry: the next round finds it again. The
//     folders of the others are listed. A delivery that looked into the catalog before
//     step 2 and put its object meanwhile is seen here, since objects are put before
//     their partition is asked for: such a partition is registered again, whole, and
//     leaves the entry too. A delivery that looks later finds the partition missing and
//     makes it.
//  4. The entry says that the rest is dropped. Queries of this node do not see its
//     objects from now on.
//  5. After the grace period the objects are deleted, each in the version that is
//     listed then, and then the entry. A crash in between repeats it. Where another
//     table or partition has come to lie there, they stay until it is gone.
//
// The objects are those that were modified before the hour of quiet before step 1, by
// the store's clock. So what is put again or anew later, under whatever name, is not
// among them, nor is a multipart upload, whose object has the time of its beginning.
//
// # A late delivery
//
// Rows for a partition that was dropped make it anew, with only them as far as this
// node's queries see: they pass over the objects that wait for their deletion (Hides).
// Other engines may see the old rows again as long as they are there. The partition is
// past its time, so the next round drops it again, with a line in the log and in the
// metrics. Where another node, relying on what it remembers of the catalog, put an
// object and registered nothing, it is found after the grace period, told of, and
// dropped the same way.
//
// Rows in the buffer are seen until they are delivered. Views and checkpoints keep
// nothing: what was dropped is not seen through them.
//
// # The journal
//
//	{dir}/{id}.json  {"state", "table", "parts": [{"Values", "Location"}], "before", "due"}
//
// state is dropping or dropped; before bounds the objects that are deleted, due
// from when on, both RFC 3339 by the store's clock. A file that cannot be read stays
// where it is, is logged, and nothing of it is deleted.
package retention
