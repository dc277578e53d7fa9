package rowcheck_test

import (
	"errors"
	"testing"

	"sluice/internal/rowcheck"
)

func TestCheck(t *testing.T) {
	var rows rowcheck.Rows
	rows.Sent(0, 4)
	rows.Landed(0, 2)
	for _, c := range []struct {
		seen []int
		want string
	}{
		{[]int{1, 0}, ""},
		{[]int{1, 0, 3}, ""},
		{[]int{1}, "row 0 is not seen"},
		{[]int{0, 1, 1}, "row 1 is seen twice"},
		{[]int{0, 1, 4}, "row 4 was never sent"},
	} {
		got := ""
		if err := rows.Check(func() ([]int, error) { return c.seen, nil }); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.seen, got, c.want)
		}
	}
	// What comes while somebody reads may be seen, and need not.
	for _, seen := range [][]int{{0, 1}, {0, 1, 4}} {
		if err := rows.Check(func() ([]int, error) { rows.Sent(4, 1); rows.Landed(4, 1); return seen, nil }); err != nil {
			t.Errorf("%v: %v", seen, err)
		}
		rows = rowcheck.Rows{}
		rows.Sent(0, 2)
		rows.Landed(0, 2)
	}
	fault := errors.New("fault")
	if err := rows.Check(func() ([]int, error) { return nil, fault }); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}
