// Package segment is the tracking API of Segment's SDKs, which RudderStack's speak
// too: calls about users in JSON, one a request or a batch of them.
//
//	POST /v1/{identify,track,page,screen,group,alias}   a call; /v1/{i,t,p,s,g,a} for browsers
//	POST /v1/{batch,import}                             {"batch":[call, …]}; /v1/b for browsers
//	GET  /v1/pixel/{type}?data=                         base64 of a call, answered with a picture
//
// and all of them below /sources/{source}. The content decides, not the
// Content-Type; gzip and zstd are taken. OPTIONS and the answers' headers let
// browsers post from other sites.
//
// # Who writes
//
// A write key is the user of Basic authentication, or writeKey in the body, of the
// batch or of its first call. It belongs to a source (see package
// access). Where there are no keys everybody may write, and the source is the path's
// or Config.Source.
// A write key is never stored.
//
// # What is stored
//
// A call is stored as it came, its text spliced but not rewritten: members that this
// package does not know, numbers and the order of members stay. What changes:
//
//   - sourceId and receivedAt are the server's, whatever the call says.
//   - timestamp is receivedAt − (sentAt − originalTimestamp), so that a client's wrong
//     clock does not matter; where there is no time of sending it is what the client
//     said, and where there is no time of the event, or none that can be read, it is
//     receivedAt. The client's own timestamp is kept as originalTimestamp.
//   - messageId is made where it is missing. A call without one that is sent again is
//     another call.
//   - type is that of the path, in a batch the item's.
//   - sentAt, context and integrations of a batch go to each of its calls; where a
//     call has context or integrations too, they are merged member by member, and the
//     call's own count. Other members of a batch count for nothing.
//
// # Limits and answers
//
// A call has at most Config.MaxEvent bytes, a batch MaxBatch and MaxEvents calls, and
// of context and integrations 32 KiB and 256 members each. A call needs userId or
// anonymousId; track needs event, group groupId, alias previousId and userId.
//
//		{"success":true}
//		{"success":true,"rejected":[{"index":3,"error":"…"}]}
//		{"success":false,"code":"…","message":"…"}
//
//	  - 200: on disk, as far as "rejected" does not name it.
//	  - 400: not JSON, too large, or no call that can be taken; nothing is stored.
//	  - 401: no write key, or one that is not known.
//	  - 429, 503, 500: send again (after Retry-After): nothing may be stored, or a
//	    part. SDKs do so for these, with the same messageIds, and drop what they sent at any other status: so
//	    back-pressure is always one of these. That a part is then not stored twice is
//	    the appender's to see to (package internal/dedupe, by messageId).
//
// # Streams
//
// Config.Tables says which stream a call goes to. With a stream for each event
// (PerEvent) a batch waits for an fsync of every stream that it has calls for, up to
// eight at a time, which costs several times the CPU of one stream. When no more
// streams may come to be (the appender's policy), events with new names go to tracks.
//
// # Memory
//
// A body is read whole, and validated whole before anything of it is stored; what is
// stored is made in blocks of at most 1 MiB.
package segment
