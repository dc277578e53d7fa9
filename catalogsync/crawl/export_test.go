package crawl

import "sluice/internal/lake"

// CSV is what csvLayout finds, for tests.
func CSV(text []byte, whole bool) ([]lake.Column, error) {
	l, err := csvLayout(text, whole, "")
	return l.columns, err
}

// JSONLines is what jsonLines finds, for tests.
func JSONLines(text []byte, whole bool) ([]byte, int, int, error) { return jsonLines(text, whole) }
