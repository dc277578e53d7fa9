package result

import "github.com/apache/arrow-go/v18/arrow"

// BatchBytes is what a record batch has in memory.
func BatchBytes(batch arrow.RecordBatch) (bytes int64) {
	for _, c := range batch.Columns() {
		bytes += dataBytes(c.Data())
	}
	return bytes
}

func dataBytes(d arrow.ArrayData) (bytes int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			bytes += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		bytes += dataBytes(c)
	}
	return bytes
}
