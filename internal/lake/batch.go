package lake

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"
)

// A BatchID names a batch for ever and everywhere: the second in which it was
// begun (UTC) and 48 random bits, as in 20260131T235959Z-0123456789ab. Object
// names follow from it, so a repeated delivery overwrites what the first wrote.
//
// The bits alone make it unique, whatever the clock says. Ids ascend as the clock
// does, which may be set back: the order of a stream's batches is in its log.
type BatchID string

const batchTime = "20060102T150405Z"

var batchID = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$`)

// NewBatchID makes the id of a batch begun at t.
func NewBatchID(t time.Time) BatchID {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return BatchID(t.UTC().Format(batchTime) + "-" + hex.EncodeToString(b[:]))
}

// ParseBatchID checks that s is a batch id.
func ParseBatchID(s string) (BatchID, error) {
	if !batchID.MatchString(s) {
		return "", fmt.Errorf("%q is not a batch id (such as 20260131T235959Z-0123456789ab)", s)
	}
	return BatchID(s), nil
}

// ParquetExt ends the name of every data file.
const ParquetExt = ".parquet"

// DataFile is the name, within a partition's folder, of the file that holds the
// batch's rows of that partition.
func (id BatchID) DataFile() string { return string(id) + ParquetExt }

// BatchOf is the batch whose DataFile has that name; ok is false for a file
// that Sluice did not name.
func BatchOf(name string) (id BatchID, ok bool) {
	const n = len("20260131T235959Z-0123456789ab")
	if len(name) != n+len(ParquetExt) || name[n:] != ParquetExt {
		return "", false
	}
	id, err := ParseBatchID(name[:n])
	return id, err == nil
}
