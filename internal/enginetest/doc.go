// Command enginetest has engines that nobody here wrote read the tables that Sluice
// makes, through Sluice's catalog, and compares their answers with those of the
// bundled engine. "make engines" runs it and writes docs/engines.md.
//
// # What it does
//
// A real "sluice serve" with the embedded catalog and a lake on versitygw, a server
// of S3, takes events over HTTP and delivers them: see tables.go. Every caller has a
// key, so engines sign what they ask the catalog. Then, one engine after the other:
//
//   - PrestoDB and Trino list and describe the tables, read every type, prune
//     partitions (what they ask the catalog is recorded), answer the statements of
//     queries.go, make databases, tables, partitions, columns, statistics and views
//     through the catalog, which the bundled engine then reads, and drop them again.
//   - Spark over S3A and PyArrow datasets read whole tables.
//   - boto3, awswrangler and the AWS CLI call every operation of the catalog, and
//     moto's Glue answers the same random calls: the tests of catalogsync/embedded.
//   - Two nodes with one catalog deliver to one table at the same time: each batch has
//     two new partitions, of which they share one, and in turn a new column or field.
//
// An answer that is not the bundled engine's, in a value or a type, is a failure
// unless differences.go has it with the reason; one that stands there and did not
// differ, or in another way, is a failure too. Exit code 1 says that something failed, or could not run.
//
// # What it needs
//
// Go, a C compiler, Maven, Python 3 with venv, Java 17 for PrestoDB and Java 24 or
// later for Trino (found by $JAVA_HOME, in PATH and in /usr/lib/jvm), 8 GB of disk and
// 4 GB of memory. Everything else is downloaded once, into the folder -cache: from
// Maven Central, PyPI and the Go module proxy. Every server listens on loopback, and
// ends with the program. Engines run one at a time with 2 GB of heap.
package main
