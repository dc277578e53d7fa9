// Package delivery takes sealed batches from the buffer to the lake: the state
// machine sealed → converted → columns registered → uploaded → partitions
// registered → counted → released.
//
// # What it promises
//
// A batch is released, that is deleted from the log, only when every record of
// it is in a registered Parquet file or in a document under the error prefix,
// durably. What interrupts a delivery (a crash, an outage of the store or the
// catalog, a conflict) leaves the batch in the log, and the next attempt does
// all of it again. That is harmless, because the names of the objects follow
// from the batch id and the partition alone, and where the batch goes and how its
// files are laid out was fixed when it was sealed: the second attempt overwrites
// what the first one wrote, with the same bytes (unless the memory of conversion
// was lowered in between, which decides where row groups end, or the table's
// columns changed).
//
// Attempts go on, with exponential backoff and jitter, for as long as it takes.
// A batch that cannot be delivered holds up no other.
//
// # The steps, and a crash between them
//
//   - Converted: the batch's Parquet files are in the staging folder. A crash
//     here leaves litter there, which Open removes.
//   - Columns registered: the table is in the catalog and has every column of the
//     files with the type that they have. It comes before the upload, because
//     files land in partitions that readers already see: were another writer to
//     register a column with another type in between, they would read ours
//     wrongly. If the catalog knows better, the batch is converted again under
//     its types. A crash here leaves columns without values.
//   - Planned: the keys of all objects are in a file of their own, durable. See
//     plan: an attempt removes what an earlier one put and it does not.
//   - Uploaded: the objects are in the store, durable. A crash here leaves them
//     where the next attempt overwrites them. Sluice's own queries leave them out
//     as long as the batch is in the log. Other engines may see them in
//     partitions that are registered already: once, as the names stay.
//     The raw copy goes up with them, where the batch's rules ask for one.
//   - Partitions registered, and found to be where the objects were put: compaction moves
//     them, here or on another node. What lies where a partition was is put again where it
//     is (see package catalogsync/moves). A crash here does that again. An attempt that
//     took longer than half an hour for this, by the wall clock, begins again: package
//     vacuum of another node may have taken the objects for orphans.
//   - Withdrawn: what an earlier attempt put and this one does not is removed, with the
//     copies that moves of its partition made of it. A crash here does that again.
//   - Held: files that are smaller than the stream wants them are kept on the shelf,
//     durable, in place of those of an earlier attempt: see below.
//   - What others need of the log (the keys of deduplication, the order of batches)
//     made durable elsewhere: Config.BeforeRelease. A crash here does that again.
//   - Counted: the ledger says so, and that the batch is about to be released; a
//     crash here and the batch is delivered again but not counted again.
//   - Released.
//
// # Held rows
//
// What a batch has too little of for a good file waits on this disk for others of the
// partition: see package holdback, which keeps it, and says why a reader sees it once. It
// is counted as delivered when it is in the lake. A join of several such files has the
// name of the batch of the last of them, in the order that checkpoints give batches:
//
//   - Merged from the files, which are checked first. A crash leaves litter in the
//     staging folder.
//   - Noted: members, key and partition. A crash before leaves the files free.
//   - Put. A crash leaves an object that queries of this node do not see, and another
//     attempt finds it there: its content is what the note says.
//   - Partition registered.
//   - Counted, under the join's id, so that a repetition is not counted.
//   - Committed: queries see the object in place of the files. A crash before does all
//     since the note again.
//
// It does not know how records are received or queried.
package delivery
