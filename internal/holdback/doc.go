// Package holdback keeps rows that are too few to make a good file until others of
// their partition join them.
//
// # What is held
//
// A delivery gives the shelf the Parquet files of a batch that are smaller than its
// stream wants files to be: pieces, each the rows of one batch and one partition. The
// rest of the batch is delivered, and its log released, as always. A piece waits for
// others of the same stream, table and partition; when they are enough together, or it
// has waited for as long as it may, or space is short, or somebody asks (a flush),
// package delivery makes one object of them: a join.
//
// # What it promises
//
//   - When Put has returned nil, the batch's pieces are on disk, fsynced, in place of
//     those of an earlier attempt, and stay there until a join of them is committed.
//     They are as safe as the log: on this node's disk. A piece whose bytes are not
//     those that were put is never joined or deleted: it is named in Err.
//   - Each piece is in one join, once. A join's members, object and partition are fixed,
//     durably, before the object is put, so a repetition overwrites it.
//   - Who reads sees a row once, while it moves from the log to the shelf to the lake:
//     see Look.
//   - Past Config.MaxBytes or MaxFiles nothing is taken (Room), and what there is is
//     made due: rows are never dropped, only delivered in smaller files.
//
// # A row's way
//
//	log ── Put, then the log's release ──▶ shelf ── Note, object put, Commit ──▶ lake
//
// Put, before the release. If we crash here, the batch is delivered again, and Put
// replaces its pieces; until its log is gone they are not joined (Free), and nobody
// sees them, since the batch's rows are read from the log. If we crash after the
// release, Open finds the pieces without a log: they are free. Where segments of a
// stream were set aside at the start (see package buffer), any of its batches may come
// back: then its pieces wait for a start at which none is.
//
// Note writes the join down, before the object is put. If we crash here or later,
// Open has the join pending, and delivery does it again.
//
// Commit says that the object is there, registered and counted. In one step it turns
// the pieces into what is delivered. If we crash after it, Open drops the pieces; the
// files of pieces go when nobody reads them any more.
//
// # Who reads
//
// A query first begins a Look, then takes its snapshot of the log, then asks the look
// for pieces, then lists files. Pieces of a batch that is in the snapshot are the
// snapshot's to give: it passes over them, as it does over the batch's objects. All
// other pieces that were not committed when the look began are given, also if their
// join is committed meanwhile; and the objects of joins that were not committed then
// are hidden for as long as the look lasts. So each row is seen in one place:
//
//   - its batch is in the snapshot: there alone. Its piece is passed over; a join of it
//     cannot have been committed before the look, since joins take only pieces whose log
//     is gone.
//   - its batch left the log before the snapshot, and its join was not committed at the
//     look: the piece was put before the log was released, so it is given.
//   - its join was committed before the look: the piece is not given, the object is
//     listed.
//
// An object of a join has the name of the batch of one of its members, the latest in
// the order that checkpoints give batches, and only batches are joined that no checkpoint
// separates: see query/checkpoint.
//
// # Files
//
//	{dir}/{batch}.json            the manifest of a batch's pieces
//	{dir}/{batch}-{gen}-{n}.parquet  a piece; gen differs from one Put to the next
//	{dir}/{id}.join               a join: pending or done
//	{dir}/*.new                   a file that is being written; removed by Open
//
// A manifest:
//
//	{"stream": "s", "rules": {…}, "columns": [[name, type, key], …], "pieces": [
//	  {"file": "…", "values": ["2026-01-31"], "partition": "dt=2026-01-31", "rows": 3,
//	   "bytes": 1234, "crc": 305419896, "due": "2026-01-31T00:00:00Z", "wait": 3600000000000,
//	   "enough": 16777216}]}
//
// rules are those that the batch was sealed with; columns those of its files. crc is
// the CRC-32C of the file. due is from when on the piece is joined at the latest, by a
// clock that may be set: after a start a piece waits no longer than wait, in nanoseconds.
//
// A join:
//
//	{"state": "pending" | "done", "stream": "s", "table": {…}, "key": "…",
//	 "partition": {…}, "rows": 7, "members": [{"batch": "…", "file": "…"}, …]}
//
// A file that cannot be read stays where it is; so do the pieces that it may have named.
package holdback
