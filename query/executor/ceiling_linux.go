package executor

// DuckDB's memory_limit counts what its buffers hold. The strings and lists that a
// function makes, values that are folded into constants, and the trees of some
// aggregates are outside of it: repeat('x', 1000000000) takes 10 GB under a limit of
// 64 MB, and no interrupt reaches it before it is done. So the memory that DuckDB and
// the C++ library give out is bounded where they give it out: past the ceiling a
// block is refused, and the query that asked for it ends with an error.
//
// The ceiling is the process's, since an allocation does not know its query.

/*
#cgo CFLAGS: -fexceptions
#cgo LDFLAGS: -Wl,--wrap=duckdb_je_malloc -Wl,--wrap=duckdb_je_realloc -Wl,--wrap=duckdb_je_free
#include "ceiling_linux.h"
*/
import "C"

// raiseCeiling lets the process's queries allocate that many bytes more, or less.
func raiseCeiling(bytes int64) { C.sluice_raise_ceiling(C.long(bytes)) }

// Allocated is how many bytes DuckDB and the C++ library hold.
func Allocated() int64 { return int64(C.sluice_allocated()) }
