package result

import "context"

// Commit says that the answer was delivered, completely, to whoever asked: the
// checkpoint that it was asked with, if it was, moves on. It must come after the
// last row.
func Commit(ctx context.Context, rows Rows) error {
	if c, ok := rows.(interface{ Commit(context.Context) error }); ok {
		return c.Commit(ctx)
	}
	return nil
}
