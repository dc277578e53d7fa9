package moves

import (
	"context"
	"errors"
	"fmt"

	"sluice/internal/lake"
)

// paramHeld is the parameter of a table whose partitions are not to be moved: why.
const paramHeld = "sluice.held"

// ErrHeld says that somebody else holds the table.
var ErrHeld = errors.New("the table is held")

// Held says for what a table's files are to stay where and what they are; empty: they
// need not.
func Held(t lake.Table) string { return t.Parameters[paramHeld] }

// Hold has no move of the table's partitions begin until Release. What for, such as
// "rewritten into shop.sales", says who: the one who held it for that holds it still.
// It is decided in one step with the beginning of moves: ErrBusy says that one is under
// way, ErrHeld that the table is held for something else.
func Hold(ctx context.Context, c Catalog, name lake.TableName, why string) error {
	_, err := c.Amend(ctx, name, func(t *lake.Table) error {
		l, err := read(*t)
		switch {
		case err != nil:
			return err
		case Held(*t) == why:
			return nil
		case Held(*t) != "":
			return fmt.Errorf("%w, being %s", ErrHeld, Held(*t))
		case len(l.Moves) > 0:
			return ErrBusy
		}
		t.Parameters[paramHeld] = why
		return nil
	})
	return err
}

// Release ends Hold, if it was for that.
func Release(ctx context.Context, c Catalog, name lake.TableName, why string) error {
	_, err := c.Amend(ctx, name, func(t *lake.Table) error {
		if Held(*t) == why {
			delete(t.Parameters, paramHeld)
		}
		return nil
	})
	return err
}
