package lake

import (
	"strings"
	"time"
)

// A WriteID names what one SQL statement wrote: "write-" and an id as batches have
// it, as in write-20260131T235959Z-0123456789ab. The names of its files begin with
// it, so that they are told from delivered ones, and what a crash left is found.
type WriteID string

const writePrefix = "write-"

// NewWriteID makes the id of a statement begun at t.
func NewWriteID(t time.Time) WriteID { return WriteID(writePrefix + string(NewBatchID(t))) }

// ParseWriteID checks that s is the id of a statement.
func ParseWriteID(s string) (WriteID, bool) {
	id, ok := strings.CutPrefix(s, writePrefix)
	return WriteID(s), ok && batchID.MatchString(id)
}

// Begun is when the statement was begun, to the second, by the clock of its node; the zero
// time for what is no id.
func (id WriteID) Begun() time.Time {
	text, _, _ := strings.Cut(strings.TrimPrefix(string(id), writePrefix), "-")
	t, _ := time.Parse(batchTime, text)
	return t
}

// WriteOf is the statement that wrote the file of that name; ok is false for a
// file that none did.
func WriteOf(name string) (id WriteID, ok bool) {
	const n = len(writePrefix + "20260131T235959Z-0123456789ab")
	if len(name) <= n || name[n] != '.' {
		return "", false
	}
	return ParseWriteID(name[:n])
}
