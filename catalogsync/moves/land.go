package moves

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/lake"
)

// A Catalog is what landing needs; *catalogsync.Catalog is one.
type Catalog interface {
	Table(ctx context.Context, name lake.TableName) (lake.Table, error)
	Amend(ctx context.Context, name lake.TableName, change func(t *lake.Table) error) (lake.Table, error)
	Find(ctx context.Context, name lake.TableName, values [][]string) ([]lake.Partition, error)
	Register(ctx context.Context, table lake.Table, parts []lake.Partition) ([]lake.Partition, error)
	Relocate(ctx context.Context, name lake.TableName, values []string, location string) (answered bool, err error)
}

// maxRounds bounds how often a landing looks again because the table's partitions are
// moved meanwhile; whoever lands may come again later.
const maxRounds = 20

// ErrMoving says that a landing met one move after the other: try again.
var ErrMoving = errors.New("the table's partitions are being moved again and again")

// Places are where parts of the table are as of now, in their order; those that are
// not in the catalog are where they are said to be. Of a table without partitions parts
// is one without values. It asks the catalog only where something was ever moved.
func Places(ctx context.Context, c Catalog, table lake.Table, parts []lake.Partition) ([]lake.Partition, error) {
	l, err := read(table)
	if err != nil || l.Epoch == "" || len(table.PartitionKeys) == 0 || len(parts) == 0 {
		return parts, err
	}
	return find(ctx, c, table.Name, parts)
}

// find has the partitions that are in the catalog be where that says.
func find(ctx context.Context, c Catalog, name lake.TableName, parts []lake.Partition) ([]lake.Partition, error) {
	values := make([][]string, len(parts))
	for i, p := range parts {
		values[i] = p.Values
	}
	found, err := c.Find(ctx, name, values)
	if err != nil {
		return nil, err
	}
	parts = slices.Clone(parts)
	for i, p := range parts {
		if at := slices.IndexFunc(found, func(f lake.Partition) bool { return slices.Equal(f.Values, p.Values) }); at >= 0 {
			parts[i].Location = found[at].Location
		}
	}
	return parts, nil
}

// Land registers the partitions that files were put into, each at the location given,
// and sees to it that every reader finds the files: put is called with those partitions
// that turn out to be at another location, to put the same files there too. table is as
// it was read before the files were put. Of a table without partitions parts is one
// without values at the table's location.
//
// It may be repeated after an error. If we crash here the files may be where nobody
// reads them; who comes again lands them anew.
func Land(ctx context.Context, c Catalog, table lake.Table, parts []lake.Partition, put func(ctx context.Context, parts []lake.Partition) error) error {
	return follow(ctx, c, table, parts, c.Register, put)
}

// Withdraw is Land for files that were taken away from partitions: they may have been
// copied to where those were moved, or be so yet. remove is called with the partitions that
// turn out to be at another location, to take the same files away there too. Those that are
// not in the catalog are not registered.
//
// It may be repeated after an error, and is to be: if we crash here, copies may be left.
func Withdraw(ctx context.Context, c Catalog, table lake.Table, parts []lake.Partition, remove func(ctx context.Context, parts []lake.Partition) error) error {
	look := func(ctx context.Context, table lake.Table, parts []lake.Partition) ([]lake.Partition, error) {
		return find(ctx, c, table.Name, parts)
	}
	return follow(ctx, c, table, parts, look, remove)
}

// follow has do be done wherever the partitions are: it was for where parts says, with the
// table as it was before. look says where they are.
func follow(ctx context.Context, c Catalog, table lake.Table, parts []lake.Partition,
	look func(context.Context, lake.Table, []lake.Partition) ([]lake.Partition, error), do func(context.Context, []lake.Partition) error) error {
	name := table.Name
	before, err := read(table)
	if err != nil {
		return err
	}
	for range maxRounds {
		now := []lake.Partition{{Location: table.Location}}
		if len(table.PartitionKeys) > 0 {
			if now, err = look(ctx, table, parts); err != nil {
				return err
			}
		}
		var moved []lake.Partition
		for i, p := range now {
			if p.Location != parts[i].Location {
				moved = append(moved, p)
			}
		}
		if len(moved) > 0 {
			if err := do(ctx, moved); err != nil {
				return err
			}
			parts = now
		}
		if table, err = c.Table(ctx, name); err != nil {
			return err
		}
		l, err := read(table)
		if err != nil {
			return err
		}
		same := l.Epoch == before.Epoch && len(moved) == 0
		before = l
		if !same {
			continue
		}
		settled, err := settle(ctx, c, &table, l, parts)
		if settled || err != nil {
			return err
		}
		if before, err = read(table); err != nil {
			return err
		}
	}
	return fmt.Errorf("table %s: %w", name, ErrMoving)
}

// settle does what the moves in the ledger ask of one whose files are in parts. It
// reports whether that was all; else table is newer.
func settle(ctx context.Context, c Catalog, table *lake.Table, l ledger, parts []lake.Partition) (bool, error) {
	var open []move
	for _, p := range parts {
		m := l.of(p.Values)
		switch {
		case m == nil:
		case m.State == stateOpen: // also one from elsewhere, that will find that out
			open = append(open, *m)
		case m.To != p.Location:
			return false, help(ctx, c, table, *m)
		}
	}
	if len(open) == 0 {
		return true, nil
	}
	counted := false
	after, err := c.Amend(ctx, table.Name, func(t *lake.Table) error {
		counted = false
		have, err := read(*t)
		if err != nil {
			return err
		}
		if have.Epoch != l.Epoch {
			return nil
		}
		for _, m := range open {
			have.find(m.ID).Landings++
		}
		have.write(t)
		counted = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("announce files to who moves partitions of %s: %w", table.Name, err)
	}
	*table = after
	return counted, nil
}

// help changes a partition's location for a mover who may have crashed. That it is about
// to stands in the ledger until it is answered: until then the move is not closed.
func help(ctx context.Context, c Catalog, table *lake.Table, m move) error {
	id := string(lake.NewBatchID(time.Now()))
	asks := func(a asking) bool { return a.ID == id }
	change := func(ctx context.Context, do func(have *move)) (there bool, err error) {
		after, err := c.Amend(ctx, table.Name, func(t *lake.Table) error {
			l, err := read(*t)
			if err != nil {
				return err
			}
			have := l.find(m.ID)
			if there = have != nil; there {
				do(have)
				l.write(t)
			}
			return nil
		})
		if err == nil {
			*table = after
		}
		return there, err
	}
	there, err := change(ctx, func(have *move) {
		if !slices.ContainsFunc(have.Asking, asks) {
			have.Asking = append(have.Asking, asking{id, time.Now().UTC()})
		}
	})
	if err != nil || !there {
		return err
	}
	answered, err := relocate(ctx, c, table.Name, m)
	if answered {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendLimit)
		defer cancel()
		// If it cannot be said now, the move is closed when the fence is over.
		_, _ = change(late, func(have *move) { have.Asking = slices.DeleteFunc(have.Asking, asks) })
	}
	return err
}

// sendLimit is for how long a request to change a partition's location may be on its way.
const sendLimit = time.Minute

func relocate(ctx context.Context, c Catalog, name lake.TableName, m move) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	return c.Relocate(ctx, name, m.Values, m.To)
}
