// Package trino sends statements to a Trino server and reads the answers as those of
// the bundled engine are read.
//
// # What is promised
//
// The statement goes as it is. When ctx ends, or the rows are closed before their
// end, the query is cancelled at the server too. A password goes over https only,
// and is in no error.
//
// # Types
//
// Columns have Trino's type names. Values are as package result has them, with every
// digit of integers and decimals; times are in UTC. A map is a JSON object whose keys are
// sorted as text, a row one whose fields are in their order. The client library has a
// double as a float64, and prints it with as few digits as bring it back.
//
// # Statistics
//
// Bytes are those that Trino read from the tables (physicalInputBytes, or, where a
// connector does not count them, processedBytes). There is no cost.
package trino
