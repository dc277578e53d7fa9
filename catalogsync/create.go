package catalogsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// ErrExists is what errors.Is finds when what is to be made is in the catalog
// already.
var ErrExists = errors.New("already in the catalog")

// Create makes the table, and its database when that is missing, in one step of
// the catalog's. The error is ErrExists when there is a table of that name, which
// then stays as it is. After another error it may be there or not.
func (c *Catalog) Create(ctx context.Context, t lake.Table) error {
	if err := checkTable(t); err != nil {
		return fmt.Errorf("create table %s: %w", t.Name, err)
	}
	return c.create(ctx, t.Name, encodeTable(t))
}

// create is Create for any kind of table.
func (c *Catalog) create(ctx context.Context, name lake.TableName, in *types.TableInput) error {
	input := &glue.CreateTableInput{CatalogId: c.catalogID, DatabaseName: &name.Database, TableInput: in}
	for n := 1; ; n++ {
		_, err := c.glue.CreateTable(ctx, input)
		switch errorCode(err) {
		case codeAlreadyExists:
			return fmt.Errorf("create table %s: %w", name, ErrExists)
		case codeNotFound:
			if dbErr := c.createDatabase(ctx, name.Database); dbErr != nil && !errors.Is(dbErr, errConflict) {
				return dbErr
			}
		case codeConcurrentModification:
		default:
			if err != nil {
				return fmt.Errorf("create table %s: %w", name, err)
			}
			c.log.InfoContext(ctx, "table created", "table", name.String(), "type", aws.ToString(in.TableType))
			return nil
		}
		if n == maxConflicts {
			return fmt.Errorf("create table %s: %d attempts: %w", name, n, err)
		}
		if err := pause(ctx, n); err != nil {
			return fmt.Errorf("create table %s: %w", name, err)
		}
	}
}

// Drop takes the table or view out of the catalog, with its partitions, if same,
// given the table as it is now, says so; files stay where they are. The error is
// ErrNotFound when the table is not there.
func (c *Catalog) Drop(ctx context.Context, name lake.TableName, same func(lake.Table) bool) error {
	t, err := c.getTable(ctx, name)
	if err != nil {
		return err
	}
	table, err := decodeTable(*t, false)
	if err != nil {
		return err
	}
	if !same(table) {
		return fmt.Errorf("drop table %s: it is another one: %w", name, ErrNotFound)
	}
	defer c.cache.forgetTable(name)
	if _, err := c.glue.DeleteTable(ctx, &glue.DeleteTableInput{CatalogId: c.catalogID, DatabaseName: &name.Database, Name: &name.Table}); err != nil {
		return fmt.Errorf("drop table %s: %w", name, orNotFound(err))
	}
	c.log.InfoContext(ctx, "table dropped", "table", name.String())
	return nil
}

// Find is those of the table's partitions that have the values given, at most all
// of them.
func (c *Catalog) Find(ctx context.Context, name lake.TableName, values [][]string) ([]lake.Partition, error) {
	parts, err := c.get(ctx, name, values)
	if err != nil {
		return nil, err
	}
	var found []lake.Partition
	for _, p := range parts {
		found = append(found, decodePartition(p))
	}
	return found, nil
}
