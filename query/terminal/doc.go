// Package terminal is the interactive prompt: statements over several lines up
// to a semicolon, a history that is kept in a file, a table for each answer and
// a line on what it cost. Ctrl-C drops the statement being typed, or cancels the
// query that runs; Ctrl-D ends the prompt.
package terminal
