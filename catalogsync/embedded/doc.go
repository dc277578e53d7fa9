// Package embedded is a catalog of our own with the API of AWS Glue, kept in one
// SQLite file: for those who have no AWS, and for tests. Sluice reaches it
// through the same client as AWS Glue; Presto, Trino, Spark, boto3 and the rest
// reach it as a Glue endpoint.
//
// # What is promised
//
//   - A write that was answered with success survives kill -9 and power loss:
//     the write-ahead log is synced before the answer. (Delivery deletes a
//     batch's log once its partitions are registered.)
//   - Each request is one transaction: it is done wholly or, beside an error,
//     not at all. BatchCreate-, BatchUpdate- and BatchDeletePartition report per
//     partition what could not be done, and do the rest.
//   - UpdateTable with a VersionId that is not the newest changes nothing and is
//     a ConcurrentModificationException, as in AWS Glue.
//   - A listing by pages shows every entry that was there from the first page to
//     the last, once, whatever was added or deleted meanwhile.
//   - No request body makes it panic; one of more than 16 MiB is refused.
//
// # How it answers
//
// Operations are those in the table in operations.go, in the AWS JSON 1.1
// protocol; any other is an UnknownOperationException. Names of databases and
// tables are folded to lower case, those of columns are kept. Any CatalogId is
// accepted and means this one catalog. What a client may rely on being there is
// filled in where it was not given: see fill in shapes.go. GetTables takes an
// Expression as both Glue's clients and Hive write it: a regular expression in
// which a * that follows no group, class or dot means any characters.
//
// # What is not promised
//
//   - There is no authentication: whoever reaches ServeHTTP may write, unless the
//     caller restricts the request (Restrict). The service checks signatures first.
//   - Functions and column statistics are kept for engines to read back, and not
//     looked into. Statistics stay as they are when the data changes: whoever
//     writes data writes them anew.
//   - No partition indexes (each key has one), tags, policies, Lake Formation,
//     federated databases or open table formats: those are empty to who reads them.
//   - Several processes may open one file; SQLite's locks keep them apart, and a
//     writer waits up to 10 s for another.
//
// # The file
//
// SQLite in WAL mode, application_id 0x534c4347 ("SLCG"), user_version 2; see
// schema.sql. Its two companions, -wal and -shm, stay when it is closed, so that it opens
// on a full disk; a copy of the closed file needs neither. A file of version 1 is brought up to date when it is opened. An input is the JSON that a client gave for a database or table, a
// partition's key its values (see encodeKey): they sort as the values do, so that
// an expression over the first partition key reads only a range; those over others
// are answered from an index of the values, where few enough partitions have them. What the
// partitions of a table have in common, their storage descriptor without the
// location, is stored once.
package embedded
