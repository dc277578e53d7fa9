package importer

import "io"

// Stamp puts a source into the record that block ends with, for tests.
func Stamp(column, source string, block []byte, from int) []byte {
	return newStamp(column, source).add(block, from)
}

// Split is what a splitter finds in a text, for tests.
func Split(in io.Reader) (lines []byte, records int, bad int64, open int, err error) {
	s := newSplitter(strictReader{in})
	for {
		var ok bool
		if lines, ok, err = s.next(lines); err != nil || !ok {
			return lines, records, s.bad, s.open, err
		}
		records++
	}
}
