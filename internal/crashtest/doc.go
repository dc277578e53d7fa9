// Crashtest breaks a running Sluice in every way that a program may, and then
// counts what is left.
//
//	go run ./internal/crashtest -duration 2m -kills 200 -seed 1 -v
//
// It builds the real command and runs "sluice serve" with batches so small that
// sealing and delivery happen all the time. Several clients post records in every
// form the API takes, and note what was acknowledged. A record is sent once, but
// where a stream has a deduplication key or a request an Idempotency-Key, again
// and again. Others query and flush. Meanwhile the server is killed (SIGKILL; at
// random, right after a step of a delivery that it logs, while it starts, twice in
// short succession, while it stops) and stopped (SIGTERM); and independently of
// that the object store, the catalog and the disk fail, in phases, and the wall
// clock jumps, ahead and back, by minutes, hours and days, while it runs and over
// its restarts.
//
// # What must hold
//
//   - After everything healed, each acknowledged record is in its table once, or,
//     if its stream refuses it for its content, in a document under the error
//     prefix once. One whose request got no certain answer is there at most once.
//     One that was refused is nowhere. That is compared by SQL through the
//     server, before and after the last delivery, and by reading the Parquet
//     files (and the raw copy, where it is kept) with another reader. Content and
//     partition are compared too.
//   - A query that begins after an acknowledgement sees the record, once; count(*)
//     is never less than what was acknowledged nor more than what was sent, and
//     always count(distinct id), while batches move; what live and lake hold adds
//     up within one statement. A flush that succeeded has delivered.
//   - The rejected records of a request are those that are malformed, by position.
//   - delivered is what is in the table, failed what is under the error prefix,
//     across kills; accepted = delivered + failed + deduplicated + buffered, and is
//     what was acknowledged, duplicates included, and of what got no certain answer
//     some.
//   - The server never ends by itself, always comes up again (on a full disk too),
//     ends in time on SIGTERM, and answers every call while nobody disturbs it.
//     It logs no panic and no data race (-race builds it with the detector), puts
//     nothing into quarantine, gives up no stream's log, on a full disk neither,
//     and keeps its log below the ceiling.
//
// A round is one data folder's life, in one mode; a run has as many rounds as its
// kills need, so that tables stay small and each round is counted afresh. A run
// that found something keeps the round's data and log, and says where.
//
// # Modes
//
//	file  lake in the data folder, embedded catalog; on Linux as root the data
//	      folder is a small tmpfs of its own, and fills up now and then
//	s3    lake in versitygw behind a proxy that fails
//	glue  as s3, and the catalog is a server of its own behind another such proxy
//
// At each start, each stream holds rows of small files back for some seconds, or none.
//
// A connection that breaks on a busy machine fails a query where the clients try
// once only (AWS_MAX_ATTEMPTS is drawn): such a one is asked again, once, and counted.
//
// A proxy in a phase refuses connections, breaks them, lets them hang, answers
// 500 or that it throttles or (Glue) denies, is slow, carries the request out and drops the answer
// or holds it back, or cuts the answer short; for all requests or for some. Once a
// round there is a siege: an outage of one service or of all that is longer than the
// clients of S3 and Glue wait and try again, in which nobody kills the server. It
// must give up by itself, go on receiving, and deliver by itself afterwards. (The
// clients' time-outs are set to seconds for that: s3.timeout, glue.timeout,
// AWS_MAX_ATTEMPTS.)
//
// # The clock
//
// The command is built with an overlay that adds a file to its package main: where
// Go's runtime asks the kernel for the wall clock it then gets an offset more, which
// it finds in a file of this program's. So all of the process has another clock, the
// libraries too, and what is shipped has nothing of it. As when a
// machine's clock is set, monotonic readings go on undisturbed, and S3 refuses
// requests whose time is wrong. The clock is at most 10 days off and the windows of
// deduplication are 30 days, so that no jump excuses a duplicate; what a jump beyond
// the window does is for package dedupe's tests.
//
// # What it cannot show
//
// The seed repeats the plan, not the timing: a run with the same seed is similar,
// not the same. The kernel lives on, so what was written and not synced survives
// (package buffer's tests cover power cuts), and the times of files are the
// kernel's, which do not jump. DuckDB, which is not Go, has the machine's clock too.
// The clock jumps in whole seconds, and is never slewed.
package main
