// Package records is the generic HTTP API: JSON in, as one object, an array of
// objects, or newline-delimited objects (NDJSON), plain or compressed with gzip
// or zstd; and the state of the streams.
//
//	POST /v1/streams/{stream}/records
//	POST /v1/streams/{stream}/flush
//	GET  /v1/streams
//	GET  /v1/streams/{stream}
//
// # Framing
//
// The content decides, not the Content-Type. A byte order mark and white space
// before the first value are skipped. A body that begins with '[' is one JSON
// array of records. Any other is lines: each holds a record, or several one
// after the other, and a line that goes wrong is rejected while the next ones
// go on. Lines end in LF or CRLF, the last one needs no end, blank ones do not
// count. Only when the first line stops in the middle of an object is the body
// read as objects regardless of lines (pretty-printed JSON); if even that first
// object turns out malformed, it was a bad line after all and lines it is.
//
// A record is one JSON object in valid UTF-8 of at most 1,024,000 bytes, as it
// was sent, and is stored as it was sent; one that spans lines is stored without
// white space between its tokens, since a stored record has no raw newline.
//
// # Answers
//
//	{"accepted":2,"rejected":[{"index":1,"error":"…"}]}
//
// Records count from 0 in the order of the body; what a malformed line still
// holds counts as one. The list stops after 1,000 (less when memory is short),
// and "rejected_total" then says how many there were.
//
//   - 200: the whole body was read and at least one record is accepted, or it
//     is an empty array.
//   - 400: no record is good, or the body could not be read to its end: it was
//     cut off, its compression is broken, or an array or a sequence of
//     pretty-printed objects has a syntax error, after which nothing can be
//     trusted. The last of "rejected" is where that happened; what was accepted
//     before it stays. 408 and 413 likewise, for a body too slow or too large.
//   - 503, 500: the records could not be stored. "accepted" and "rejected" are
//     those before; "resume_from" is the index to send again from.
//
// Every answer but 200 has an "error" with a code and a message.
//
// Accepted means on disk. A client that gets no answer does not know; if it
// sends again, a record may be stored twice, unless the stream has a
// deduplication key, or the request one of its own:
//
// # Idempotency-Key
//
// A request with the header Idempotency-Key (1 to 255 visible ASCII characters,
// taken as they are; else 400) can be sent again, as a whole, until there is an
// answer: what was stored of it is not stored twice, wherever the first attempt
// broke off, and counts as accepted. The same request means the same key and the
// same good records in the same order; how the body is compressed or cut into
// pieces does not matter. So a key that is used for two different requests by
// mistake loses nothing: the second is stored, but for records that are equal,
// byte by byte, to the one at the same place in the first. Answers to such a request
// have no "resume_from": the rest alone is another request, and needs another key
// or none. When two requests with the same key come at the same time, the later
// waits for the earlier, block by block. How long a key is known is the appender's
// to say (http.idempotency_window).
//
// # Memory
//
// A body is read into one buffer of 4 KiB to 1 MiB that grows as bytes come in,
// and appended in blocks of at most that. Records are validated and appended
// where they were read, without a copy, unless the body must be rearranged.
package records
