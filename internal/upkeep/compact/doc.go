// Package compact makes few large files of a partition's many small ones.
//
// # What it does
//
// The small files of a partition are merged by package convert into files of about
// Config.Target bytes, with the table's columns and its stream's layout, and the
// partition is moved to where they are, by the protocol of package catalogsync/moves:
// every reader sees each row once at every moment, whatever is delivered meanwhile and
// whoever else compacts, and a crash leaves what was or what was to be. Files that are
// large enough, or that must not be merged, are copied along byte by byte.
//
// # What is merged with what
//
// A file of a batch keeps the batch's id as its name, since queries tell by it whether
// they have the batch's rows from elsewhere. So only files of batches are merged that
//
//   - this node delivered, and has let go of (Config.InLog): what has been merged is not
//     delivered again under its old name;
//   - no checkpoint separates (Config.Together): the merged files have the names of the
//     newest of them;
//   - are of no join of held rows that is not committed (Config.Joining).
//
// The plans of queries that began before are waited for (Config.Planned) before anybody
// is shown the merged files: a snapshot of the buffer may still have such a batch, and
// only its own name would tell. What INSERT wrote is merged apart from that, when the
// statement has come to its end (Config.Writing): of another node's that is taken for
// granted an hour after it began (Config.WriteRest), since a node that is down for longer in
// the middle of one is rare, and only its disk knows. If it undoes it then, rows stay. Batches of other nodes are left to
// them: each node compacts what it delivered.
//
// # What is left alone
//
// Tables that are no Parquet, that are projected (engines would compute the old place),
// that are held since their rows are being brought into another (see package repartition), or
// that share their folder with another; partitions outside their table's folder, in
// which files lie in folders, or that have files of other writers: those may put more
// where the partition was, unless who asks says that they are at rest (Options.Foreign);
// those that retention dropped and a late delivery made anew, as long as files lie there
// that are to be deleted (Config.Dropped): they would come back.
// Each is told of with its reason.
//
// # Bounds
//
// One partition at a time, with the memory of one conversion, and of sources that are not
// local files, on disk, as many as make four files. Config.Pace bounds how many bytes of
// Parquet are read a second, and waits four fifths of the time while there is something
// more urgent.
package compact
