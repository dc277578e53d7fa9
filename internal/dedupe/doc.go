// Package dedupe drops records whose key was seen before, at intake: what a
// stream's dedupe setting and a request's Idempotency-Key promise. A Filter stands
// before the log as an appender; what passes through it is stored, once.
//
// # Promises
//
//   - A record is dropped only if one with the same key arrived in the window before
//     it and is on disk. One whose append is still under way is waited for; if that
//     fails, the record is stored in its place. When Append returns nil, every record
//     of the block is on disk: stored now, or before.
//   - A record with a key that is remembered is not stored again, whatever restarts,
//     kills and power cuts came in between. A key is remembered for its window from
//     the arrival of the record that was stored, and up to a second longer; a
//     duplicate does not make it longer.
//   - Exact: keys are compared by 128 bits of SHA-256 (see Key), and the Bloom filters
//     only save reads. Where exactness cannot be kept, it is said: a ceiling
//     (Config.MaxKeys) and a disk that cannot be read or written refuse records; a
//     damaged file is counted, see below.
//   - Memory is bounded by Config.OpenKeys, also at Open, whatever the backlog: about as
//     many keys are on the heap, up to four times as many while the disk is slow, and
//     up to 4,096 a stream in any case. Appends under way hold 50 MB at most beside
//     their records. Key files are mapped: what the kernel keeps of them in memory counts as the process's
//     resident memory, but is the page cache's and is given back when it is needed.
//   - Disk is bounded by MaxKeys: about 23 bytes a key, an eighth of the window longer
//     than the window, and while files are merged once more what is merged.
//
// It does not promise:
//
//   - That a field and a request are known in one another's place: a record that was
//     dropped for its field leaves no trace of its request, so it may be stored if the
//     request is sent again when the field's window is over, and only then.
//   - A window of true time while the wall clock is set: see below.
//   - That records which arrived while a stream had another key, or none, are known
//     by the new one; those still in the log are.
//   - To count every duplicate after a power cut, or where the disk takes no writes:
//     the count is written before a duplicate is answered, so a kill costs none, but
//     made durable only by Sync and Close. It is never too high.
//
// # Time
//
// The time of a record is its arrival by the wall clock, to the second; the window
// is between two such times. A clock that is set while keys are remembered:
//
//   - Set back, by whatever: no key is forgotten. A key that arrived before is
//     remembered for longer, by as much as the clock was set back. Where that is more
//     than a window, State says until when.
//   - Set ahead: a key is forgotten so much earlier. By less than what is left of its
//     window, nothing is; by more, it is forgotten for good, even if the clock is set
//     back later. A glitch of the clock by more than the window costs the keys.
//
// # Keys
//
// A field's key is its type and its text: strings as decoded, numbers and booleans
// as they are written, so 1, 1.0 and "1" are three keys. The first member counts
// where an object has several of the name. A record without the field, or in which
// it is null, an object, an array or the empty string, has no key and is always
// stored.
//
// A request's key for a record is made of the Idempotency-Key, the record's place
// among the good records of the request, and its bytes (see lake.AppendRequest, which
// puts key and place into the log with the record). A key used for two different
// requests by mistake so loses nothing.
//
// # Where keys are
//
// A key of an acknowledged record is, at every moment, in the set in memory, in a key
// file, or in the log of what is not delivered; mostly in several.
//
//   - Append: the keys are claimed, the files are asked, the rest is appended to the
//     log, and when that has returned the keys are put into the set in memory. If we
//     crash before that, the log has them or nobody was told.
//   - When the set is large, and before the log lets go of a batch (Sync, which first
//     waits for appends under way), it is written to a key file. If we crash before
//     the file is durable under its name, the log still has the keys.
//   - Open maps the key files and reads of the log what the state file does not
//     vouch for.
//
// # Files
//
//	{dir}/{stream}/                        durable before the first record with a key
//	{dir}/{stream}/fields-{id}.keys        keys of the configured field
//	{dir}/{stream}/requests-{id}.keys      keys of requests
//	{dir}/{stream}/*.tmp                   a file being written; Open removes it
//	{dir}/{stream}/state.json              counter, and the batches whose keys are all in files
//	{dir}/{stream}/duplicates              counter, as it was when last a duplicate was answered
//	{dir}/{stream}/quarantine/             damaged key files, as they were found
//
// A key file is written aside, fsynced, renamed, and its folder fsynced; it does
// not change any more. Files whose newest keys arrived in the same eighth of the
// window are merged with one another, so there are about 16 at most and each
// goes as a whole when its newest key has expired. A merged file is durable before
// those it was made of are removed: if we crash in between, all say the same.
//
// The file duplicates is written in place: the count, 8 bytes little-endian, and the
// CRC-32C of these. The larger of the two counters holds, and one that is damaged
// does not count.
//
// # Key file
//
// Numbers are little-endian, checksums CRC-32C, arrivals seconds since 1970 UTC. A
// file is a header, b buckets, n entries, and the header again.
//
// Header, 128 bytes:
//
//	offset size
//	     0    8  magic fe 44 45 44 55 50 45 0a ("\xfeDEDUPE\n")
//	     8    2  version, 1
//	    10    2  length of this header, 128
//	    12    1  kind: 1 fields, 2 requests
//	    13    3  0
//	    16   16  id, random; in hexadecimal in the file's name
//	    32    8  n
//	    40    8  b, at least 1
//	    48    4  earliest arrival
//	    52    4  latest arrival
//	    56    4  window in seconds when it was written
//	    60   64  0
//	   124    4  checksum of bytes 0 to 123
//
// Bucket i, 64 bytes at 128 + 64 i, is of the keys k, as numbers of 128 bits, whose
// first 64 bits times b, divided by 2^64, are i:
//
//	offset size
//	     0    4  index of its first entry
//	     4    4  how many it has, 24 or so
//	     8    4  checksum of the id and then its entries
//	    12   48  a filter of 384 bits. A key sets six: bytes 4-5, 6-7, … 14-15 of the
//	             key, each as a number times 384, divided by 65536
//	    60    4  checksum of bytes 0 to 59, begun not with 0 but with the checksum of
//	             the id XOR the low 32 bits of i times 2654435761
//
// Entry j, 20 bytes at 128 + 64 b + 20 j, ascending by key:
//
//	offset size
//	     0   16  key
//	    16    4  arrival
//
// testdata/keys.hex is an example, pinned by a test.
//
// # Damage
//
// Every bucket and its entries are verified each time they are read. A file in which
// something is not as it was written goes to quarantine, and what can be read of it
// to a new file. What was lost is counted (sluice_dedupe_lost_keys_total) and shown
// as the stream's error until the keys would have expired. Intake goes on: a few
// records that may be taken twice, and are told of, are less harm than a stream that
// takes none until somebody comes. A file that the disk does not read at all (an I/O
// error) is another case: nothing says what it holds, so the stream answers 503
// until it can be read.
package dedupe
