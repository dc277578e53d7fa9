// Package result is what a query answers with, wherever it ran: columns with
// Presto's type names, rows of exact text, statistics. The executor makes it,
// the HTTP handler and the writers of package output read it, and the client of
// a remote service makes it again out of what it receives.
//
// A value is never a float on its way from the executor to the reader: it is
// the text that stands for it, so that a bigint, a decimal and a nested value
// arrive as they were.
package result
