package result

import (
	"strings"
	"time"
)

// A Column is a column of an answer.
type Column struct {
	Name string `json:"name"`
	// Type is Presto's name of the type: bigint, varchar, decimal(10,2),
	// timestamp, array(varchar), map(varchar,bigint), row(a bigint,b varchar).
	Type string `json:"type"`
}

// Numeric reports whether values of the column are numbers.
func (c Column) Numeric() bool {
	switch c.Type {
	case "tinyint", "smallint", "integer", "bigint", "real", "double":
		return true
	}
	return strings.HasPrefix(c.Type, "decimal(")
}

// A Form says how a Value's text is to be read.
type Form uint8

const (
	Null    Form = iota // no value; the text is empty
	Literal             // a JSON number, true, false, array or object
	String              // a JSON string once quoted; the text is not
)

// A Value is one cell of a row.
//
// Numbers and booleans are JSON literals with every digit they have. varchar,
// dates (2026-01-31), timestamps (2026-01-31 12:00:00.000, with six digits
// where three do not say it all, and " UTC" after one with time zone),
// varbinary (base64) and the doubles NaN, Infinity and -Infinity are strings.
// Arrays are JSON arrays, rows and maps JSON objects, by the same rules.
type Value struct {
	Text string
	Form Form
}

// Stats says what an answer cost. Rows and Elapsed grow until the last row was
// read, the rest is fixed when the query was planned.
type Stats struct {
	Rows    int64         `json:"rows"`
	Elapsed time.Duration `json:"-"`
	// ElapsedMillis is Elapsed for JSON, in milliseconds with a fraction.
	ElapsedMillis float64 `json:"elapsed_ms"`
	// Files counts the Parquet files, delivered and live, that were planned after
	// pruning; Bytes what they have of the columns and row groups that are needed,
	// their whole sizes where that is not known: of files that lie here.
	Files       int64 `json:"files_scanned"`
	FilesPruned int64 `json:"files_pruned"` // by the statistics in them, beside those of pruned partitions
	Bytes       int64 `json:"bytes_scanned"`
	// FetchedBytes is what was read from a remote store for this query, metadata of
	// files included, with so many Requests; CachedBytes what of Bytes had been
	// fetched before.
	FetchedBytes     int64 `json:"bytes_fetched"`
	CachedBytes      int64 `json:"bytes_cached"`
	Requests         int64 `json:"requests"`
	Listings         int64 `json:"listings"`   // folders of the lake that were listed
	Partitions       int64 `json:"partitions"` // of all tables referenced
	PartitionsPruned int64 `json:"partitions_pruned"`
	LiveRows         int64 `json:"live_rows"`  // not yet delivered
	LiveBytes        int64 `json:"live_bytes"` // of JSON
	// Cost is what Athena would have charged for Bytes, in dollars; absent where no
	// price is set.
	Cost float64 `json:"cost_usd,omitempty"`
}

// SetElapsed says how long the answer took.
func (s *Stats) SetElapsed(d time.Duration) {
	s.Elapsed, s.ElapsedMillis = d, float64(d.Microseconds())/1000
}

// Stop says that the answer is over, or as good as, unless that was said before.
func (s *Stats) Stop(started time.Time) {
	if s.Elapsed == 0 {
		s.SetElapsed(time.Since(started))
	}
}

// Rows is an answer being read.
//
//	for rows.Next() {
//		use(rows.Values())
//	}
//	err := rows.Err()
type Rows interface {
	Columns() []Column
	// Next moves to the next row; false at the end or after an error.
	Next() bool
	// Values is the current row, valid until the next call of Next.
	Values() []Value
	Err() error
	Stats() Stats
	Close() error
}
