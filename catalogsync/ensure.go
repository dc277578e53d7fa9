package catalogsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// errConflict says that another writer came first: look again and decide anew.
var errConflict = errors.New("changed by another writer at the same time")

// Ensure makes the database and the table when they are missing, and adds the
// columns of want that the table lacks, also fields inside structs, arrays and
// maps. It returns the table as it now is, which may differ from want in all
// that existed before: see the package's doc.
func (c *Catalog) Ensure(ctx context.Context, want lake.Table) (lake.Table, error) {
	if err := checkTable(want); err != nil {
		return lake.Table{}, fmt.Errorf("ensure table %s: %w", want.Name, err)
	}
	if t, ok := c.cached(want); ok {
		return t, nil
	}
	var t lake.Table
	err := c.retryConflicts(ctx, "ensure table "+want.Name.String(), func() (err error) {
		t, err = c.ensureOnce(ctx, want)
		return err
	})
	return t, err
}

// cached is the table as it is remembered, if it has all that is wanted: columns
// never go.
func (c *Catalog) cached(want lake.Table) (lake.Table, bool) {
	t, ok := c.cache.table(want.Name)
	if !ok || t.StorageDescriptor == nil || wantsProjection(t.Parameters, want.Parameters) {
		return lake.Table{}, false
	}
	if _, changed := mergeColumns(t.StorageDescriptor.Columns, t.PartitionKeys, want.Columns); changed {
		return lake.Table{}, false
	}
	table, err := decodeTable(*t, true)
	return table, err == nil
}

