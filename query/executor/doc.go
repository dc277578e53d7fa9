// Package executor runs SQL in embedded DuckDB. It is the only package that
// imports DuckDB.
//
// An Executor parses statements to DuckDB's JSON syntax tree and back, folds
// constants, evaluates conditions over lists of values, and runs queries. Each
// query runs in a DuckDB instance of its own, made for it and closed with it,
// in memory, with a limit on memory, threads and temporary space. Before any
// statement of a user runs there, the instance is told the files it may read,
// external access is switched off, extensions cannot be loaded, and the
// configuration is locked: what is not among those files cannot be read,
// whatever the statement says. Rows are streamed: the executor computes what
// the reader asks for and little more.
//
// DuckDB's limit on memory is of its buffers. What functions, constants and aggregates
// allocate beside them is bounded for all queries together (Config.Ceiling): past it a
// query ends with an error. That holds on Linux, where the allocators can be wrapped
// when the program is linked. One call of a function cannot be interrupted: a query
// whose time is over ends a moment later all the same, and what the call uses is freed
// when it returns (see [Calls]).
//
// It does not promise to refuse anything else: which statements, tables and
// functions a user may name is decided above.
package executor
