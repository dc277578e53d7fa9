// Package moves changes where the catalog says that a partition is, while others write
// to it: the protocol between whoever rewrites a partition's files (compaction) and
// whoever adds files to it (deliveries, INSERT), on any number of nodes.
//
// # What it promises
//
// A move makes the files of a partition anew at another location and has the catalog
// point there in one step. For every reader that asks the catalog where the partition
// is, then lists that location, there are at every moment all rows, each once:
//
//   - A file that [Land] has returned for is in the listing of the location that the
//     catalog has then and from then on, as itself or among what was made of it.
//   - A file that was taken away and that [Withdraw] has returned for is in no location that
//     the catalog has then or later, nor is anything that was made of it.
//   - Of two moves of one partition at the same time, from whichever nodes, one is made
//     and the other gives up.
//   - What a reader found at the location before stays for Config.Grace after the
//     catalog pointed elsewhere.
//   - A crash anywhere leaves the partition where it was or where it was to go. Deliveries
//     are held up by none, and the next [Mover.Sweep] tidies up.
//
// # What it stands on
//
// Glue's UpdateTable names the version that it replaces; UpdatePartition replaces
// whatever there is. So what is decided is decided in the table: its parameter
// sluice.moves (see ledger.go for its shape) says which partitions are being moved. Only
// then is the partition's location changed, by whoever gets to it, and until that is
// known to be over, no other move of the partition begins.
//
//	        begin          commit            close
//	none ─────────▶ open ─────────▶ moved ─────────▶ none
//	                 │ cancel
//	                 └─────────▶ none
//
// Whoever moves (Mover.Move):
//
//  1. Begin: the move is put into the ledger, open, if the partition is in no other. If we
//     crash here it stays open: it holds nobody up but other moves, and Sweep cancels it
//     after Config.Lease, or at once if it is this node's.
//  2. The partition must be where it was thought to be; the files there are listed, and
//     made into others at the new location, to which nothing points yet. A crash leaves
//     them there; canceling puts the location among those to be deleted.
//  3. The move's count of landings is read from the ledger, then the location is listed
//     again, and what is new in it is copied over under the same name. If something that
//     went into the new files has changed or is gone, the move is canceled.
//  4. Commit: the move is moved, if it is still open and its count is what it was; else 3
//     again. From here on the new location is the right one. For a table without
//     partitions the commit changes its location too, and that is all.
//  5. The partition's location is changed. A crash before this leaves readers with the old
//     files, which are all there are: who lands finds the move and does this step himself.
//  6. Close: the move leaves the ledger, and the old location goes among those to be
//     deleted.
//
// Whoever lands (Land) has put files where he thinks the partition is, then:
//
//  1. has the partition registered, or is told where it is;
//  2. reads the table. If the ledger's epoch is not what it was when he last read it, he
//     begins again at 1. Of an open move from where his file lies he adds one to the count,
//     provided it is still open. Of a move that is moved he changes the partition's location,
//     if that is not done.
//  3. Where a partition is elsewhere by now, he puts his files there, and begins again.
//
// Whoever takes files away again (Withdraw), such as those of an attempt at a delivery after
// which another one makes others, does the same, taking away where the other puts.
//
// # Why that is right
//
// The epoch is another one after every begin, commit, cancel and close. A lander is
// through when he saw the partition at a location between two looks at the same epoch,
// his file being there, and no move of it was in the ledger, or an open one whose count
// he added to. In the first case each later move begins after his file was put, so that
// its first listing has it. In the second his file was put before he counted, and
// the commit, if there is one, comes after a listing that came after the counting: the
// count in step 4 would be another. If the commit came first, his counting fails and he
// sees it. So every file is at the new location before the partition is.
//
// It is there once: files that went into others keep no copy under their own name, and
// copies have the name of what they are copies of, so that putting a file at the new
// location that was copied there overwrites it with the same.
//
// What is taken away is nowhere for the same reasons: each later move does not find it, and
// one that was counted to finds that it is gone, and is canceled.
//
// A partition's location is changed to where a move goes after that move's commit and before it
// is closed, and by nobody else here. It is closed when the catalog says that the
// partition is there and no request to put it there can be under way any more: of each who
// wrote into the ledger that he would ask, the mover by the commit, it says too that he asked
// once and was answered, or Config.Fence has passed since. Requests are given up after a
// minute and are signed with their time, which AWS holds against its clock (five minutes
// at most, fifteen here): one that comes later is refused, however long it was held up.
// This is the one assumption about time: that clocks are right to within a few minutes, as the
// signatures assume anyway. A lease that is too short costs work, and nothing else.
//
// Whoever changes a partition's columns writes its location along, as he read it. He
// announces that in the table before he reads it (see catalogsync, updates.go), only
// while no move of the partition is between its commit and its close, and no move is
// committed while such an announcement stands.
//
// A table can be held (Hold): no move of it begins then, decided in the same parameter's
// version, so its files stay where and what they are but for new ones.
//
// # What is not promised
//
// Whoever changes a partition's location by other means (ALTER TABLE … SET LOCATION) while
// it is being moved may be overwritten. Writers that do not know of this, such as
// Spark, that put files where a partition was when they began may put them where it is
// not any more: compaction leaves partitions alone that have files of others, unless it is
// told that they are at rest. A table that is dropped and made anew has no moves;
// partitions that had been moved have to be added with their location.
package moves
