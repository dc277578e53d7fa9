// Package live makes the records that are still in the buffer readable as
// Parquet files: converted once, reused by later queries.
//
// # Chunks
//
// Each batch of the buffer is covered by chunks, each the conversion of a run
// of its frames. A query over a batch that has grown converts only what is new,
// together with those chunks before it that are not more than twice as large,
// so that a batch of n bytes has O(log n) chunks and each byte is converted
// O(log n) times. Two queries never convert the same run: not of a batch that one
// of them sees and the other does not, and not when the batch is sealed, is
// delivered or leaves the buffer between them (see Moment). One conversion is under
// way at a time, with the memory that there is for them.
//
// # Columns
//
// A batch is converted as its delivery would convert it: on top of the
// catalog's columns and those that the batches before it brought. What chunks
// of one batch infer is carried to the next chunk. When values of a later chunk
// do not fit what an earlier one inferred, the whole batch is converted again in
// one piece, so that the types are those of the whole batch, as they will be in
// the lake; this happens again only once the batch has doubled. When the catalog
// comes to disagree with what was inferred, the chunks are dropped.
//
// # What it promises
//
// A View holds every record of the batches it was acquired for, up to their
// ends, once; it may hold records that were appended later to the open one.
// Records that strict streams would send to the error prefix are not in it. The
// files of a View stay until it is released. Files of batches that left the
// buffer are deleted when no View holds them. Past MaxBytes the batches that
// were not used for the longest time are dropped, but what one query needs is
// made whatever its size.
//
// Nothing survives Open: the folder is wiped.
package live
