// Package lake is the vocabulary that Sluice's rooms share: column types as
// Hive and Glue spell them, tables and partitions, batch ids and the names of
// the objects made from them, blocks of records, and the object store.
//
// It knows nothing of the rooms above it: not of HTTP, the log, Parquet, the
// catalog's protocol or SQL.
package lake
