package moves

import (
	"slices"
	"strings"

	"sluice/internal/lake"
)

// Concerns reports whether a location is one that a move of the table's has to do with, by
// the table as it was read: that from which or to which a partition is being moved, or an
// old one whose files are to be deleted. Others leave such a location alone.
func Concerns(t lake.Table, location string) (bool, error) {
	l, err := read(t)
	if err != nil {
		return false, err
	}
	same := func(other string) bool { return strings.TrimRight(other, "/") == strings.TrimRight(location, "/") }
	return slices.ContainsFunc(l.Moves, func(m move) bool { return same(m.From) || same(m.To) }) ||
		slices.ContainsFunc(l.Old, func(o old) bool { return same(o.Location) }), nil
}
