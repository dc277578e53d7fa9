package main

// A known difference has a reason. kind is how the answers differ: see differ.
type known struct{ kind, reason string }

// What more than one engine does.
var (
	decimals = known{"refused", "The bundled engine computes decimals in the precision of the wider operand, and says that it overflows where the result has more than 18 digits; PrestoDB and Trino widen the type."}
	averages = known{"typed", "The bundled engine's avg of a decimal has more digits before the point; the value is the same."}
)

// expected are the differences that are known, by engine and what was done.
var expected = map[string]map[string]known{
	"presto": {
		"timestamp, microseconds":       {"other", "PrestoDB's timestamps have milliseconds, and it rounds."},
		"sums and averages of decimals": averages,
		"arithmetic of decimals":        decimals,
		"ANALYZE, SHOW STATS":           {"failed", "PrestoDB keeps no statistics of columns in Glue."},
	},
	"trino": {
		"sums and averages of decimals": averages,
		"arithmetic of decimals":        decimals,
	},
}
