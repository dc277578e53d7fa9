// Package ingest holds what the receivers share, one sub-package a wire
// protocol: the appender they all end in, the limits of a record and of a
// stream's name, bodies that are decoded while they are read, the memory that
// all requests together may hold, the form of an error, metrics, health.
//
// It promises:
//   - Nothing is acknowledged before Append has returned, which is after fsync.
//   - The bytes that requests hold in buffers and decompressors stay within the
//     limit given to NewMemory, however many clients there are and however slow
//     or hostile they are; past it a request is answered 503 with Retry-After.
//     (What net/http keeps for a connection, about 20 KB, is not in that count.)
//   - A body ends at the limit given to OpenBody, counted after decompression.
//   - No metric has a label that a client can choose, but for the names of
//     streams that took records.
//
// It does not promise exactly once by itself: a client that got no answer, or one
// that says how far it came, and sends again may store a record twice, unless the
// appender knows records again, by a key in them or by the request that the
// attributes of a block name (see package internal/dedupe).
package ingest
