// Package fetch keeps what queries need of remote objects as local files, in a
// bounded cache.
//
// # What travels
//
// Of a Parquet object first the metadata, mostly with one request of its end, whose
// length is guessed from those before; then the column chunks that are wanted, of structs
// those of the fields that are, in
// parallel ranged requests, chunks that lie near one another in one. They become one
// small Parquet file for each row group, with metadata rewritten so that only what
// was fetched is there: what was not cannot be read, neither as zeros nor by a later
// query. Where a later query wants more columns of a row group, a new file takes the
// place of the old one, and only what is missing travels; of a struct of which the old one
// has fields, but none that is wanted now, it has none. An object of at most 16 KiB
// comes whole with its metadata. Bloom filters are read before column chunks, where they
// are at most a quarter of the wanted ones of their row group and these were not fetched
// before; they are kept in memory as metadata are. Other objects (Get), and Parquet of which the parts
// cannot be told apart, come whole.
//
// Column chunks are not taken apart, although page indexes say where pages lie and what
// bounds they have: DuckDB reads a chunk from its first page on, and pages of two columns
// end at different rows, so that a file without some of them would have to be decoded and
// written anew, and holes would be read as what they are not. Row groups are what files are
// laid out by: where a stream sorts or clusters its rows, their bounds tell them apart.
//
// # Versions
//
// Everything is keyed by key, ETag and size as the listing gave them, and every
// request is for that ETag. Where an object was replaced or deleted since, the call
// gives an error that names it; nothing is mixed.
//
// # Bounds
//
// A file is written aside and renamed, never changed, and not deleted while a query
// holds it. Past the limit, files that were not used for the longest time go. What
// queries hold is kept whatever its size: the limit is what is kept, not what may be
// used. Metadata are kept in memory, up to a number of bytes. Queries that want the
// same at once fetch it once. Requests under way are limited; each holds a buffer of
// some tens of KiB, for bodies go to disk as they come.
//
// Nothing survives Open: the folder is wiped.
package fetch
