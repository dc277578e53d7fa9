package importer

import "io"

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
