package main

// What more than one engine does.
const (
	decimals = "The bundled engine computes decimals in the precision of the wider operand: the type is narrower, and past 18 digits it says that it overflows."
	averages = "The bundled engine's avg of a decimal has more digits before the point; the value is the same."
	quote    = "The engine sends the catalog a quote within a text as it is, so that nobody can read the condition."
)

// expected are the differences that have a reason, by engine and what was done.
var expected = map[string]map[string]string{
	"presto": {
		"timestamp, microseconds":        "PrestoDB's timestamps have milliseconds, and it rounds.",
		"sums and averages of decimals":  averages,
		"arithmetic of decimals":         decimals,
		"a partition value with a quote": quote,
		"ANALYZE, SHOW STATS":            "PrestoDB keeps no statistics of columns in Glue.",
	},
	"trino": {
		"sums and averages of decimals":  averages,
		"arithmetic of decimals":         decimals,
		"a partition value with a quote": quote,
	},
}
