// Package buffer is the durable log between receiving and delivery. Appends to
// a stream share fsyncs; runs of them are sealed into batches; a batch stays on
// disk until its delivery is confirmed.
//
// # Promises
//
//   - When Append returns nil, the block is on disk, fsynced, with the name of its
//     file, and stays there until Release of its batch, whatever kills, power cuts
//     or full disks come in between. It is in one batch, once.
//   - A Snapshot holds every block whose Append had returned before it and whose
//     batch was not released, and shows nothing whose fsync has not returned. It
//     stays readable after the release.
//   - A sealed batch does not change: id, counts, order, and the Rules stored with
//     it. Only damage to the disk can take records from it; then it keeps its id.
//   - The first write or fsync that fails ends the stream's log for this process:
//     no fsync is tried twice, nothing uncertain is acknowledged. What was durable
//     stays readable and what was sealed deliverable; Run returns, and the next
//     Open recovers the rest.
//   - Past Config.MaxBytes or MinFree, and on a full disk, Append gives *FullError and
//     has written nothing. Sealing, releasing, recovering and salvaging go on. Where a
//     file cannot be made or opened for another reason it gives *BlockedError, until
//     that works again: Run tries. Neither is the end of the log.
//   - What cannot be read is never deleted: it goes to quarantine, counted and said.
//   - Memory is bounded by the queue (Config.QueueBytes a stream) and, at recovery
//     and reading, by the largest frame. Open files: one a stream that is being
//     appended to, one a batch that is being read, or that is in a Snapshot and released.
//
// It does not promise that a block whose Append failed or never returned is
// absent: it may be kept, whole, once. It gives no order between blocks that
// were appended at the same time. It knows nothing of what a record says.
//
// # Files
//
//	{dir}/                                  locked (flock) while a process has it open
//	{dir}/{stream}/                         comes with the first Append, stays
//	{dir}/{stream}/{batch id}.seg           a segment: one batch, open or sealed
//	{dir}/{stream}/{batch id}.spare         a released segment's file, kept to be written again
//	{dir}/{stream}/{new id}.from-{id}       a salvage under way
//	{dir}/{stream}/quarantine/{id}.seg[.n]  a damaged segment as it was found
//
// Nothing writes to quarantine but recovery and nothing ever deletes from it: that
// is for the operator.
//
// # Segment
//
// Numbers are little-endian. Every checksum is a CRC-32C (Castagnoli). Times are
// milliseconds since 1970 UTC, signed. A segment is a header, then frames of
// records without any gap, then, if the batch is sealed, one seal; behind the last
// frame of an open one may stand preallocated zeros. In a file that held other
// segments before, zeros stand behind it as far as the first multiple of 4,096
// that is at least 64 bytes away, and then there may be bytes of those.
//
// Header, 160 bytes:
//
//	offset size
//	     0    8  magic fe 53 4c 55 49 43 45 0a ("\xfeSLUICE\n")
//	     8    2  version: 2 in a file that held other segments, otherwise 1
//	    10    2  length of this header, 160
//	    12    4  0
//	    16   29  batch id, as in the file's name
//	    45    3  0
//	    48    8  time when the batch was begun
//	    56    8  position of the batch in its stream: greater than that of any
//	             batch there was when it was begun
//	    64    1  length of the stream's name
//	    65    7  0
//	    72   64  the stream's name, then zeros
//	   136    8  version 2: up to which offset bytes of earlier segments may stand
//	   144   12  0
//	   156    4  checksum of bytes 0 to 155
//
// Frame, 48 bytes and its payload:
//
//	offset size
//	     0    4  magic fe 53 4c 46 ("\xfeSLF"); fe is in no UTF-8 text, so in no record
//	     4    1  kind: 1 records, 2 seal; a reader passes over a kind it does not
//	             know from 128 on, and takes one below 128 for damage
//	     5    1  0
//	     6    2  a, the length of the attributes, at most 4096 in what this version
//	             writes: opaque bytes that come back with the records
//	     8    4  n, the length of the payload, at most 16 MiB
//	    12    4  how many records the payload holds
//	    16    8  arrival time of the records; of a seal, when it was made
//	    24    8  how many records of the batch are in frames before this
//	    32    4  lag: how many bytes right before this frame, header included, were
//	             not yet known to be durable when it was written
//	    36    4  checksum of attributes and payload
//	    40    4  0
//	    44    4  checksum of the batch id, this frame's offset in the file (8 bytes),
//	             and bytes 0 to 43
//	    48    a  attributes
//	  48+a    n  payload: the records, each ended by a newline
//
// The header's checksum ties a frame to its place in its batch: a frame of
// another segment, or one that the disk put elsewhere, is not taken for good. In
// a file that is written again this is certain for what earlier batches left in
// their frames' places: the checksum begins with that of the batch id, which is
// never the same for two batches of one file, and then two checksums of the same
// bytes never are.
//
// Payload of a seal:
//
//	offset size
//	     0    8  records in the batch
//	     8    8  bytes of their payloads
//	    16    8  frames of records
//	    24    8  earliest arrival
//	    32    8  latest arrival
//	    40    8  time of sealing
//	    48    1  reason: 1 size, 2 age, 3 request, 4 space, 5 recovery
//	    49    3  0
//	    52    4  r, the length of the rules
//	    56    r  the rules, opaque; r is 0 for none
//
// A seal lies right behind frames that are all durable, with lag 0 and counts
// that agree with them. Frames of kind 128 and up may stand behind it.
// testdata/segment.hex and reused.hex are examples, pinned by tests.
//
// # Writing
//
// Appenders queue. Whoever finds nobody leading leads: he takes what is queued,
// writes all of it with one pwritev, calls fdatasync once, wakes the others, and
// hands the lead to the next in the queue. Space is preallocated in steps of
// 256 KiB to 32 MiB, so that the fdatasync has no new size to journal, with 64 KiB
// to spare for a seal, so that a batch can be sealed and so delivered and released
// on a disk that has nothing left.
//
// A new segment: create, preallocate, fsync the folder, and only then write. If
// we crash before the folder's fsync, the file is there or not; it holds nothing
// that was acknowledged and recovery removes it.
//
// A new segment in a spare: write the header and zeros behind it, fdatasync,
// rename, fsync the folder, and only then write frames. If we crash before the
// rename is durable, it is a spare, or an empty segment with a header of its own;
// recovery removes either. A commit writes the zeros behind it along.
//
// A commit: write, fdatasync, then show and acknowledge. If we crash in between,
// any part of the commit may be on disk, in any order; none of it was
// acknowledged. Recovery keeps the frames up to the first that is not whole.
//
// A seal: nothing is being committed; write the seal, fdatasync, then show the
// batch as sealed, then cut the preallocated rest off. If we crash before the
// fdatasync has returned, the batch is open or sealed; nobody saw it sealed, so
// nothing of it was delivered. If we crash before the cut, recovery cuts.
//
// A release: unlink, fsync the folder. If we crash in between, the batch may be
// there again, sealed as before: it is delivered again under the same id, which
// overwrites the same objects. The file of a batch that was sealed for its size is
// renamed instead, to be the stream's next segment, if this process wrote all
// that is in it, nobody reads it, and Config.Reuse allows. Its content is touched
// only after the folder's fsync, so what a crash brings back is whole. A large file that is
// not kept is renamed too, and then freed in steps: a file system's journal would
// make every commit wait for one large step. Writing over blocks that a file has
// costs the journal nothing, which makes the fdatasync cheaper and steadier. Where
// the disk has no room for the other name, the file is unlinked after all.
//
// # Recovery
//
// Open removes spares, and reads every segment from end to end. Three things can
// be found:
//
//   - It is whole. Sealed or open, it is taken up as it is. The newest open batch of
//     a stream goes on being appended to; its age goes on from its first arrival.
//     An older open one, which only a salvage can leave, is sealed.
//   - Its tail is torn: behind the first frame that is not whole there is no proof
//     that its place had ever been durable. It is cut there, and said. An open
//     segment without a whole frame is removed.
//   - It is damaged: behind the first frame that is not whole stands one which says,
//     by its lag, that the place had been durable when it was written; or the
//     seal; or more bytes than a commit can have; or frames and no header. Then all
//     frames that can be read are copied to a new segment, and the damaged one is
//     moved to quarantine. What is lost is counted from the seal, or from the
//     running counts in the frames.
//
// In a file that held other segments, bytes that are no frame of this batch are
// no proof of anything below the offset that the header names. It is whole if the
// zeros that follow a commit stand behind its last frame, and no frame of this
// batch does; it is damaged or torn by the same signs otherwise.
//
// A salvaged batch that was sealed, or of which that cannot be ruled out because
// unreadable bytes stand where the seal would be, keeps its id: it may be half
// delivered, and what is delivered again must overwrite that. An open one gets a
// new id, for offsets into it that a query remembers are void.
//
// Before anything that was found is shown or appended to, the segment is cut,
// fsynced, and what its last frame does not vouch for is written anew. For the
// process may have been killed before its fsync, or its fsync may have failed: then
// the page cache shows what the disk does not have, and another fsync would not
// write it. And an old tail that was not cut durably could come back behind new
// frames after the next crash.
//
// A salvage: write the copy as {new id}.from-{id}, fdatasync; link the damaged
// segment into quarantine; fsync both folders; unlink the damaged segment, fsync
// the folder; rename the copy to {new id}.seg, fsync the folder. If we crash while
// the damaged segment is still there, the copy is thrown away and all is done
// again. If we crash after it is gone, the copy is complete and durable, and only
// the rename is done again. At no time do both count, or neither.
//
// A segment that cannot be read for another reason (an I/O error, no room for a
// copy) is set aside: left as it is, not shown, named in StreamState.Err, tried
// again by the next Open. A segment of a newer version makes Open fail.
//
// # Assumptions
//
//   - fdatasync and fsync return only when the data are durable, and report each
//     error once or more often to the descriptor that wrote.
//   - Writing a sector does not harm the bytes that it rewrites with the same value,
//     nor any other sector (a commit begins in the sector in which the last ended).
//   - A changed entry of a folder, a rename included, takes effect at once or not
//     at all, and is durable after an fsync of the folder.
//   - The disk may lose or change what was durable; that is found by checksum, with
//     one exception. In the very last commit of an open segment, and in a seal, it
//     looks like a torn tail, and is cut as such: no later frame vouches that it
//     was ever durable. A batch that so lost its seal is open again under its id.
//   - One process has the folder (flock), names are case-sensitive, and nobody else
//     writes in it.
package buffer
