// Package presto makes a statement in Presto's dialect one of DuckDB's that has
// the same meaning, or says why it cannot.
//
// # What it promises
//
// Presto's answer or an error that names what is not supported, never another
// answer. A function is in the table (functions.go) as exact, as rewritten, or as
// refused; one that is in none is refused too, also where DuckDB has a function of
// that name. What Presto refuses for its types alone (a comparison of a text with
// a number, say) and syntax that only DuckDB has may be answered as DuckDB does.
//
// # How
//
// Front rewrites what DuckDB's grammar does not take (array(…) and varchar(n) in
// casts, IGNORE NULLS behind the arguments, FETCH FIRST, TABLESAMPLE by a bare
// number …) on the level of tokens, and knows for each place of the new text the
// place in the old. Rewrite changes the syntax tree: functions and operators
// whose meaning depends on values or types become calls of macros, whose
// definitions are in macros.sql. The executor makes those that the statement
// needs. Comparisons, conjunctions and IN stay what they are, so that conditions
// prune as before.
//
// # Where it stands
//
// PrestoDB's documentation is the authority; where Trino (and so Athena) differs,
// the doc of query says which one was taken. The session's zone is UTC.
package presto
