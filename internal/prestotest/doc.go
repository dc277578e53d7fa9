// Package prestotest asks servers that speak Presto's protocol, PrestoDB and Trino,
// and compares what they answer with what the bundled engine does: by value and by
// type. It is for tests.
package prestotest
