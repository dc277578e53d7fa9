// Package athena sends statements to Amazon Athena and reads the answers as those
// of the bundled engine are read.
//
// # What is promised
//
// The statement goes as it is. When ctx ends before the answer is complete the query
// is stopped at Athena too. A call that
// Athena throttles is repeated with backoff, and a statement is started once: its
// request has a token by which Athena knows a repetition.
//
// # Types
//
// Columns have Athena's type names, with precision and scale. Athena gives each
// value as text. Numbers and booleans are taken over digit by digit, and everything
// else is that text: arrays, maps and rows are as Athena prints them ([1, 2], {a=1}),
// which cannot be read back, and their type names lack what is in them.
//
// # Statistics
//
// Bytes are those that Athena scanned and charges for, and Cost is at the price of
// query.price_per_tb with Athena's minimum of 10 MB (10 * 2^20 bytes, rounded up to whole
// MB), nothing for statements that read no data; see https://aws.amazon.com/athena/pricing.
package athena
