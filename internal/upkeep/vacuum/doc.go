// Package vacuum finds what crashes and lost nodes left in the lake, and removes it.
//
// # What is found
//
//   - Unfinished uploads: multipart uploads of S3 that were never completed, and staged
//     files of a lake on a file system. They are no objects, and nobody reads them. Of S3's
//     those are meant whose object would have a name that Sluice makes (Ours): a batch's
//     data, its document of errors or its raw copy, or what a statement writes.
//   - Unregistered folders: folders of a table's partitions, by their path, which the
//     catalog does not have there, and that hold Parquet files with a name that Sluice
//     makes. A node that is lost with its disk between the upload and the registration
//     leaves such ones, and so does INSERT; but so do ALTER TABLE … DROP PARTITION,
//     which lets files stay, and somebody who makes a table anew without its partitions.
//     `sluice tables reconcile` registers them. They may be the only copy of a row.
//
// # What is removed
//
// Unfinished uploads that began before the grace period, by the store's clock, and that
// no process of this machine holds. An upload takes minutes; whose does not is tried
// again.
//
// Unregistered folders are told of only, unless Config.Unregistered or the call says
// otherwise. Then of a folder that was found unregistered a grace period ago or longer,
// and still is, those objects go that
//
//   - have a name that Sluice makes for data: {batch}.parquet or {statement}.parquet;
//   - were modified before it was found so, and have not been since;
//   - belong to nothing that this node is at work on (Config.Busy): batches in its log, rows
//     that it holds back, statements, partitions that retention dropped;
//
// and only where the catalog has no other table, and no partition of any, at, in or above
// the folder, but the table itself; where compaction has nothing to delete by its own
// list (Config.Moving); where the table's files are Parquet; and where the folder reads
// as one of its partitions. All else is never removed: tables and registered
// partitions with whatever is in them, unpartitioned tables, hidden folders (_errors,
// _compacted: compaction keeps its own list, see catalogsync/moves), raw copies, results
// of UNLOAD, and every name that Sluice does not make.
//
// # Why nothing goes that is needed
//
// A delivery puts its objects and registers their partitions right after; each attempt
// puts them anew. So what another node, whose log is not known here, still has to
// register, was put since the folder was found, or will be put again before it is
// registered: and what was put since is another version, which is not removed. An
// attempt that took longer than that between the two (a machine that slept) notices and
// begins again: see package delivery. A statement that is interrupted before it registers
// is undone, or, when it is taken up after all its objects were there, looks whether they
// are. Retention on another node drops partitions and lets their objects lie for queries:
// they are found unregistered only then, and stay as long again.
//
// If we crash in between, the next run finds what is left.
//
// # What is remembered
//
//	{dir}/seen.json  {"folders": {"{key}": "2026-01-31T00:00:00Z", …}}
//
// says since when, by the store's clock, folders were found unregistered. It is replaced
// as a whole after each look over all tables. If it is lost, the grace period begins
// anew.
package vacuum
