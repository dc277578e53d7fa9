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
//   - Partitions registered.
//   - What others need of the log (the keys of deduplication, the order of batches)
//     made durable elsewhere: Config.BeforeRelease. A crash here does that again.
//   - Counted: the ledger says so, and that the batch is about to be released; a
//     crash here and the batch is delivered again but not counted again.
//   - Released.
//
// It does not know how records are received or queried.
package delivery