// retryConflicts calls do until its error is not that another writer came first.
func (c *Catalog) retryConflicts(ctx context.Context, what string, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if !errors.Is(err, errConflict) {
			return err
		}
		if n == maxConflicts {
			return fmt.Errorf("%s: %d attempts: %w", what, n, err)
		}
		c.metrics.conflicts.Inc()
		c.log.DebugContext(ctx, "catalog conflict", "attempt", n, "cause", err)
		if err := pause(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// checkTable finds what no catalog may be told.
func checkTable(t lake.Table) error {
	if !strings.HasSuffix(t.Location, "/") {
		return fmt.Errorf("location %q does not end in a slash", t.Location)
	}
	for _, columns := range [][]lake.Column{t.Columns, t.PartitionKeys} {
		for _, c := range columns {
			if c.Name == "" || !typed(c.Type) {
				return fmt.Errorf("column %q of type %s", c.Name, c.Type)
			}
		}
	}
	return nil
}

// typed reports whether every part of t has a type.
func typed(t lake.Type) bool {
	switch t.Kind {
	case lake.KindNone:
		return false
	case lake.KindArray:
		return t.Elem != nil && typed(*t.Elem)
	case lake.KindMap:
		return t.Key != nil && t.Elem != nil && typed(*t.Key) && typed(*t.Elem)
	case lake.KindStruct:
		for _, f := range t.Fields {
			if f.Name == "" || !typed(f.Type) {
				return false
			}
		}
		return len(t.Fields) > 0
	}
	return true
}

// ensureOnce does what Ensure does, from one look at the table. The error wraps
// errConflict when that look is out of date.
func (c *Catalog) ensureOnce(ctx context.Context, want lake.Table) (lake.Table, error) {
	t, err := c.getTable(ctx, want.Name)
	if errors.Is(err, ErrNotFound) {
		if err := c.createTable(ctx, want); err != nil {
			return lake.Table{}, err
		}
		t, err = c.getTable(ctx, want.Name)
	}
	if err != nil {
		return lake.Table{}, err
	}
	// Before anything is changed: a table that cannot be read is not written to.
	table, err := decodeTable(*t, true)
	if err != nil {
		return lake.Table{}, err
	}
	if aws.ToString(t.TableType) == viewType {
		return lake.Table{}, fmt.Errorf("table %s is no table of files: it is a view", want.Name)
	}
	if t.StorageDescriptor == nil {
		return lake.Table{}, fmt.Errorf("table %s is no table of files: it has no storage descriptor", want.Name)
	}
	if !table.Storage.IsParquet() {
		return lake.Table{}, fmt.Errorf("table %s is not of Parquet files but of %s: readers would take Parquet for that; let the stream write to another table, or drop this one",
			want.Name, cmp.Or(table.Storage.SerDe, table.Storage.InputFormat))
	}
	columns, changed := mergeColumns(t.StorageDescriptor.Columns, t.PartitionKeys, want.Columns)
	starts := wantsProjection(t.Parameters, want.Parameters)
	if !changed && !starts {
		return table, nil
	}
	sd := *t.StorageDescriptor // what was read is remembered as it was
	sd.Columns = columns
	t.StorageDescriptor = &sd
	var parts []lake.Partition
	if starts {
		if parts, err = c.Partitions(ctx, want.Name, ""); err != nil {
			return lake.Table{}, err
		}
		t.Parameters, _ = cover(startProjection(t.Parameters, want.Parameters), t.PartitionKeys, parts, time.Now())
		c.warnOff(ctx, want.Name, t.Parameters)
	}
	if err := c.updateTable(ctx, want.Name, t); err != nil {
		return lake.Table{}, err
	}
	return c.Table(ctx, want.Name)
}

// updateTable writes t over the version that it was read as.
func (c *Catalog) updateTable(ctx context.Context, name lake.TableName, t *types.Table) error {
	if t.ViewDefinition != nil || t.FederatedTable != nil || t.TargetTable != nil {
		return fmt.Errorf("update table %s: it is a view or a link to another table", name)
	}
	c.cache.forgetTable(name)
	_, err := c.glue.UpdateTable(ctx, &glue.UpdateTableInput{
		CatalogId: c.catalogID, DatabaseName: &name.Database, TableInput: inputOf(t),
		VersionId: t.VersionId, SkipArchive: aws.Bool(true),
	})
	switch errorCode(err) {
	case codeConcurrentModification, codeVersionMismatch, codeNotFound: // not found: dropped meanwhile
		return fmt.Errorf("update table %s: %w: %w", name, errConflict, err)
	}
	if err != nil {
		return fmt.Errorf("update table %s: %w", name, err)
	}
	c.log.InfoContext(ctx, "table updated", "table", name.String(), "from_version", aws.ToString(t.VersionId))
	return nil
}

// createTable makes the table, and its database when that is missing.
func (c *Catalog) createTable(ctx context.Context, want lake.Table) error {
	input := &glue.CreateTableInput{
		CatalogId: c.catalogID, DatabaseName: &want.Name.Database, TableInput: encodeTable(want),
	}
	_, err := c.glue.CreateTable(ctx, input)
	if errorCode(err) == codeNotFound {
		if err := c.createDatabase(ctx, want.Name.Database); err != nil {
			return err
		}
		_, err = c.glue.CreateTable(ctx, input)
	}
	switch errorCode(err) {
	case codeAlreadyExists, codeConcurrentModification, codeNotFound:
		return fmt.Errorf("create table %s: %w: %w", want.Name, errConflict, err)
	}
	if err != nil {
		return fmt.Errorf("create table %s: %w", want.Name, err)
	}
	c.log.InfoContext(ctx, "table created", "table", want.Name.String(), "location", want.Location)
	return nil
}

func (c *Catalog) createDatabase(ctx context.Context, name string) error {
	_, err := c.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{
		CatalogId: c.catalogID, DatabaseInput: &types.DatabaseInput{Name: &name},
	})
	switch errorCode(err) {
	case codeAlreadyExists:
		return nil
	case codeConcurrentModification:
		return fmt.Errorf("create database %s: %w: %w", name, errConflict, err)
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	c.log.InfoContext(ctx, "database created", "database", name)
	return nil
}

// getTable reads the table as the catalog has it.
func (c *Catalog) getTable(ctx context.Context, name lake.TableName) (*types.Table, error) {
	out, err := c.glue.GetTable(ctx, &glue.GetTableInput{
		CatalogId: c.catalogID, DatabaseName: &name.Database, Name: &name.Table,
	})
	if err != nil {
		return nil, fmt.Errorf("get table %s: %w", name, orNotFound(err))
	}
	if out.Table == nil {
		return nil, fmt.Errorf("get table %s: the answer has no table", name)
	}
	c.cache.putTable(name, out.Table)
	return out.Table, nil
}
