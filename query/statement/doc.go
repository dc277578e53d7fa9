// Package statement reads the syntax tree of a SELECT statement, as DuckDB
// writes it in JSON: which tables it names and where, which of the conditions
// bear on one table's rows alone, and whether it asks for anything that is not
// a table. It puts other relations in the place of tables, and gives back the
// tree.
//
// # The sandbox's first wall
//
// What may stand in FROM is a list: tables, subqueries, joins, VALUES, PIVOT,
// DESCRIBE and SUMMARIZE of a query, and the table functions unnest, range and
// generate_series. Functions that read files, settings, the environment or
// other state of the process are refused by name, anywhere in the statement.
// Every table name is either a common table expression in scope or reported to
// the caller, who replaces it: no name reaches the executor that could stand
// for a file. The second wall is the executor's.
//
// # What a condition promises
//
// A Condition of a Table is a conjunct of WHERE, or of the ON of an inner join,
// that each row which the table contributes to the answer satisfies. It is
// never reported where rows that fail it could still count: on the nullable
// side of an outer join, under a sample, in a positional or ASOF join. Push adds those
// that are said elsewhere and can be known to hold. A subquery in it reads nothing, and
// what a lambda names is its own.
package statement
