// Package natsjs takes messages from NATS: from JetStream durable pull consumers,
// exactly once into the log, and from core subscriptions, at most once. It also
// publishes: a Publisher is an appender for HTTP receivers whose records go to a
// replicated JetStream stream before they are acknowledged.
//
// A message holds one JSON object, an array of objects, or objects one after another
// (NDJSON). It is taken as a whole or not at all: one that is no such thing, or is
// too large (a record over ingest.MaxRecord, a message over 8 MiB), goes to the
// stream Config.Rejected, in base64 with the reason, as durable as any record, and
// is acknowledged then.
//
// # Promises, of JetStream consumers
//
//   - A message is acknowledged after the fsync of the log that holds it, and not
//     before.
//   - Every message that JetStream has acknowledged to its publisher is in one log,
//     once, whatever redeliveries, kills of nodes and servers, elections, partitions
//     and changes of owner come in between, on the assumptions below.
//   - Back-pressure: the messages in memory are bounded (by ingest.Memory, and by what
//     is asked of the server at once: 8 MiB a consumer at most, or less so that all
//     take a quarter of it, but room for two of the largest messages).
//     When the log is full, messages are given back with a delay; intake goes on
//     by itself. A message whose stream may not come to be waits in JetStream too.
//   - A consumer that others made is used as it is, unless it could lose messages
//     (no explicit acknowledgement, max_deliver), which is an error.
//
// It does not promise order. A message arrives, as far as day(ingest) goes, when it is
// stored.
//
// # One node: recognising what comes again
//
// The numbers of a block's messages in their JetStream stream, with their times, are
// in the block's frame (lake.AppendSequences), so that records and numbers are on disk
// together or not at all. A ledger (internal/sequences) knows the numbers: of what is
// in the log by reading it at the start, of what was delivered from a file that is
// written before the log lets go of a batch.
//
//   - If we crash before the fsync, JetStream gives the message again; the ledger does
//     not know it; it is stored.
//   - If we crash after the fsync and before JetStream has the acknowledgement, it is
//     given again; the ledger knows it; it is acknowledged and not stored.
//   - If it is given again while its first delivery is still under way in this
//     process, the second is left out (flight).
//
// A number counts with the identity of its stream (name and time of creation) and the
// message's time: a stream that is made anew, or that lost its last messages in a
// power cut and gives their numbers to new ones, has other messages.
//
// # Several nodes: who may store what
//
// Each node has its own log, and only it knows what is there. So each consumer has
// one owner at a time; nodes share the work by owning different consumers. Who owns
// it is a document in a key-value bucket, changed by compare-and-set alone (claimDoc):
//
//	owner, epoch   the node that may store; the epoch counts owners
//	from           every message up to here is acknowledged for good
//	to             the owner may have stored messages up to here, none after it
//	doubts         node, from, to: what earlier owners may have stored
//	stored         what earlier owners say that they have stored
//
// The owner raises to, to the last message that it has received, and waits until
// JetStream has that before it appends any of them: one round trip for many messages,
// most of it while others are being stored. An owner that has not changed the document
// for a lease is replaced: in one step the next becomes owner and what was claimed
// (from, to] becomes a doubt. The new owner stores what is in no doubt, gives back
// with a delay what is in doubt, and acknowledges what is stored. A node that comes
// back and sees itself in a doubt says from its ledger what it has stored, and the
// doubt is gone: the rest is free. An owner that ends in order says so at once.
//
// Why no message is in two logs. Suppose that X stored s, and Y, a later owner, did
// so too. X stored s under a claim that it had written as owner. Y became owner by a
// later revision, after which X cannot write a claim. At that revision, s was either
// in (from, to], hence in the doubt about X, and Y stores nothing that is in doubt;
// the doubt goes only when X tells that it stored s, and then Y does not. Or s was up
// to from, so its acknowledgement had been kept by JetStream, and JetStream gives no
// acknowledged message in answer to a request made after that; what Y stores it asked
// for after it became owner. It does not matter how slow or cut off X is, or what
// any clock says: a wrong lease costs a change of owner and a delay, never a record.
//
// Why none is lost. JetStream gives a message again until it is acknowledged, and it is
// acknowledged only when it is in the log of the node that does so, or of another
// that has told so. A doubt does not end by itself: messages that X may have
// stored wait until X is back with its disk. If it will never be, see Forgetting.
//
// Where a crash may come between:
//
//   - The claim is written, nothing is appended: the messages come again, to the
//     owner if it is back before its lease is over, or are a doubt until it is.
//   - A claim's answer is lost: it is repeated until the document shows it, or
//     shows another owner, and then nothing is appended.
//   - A new owner crashes: what it claimed is another doubt beside the first.
//   - An append fails in a way that leaves open what is on disk: the node tells nothing
//     at its end and stays in doubt until it has opened its log again.
//
// from follows the consumer's acknowledgement floor after half a minute in which it
// did not fall back: acknowledgements that a leader accepted and lost with its office
// within that time are still claimed.
//
// # Assumptions
//
//   - JetStream keeps what it has acknowledged, claims included. A stream or bucket with
//     one replica on one disk is as safe as that disk; nats-server syncs every two
//     minutes unless sync_interval: always is set (the embedded one does by default).
//     Acknowledgements of messages that it forgets are no harm to the same node, whose
//     ledger remembers.
//   - A node's name goes with its data folder: two processes with copies of one folder
//     are one node to this protocol, and must not run.
//   - A subscription is not pointed at another stream between a crash and the next
//     start: what is known is known by stream.
//
// # Forgetting
//
// If a node's disk is gone for good, what it had acknowledged and not delivered is gone
// with it: that is what acknowledging after fsync means. (A publisher's stream can be
// kept in several replicas, a node's log cannot.) Messages that are in doubt because
// of it wait in JetStream. To let the others store them, which doubles what the lost
// node had stored, delivered, and not acknowledged, take its entry out of doubts in
// the key claims.{stream}.{consumer} of the bucket, with any NATS client.
//
// # Publishing
//
// A Publisher cuts a block into messages below max_payload and returns when JetStream
// has acknowledged all. An attempt without an answer is repeated under the same
// Nats-Msg-Id, which JetStream recognises. After an error some messages of the block
// may be there: a client that sends again may store records twice, unless the
// stream has a deduplication key or the request an Idempotency-Key; such records go to
// one partition, and the node that owns it recognises them. A change of owner
// within the window forgets: the keys are on the old owner's disk.
//
// # Core subscriptions
//
// At most once: NATS gives a core message to whoever is there. What comes while no
// process is subscribed is missed by nature; what there is no room for is dropped and
// counted (sluice_nats_messages_total, result dropped).
package natsjs
