package main

// A known difference has a reason. kind is how the answers differ: see differ.
type known struct{ kind, reason string }

// expected are the differences that are known, by engine and what was done.
var expected = map[string]map[string]known{
	"presto": {
		"timestamp, microseconds": {"other", "PrestoDB's timestamps have milliseconds, and it rounds."},
		"ANALYZE, SHOW STATS":     {"failed", "PrestoDB keeps no statistics of columns in Glue."},
	},
}
