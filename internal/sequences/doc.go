// Package sequences remembers which messages of numbered sources (the consumers of
// JetStream streams) are in the log or were delivered from it, so that a message
// that comes again is recognised. A Ledger stands before the log as an appender.
//
// # Promises
//
//   - Known is true for every message whose Append returned nil, also after kills and
//     power cuts, and for none that is not on disk. It is by number and time: a
//     number that a source gives again, to another message, because it lost its last
//     ones, is of a later time, and not known.
//   - Memory and disk are bounded: numbers without gaps take 32 bytes however many
//     they are. Where there are gaps, ranges that the source has said will not come
//     again (Settle) are forgotten past MaxRanges; when those that may come again
//     are so many, Append answers *CeilingError.
//
// It does not know of messages whose Append failed in a way that leaves open what is
// on disk (*buffer.FailedError); after the next Open it does.
//
// # Where the numbers are
//
// A block carries the numbers of its messages as an attribute (lake.AppendSequences),
// in the same frame, under the same checksum and fsync as the records: both are on
// disk or neither. Before the log lets go of a batch, Sync writes what is known to
// the stream's file.
//
//   - Append: the stream has a file (made durable, empty, before its first message);
//     the block is appended; then its numbers are put into memory. If we crash before
//     that, the log has them or nobody was told.
//   - Sync: no Append is under way while what is known is copied, together with how
//     far each batch of the log went; then the file is replaced. If we crash before
//     it is durable, the old file and the log say the same, for the batch is not
//     released before Sync has returned.
//   - Open reads the file and, of the log, the frames that the file does not cover.
//
// # Files
//
//	{dir}/{stream}.json     what is known, replaced as a whole
//	{dir}/{stream}.json.tmp being written; Open removes it
//
// The file is JSON: {"covered": {batch: end, …}, "sources": {id: [[from, to, first,
// last], …], …}}, id in hexadecimal, times in nanoseconds since 1970. One that cannot
// be read makes Open fail: without it messages could be stored twice, and that
// is for the operator to decide; the error says what to do.
package sequences
