// Package checkpoint remembers, under names, how far queries have read what this
// node acknowledged, so that the next run of a name reads on exactly there.
//
// # The order of batches
//
// The journal gives every batch of the node's log a number, in the order in which
// it hears of them, once: when a run is planned, the batches that are sealed then,
// and at the latest right before a batch leaves the log (Note). A checkpoint is one
// such number for each table that it was used with; a run reads, of the tables of
// its statement, the batches numbered after that and up to the latest number when
// it was planned. Boundaries are between batches: whoever plans a run seals the
// open batches that go to its tables first, so everything that was acknowledged
// before is in a numbered batch. The price is a smaller batch, and so smaller
// files, for each run.
//
// Why a run misses nothing and sees nothing twice. A batch is numbered once, and
// runs that succeed have adjoining ranges. Everything numbered up to a run's end
// can be seen by it: plans are made one at a time (Run.Plan), each takes its
// snapshot of the log, then numbers what is sealed in it, then takes the latest
// number for its end. A number up to there was given by this plan, whose snapshot
// has the batch; or by an earlier one, when the batch was in the log, so that it is
// in this snapshot or was delivered before; or right before the batch left the log,
// when its files were registered. Nothing acknowledged before the run is numbered
// later: its batch was sealed, so it is in the snapshot or had left the log.
//
// What is not this node's is never in a range: batches of other nodes that write to
// the same tables (each node has checkpoints of its own; run the query at each),
// and files that somebody else put into a table. Batches of several streams, of
// streams that were renamed or that went to another table meanwhile, are in the
// range of the table that they went to. What was removed from a table since is not
// seen any more.
//
// Names belong to whoever may query the tables that they were used with.
//
// # Runs
//
// A run of a name begins (Begin), is planned, which fixes its range, and is
// committed when its answer was delivered. Whatever comes in between (an error, a
// kill, a client that went away) leaves the checkpoint where it was, and the next
// run begins there again. Runs of one name come one after another: Begin waits. A
// replay has the range of the latest committed run of the tables, and changes
// nothing; its statement may be another one.
//
// An answer that was sent, but whose receiver has yet to say that it has it, waits
// for Confirm with the run's token, for Config.Confirm at most; then it counts as
// not delivered.
//
// If we crash before a commit's rename is durable, the checkpoint is where it was;
// after, it has moved, and who did not hear of it finds the run's number there
// (List) and can replay. When a commit fails on the way, what the disk has is not
// known: the run counts as not committed, and before the next one begins the file
// is written again as it was.
//
// # Statements that write
//
// The run of an INSERT INTO … SELECT, of a CREATE TABLE … AS or an UNLOAD is committed
// with what it writes, both or neither, whether its answer is delivered or not: so what
// was acknowledged is written once. It is given away (Run.Pledge) when the rows are
// computed; the pledge, which is the checkpoint before the run and after it, goes into
// the entry of the statement in package write's journal. From then on the run's end is
// that of the entry:
//
//  1. The entry is brought to its end: the objects are put and registered, or taken away.
//  2. The checkpoint is made to say so (Settle): the state after, or before.
//  3. The entry is struck from the journal, durably.
//  4. The pledge is let go (Release), and the next run of the name begins.
//
// If we crash before 2, the checkpoint is where it was, and who reads the journal next
// tells the book (Hold), so that no run of the name begins, and goes on with 1. If we
// crash between 2 and 3, the same is done again: Settle knows by the run's token that the
// checkpoint is there already, or takes it back, where what was written is undone after
// all. If we crash between 3 and 4, there is no pledge any more. A checkpoint that is
// neither before nor after (its file was changed by hand) is left alone, and what was
// written is undone. A replay has no pledge: it writes its rows once more.
//
// # Files
//
//	{dir}/batches          the journal
//	{dir}/{name}.json      a checkpoint: the number of its latest committed run, its
//	                       token and, for each table, the range of the latest run that
//	                       read it
//	{dir}/*.new            a file that is being written; removed by Open
//	{dir}/batches.damaged  the journal as it was found when lines in it were damaged
//
// The journal is lines of 58 bytes, each a batch:
//
//	offset size
//	     0    1  +
//	     1   12  number, decimal; one more than that of the line before
//	    13    1  space
//	    14    4  how many lines of the same write stand before this one, decimal
//	    18    1  space
//	    19   29  batch id
//	    48    1  space
//	    49    8  CRC-32C of bytes 0 to 48, hexadecimal
//	    57    1  newline
//
// Past Config.Batches lines, and a quarter more, the oldest go. A checkpoint that
// stands before them has expired: its next run is an error. The first run of a name
// begins with the oldest batch that is remembered.
//
// # Recovery
//
// A line at the end that is not whole, and all behind it, was never acknowledged
// unless a later line shows that it had been durable before that was written; it is
// cut. Other lines that are not whole are damage: a run whose range has such a
// number is an error, except that of a name that has none yet. So are the runs of all
// checkpoints when the journal is gone. A checkpoint whose file cannot be read is an error when it
// is used, until it is dropped.
//
// # What compaction must keep
//
// Files of delivered batches are told from one another by the batch id in their
// name, so whoever merges several into one must, first, merge only batches of one
// node that no checkpoint of it separates: for each checkpoint and table, they lie
// on the same side of both ends of its latest range, and of a run's that is under
// way or pledged; second, give the merged file the id of one of them as its name, and take the
// others away at the same time. Then a range that has one of the batches has all,
// and finds their rows under the one name. Book.Together tells which batches those are. A row's place within its file, and the
// order of rows, are nobody's business here.
package checkpoint
