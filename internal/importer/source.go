package importer

import (
	"bytes"
	"encoding/json"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// A stamp names the source in the records that do not: Segment's files have it in their
// path alone.
type stamp struct {
	column string
	member []byte // "column":"source"
}

// newStamp is nil where there is nothing to add.
func newStamp(column, source string) *stamp {
	if column == "" || source == "" {
		return nil
	}
	// Strings always marshal.
	key, _ := json.Marshal(column)
	value, _ := json.Marshal(source)
	return &stamp{column, append(append(key, ':'), value...)}
}

// add puts the member at the front of the record that block ends with, from the offset
// given, unless it has one of that name, in any case.
func (s *stamp) add(block []byte, from int) []byte {
	record := bytes.TrimSuffix(block[from:], []byte("\n"))
	if s == nil || lake.IsMalformed(record) {
		return block
	}
	empty := true
	for at := 0; ; {
		m, ok := jsonscan.NextMember(record, at)
		if !ok {
			break
		}
		if lake.CleanName(string(m.Name(record))) == lake.CleanName(s.column) {
			return block
		}
		empty, at = false, m.End
	}
	n := len(s.member)
	if !empty {
		n++
	}
	old := len(block)
	block = append(block, s.member...)
	if !empty {
		block = append(block, ',')
	}
	copy(block[from+1+n:], block[from+1:old])
	copy(block[from+1:], s.member)
	if !empty {
		block[from+n] = ','
	}
	return block
}
