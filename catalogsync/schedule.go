package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/lake"
)

// A Schedule compares all tables in the lake with the catalog, again and again.
type Schedule struct {
	Comparer
	Every time.Duration // 0: never
	// Register adds to the catalog what it lacks; Remove takes out of it partitions
	// without files. Where neither is set, differences are told of.
	Register, Remove bool
}

// Run returns when ctx ends. What goes wrong with a table is logged, and tried
// again the next time.
func (s Schedule) Run(ctx context.Context) error {
	if s.Every <= 0 {
		return nil
	}
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		names, err := s.Tables(ctx)
		if err == nil {
			err = s.round(ctx, names)
		}
		if err != nil && ctx.Err() == nil {
			s.Catalog.log.ErrorContext(ctx, "reconcile the catalog with the lake", "error", err)
		}
	}
}

func (s Schedule) round(ctx context.Context, names []lake.TableName) error {
	var errs []error
	count := map[string]int{}
	for _, name := range names {
		d, err := s.Compare(ctx, name)
		if err == nil {
			for kind, n := range d.counts() {
				count[kind] += n
			}
			if !d.None() {
				s.Catalog.log.WarnContext(ctx, "the catalog is not as the lake is", "table", name.String(), "unregistered", len(d.Unregistered),
					"empty", len(d.Empty), "elsewhere", len(d.Elsewhere), "columns", len(d.Columns), "strange", len(d.Strange), "registers", s.Register, "removes", s.Remove)
			}
			if s.Register {
				err = s.Apply(ctx, d, s.Remove)
			}
		}
		if err != nil && !errors.Is(err, ErrNotFound) { // it was dropped meanwhile
			errs = append(errs, err)
		}
	}
	for kind, n := range count {
		s.Catalog.metrics.differences.WithLabelValues(kind).Set(float64(n))
	}
	return errors.Join(errs...)
}

// counts is how many there are of each kind.
func (d Difference) counts() map[string]int {
	return map[string]int{
		"unregistered": len(d.Unregistered), "empty": len(d.Empty), "elsewhere": len(d.Elsewhere), "columns": len(d.Columns), "strange": len(d.Strange),
	}
}

// Tables are all tables that lie in the lake.
func (c Comparer) Tables(ctx context.Context) ([]lake.TableName, error) {
	databases, err := c.Catalog.Databases(ctx)
	if err != nil {
		return nil, err
	}
	var names []lake.TableName
	for _, db := range databases {
		tables, err := c.Catalog.Tables(ctx, db)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		for _, t := range tables {
			readable := !slices.ContainsFunc(t.Columns, func(c lake.Column) bool { return c.Type.Kind == lake.KindNone })
			if _, ok := c.Lake.Key(t.Location); ok && t.Location != "" && t.View == "" && readable {
				names = append(names, t.Name)
			}
		}
	}
	return names, nil
}
