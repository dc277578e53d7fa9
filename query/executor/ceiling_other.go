//go:build !linux

package executor

// Elsewhere DuckDB's own limit is all there is: see ceiling_linux.go.
func raiseCeiling(int64) {}
