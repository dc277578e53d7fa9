// Package store is the object store of the lake: a folder tree (file://) or a
// bucket of an S3-compatible service (s3://) behind one interface.
//
// # Promises
//
//   - An object is there whole or not at all, under its key, at every moment. Put
//     replaces an object in one step; a reader that began before keeps the old
//     one or gets an error, never a mixture.
//   - When Put and Delete return nil, what they did survives a power cut.
//   - A body that Get returned yields exactly the bytes that were asked for or an
//     error. A connection that breaks is taken up where it broke, for the same
//     version of the object.
//   - List yields each key once in the order of the keys' bytes (for S3: in the order of
//     the service, which on AWS is the same), and never something half written.
//   - Remove takes an object away only in the version that was listed or looked at (in
//     this process for files; for S3 where the service knows If-Match on DELETE).
//   - An error says whether trying again can help ([Retryable]), and where the
//     cause is one that an operator can remove, how.
//
// # Not promised
//
// Nothing spans several objects. Two concurrent Puts of one key leave one of the
// two. A Put that returned an error may have happened. Nothing watches over who
// else writes to the same place. Empty folders stay behind in a file store.
// Symbolic links below the root are not followed by List.
//
// # Keys and locations
//
// A key is a relative path: segments of valid UTF-8 without control characters
// and backslashes, with single slashes between them, none of them "." or "..",
// 900 bytes at most. A location is the root URI, a slash and the key, byte for byte
// and without any encoding, as Hive, Trino and Spark write locations: the
// percent signs of an escaped partition value stand in the key as they are.
//
// # The file store
//
// Put writes root/.sluice-tmp/{random}, syncs it, renames it to its place and
// syncs the folder. A folder that had to be made is synced into its parent
// first. What crashes leave in .sluice-tmp is removed when the store is opened,
// if it is older than an hour and nobody holds its lock; Unfinished and Discard do
// the same while it is open.
//
// # The S3 store
//
// An object up to 16 MiB is one PUT, a larger one a multipart upload of parts
// read straight from the body: memory does not grow with the object. A failed
// upload is aborted. A killed process cannot do that, and parts on their way when
// a context ends may arrive after it: give the bucket a lifecycle rule that
// aborts incomplete multipart uploads, or have Unfinished and Discard (sluice vacuum) do it. Checksum headers are
// sent only where the service requires them, because other implementations than
// AWS refuse them; bodies are covered by the signature's SHA-256 instead.
package store
