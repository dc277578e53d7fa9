package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/smithy-go/middleware"

	"sluice/internal/lake"
)

// ParamMoves is the parameter of a table in which the moves of its partitions stand: see
// package moves.
const ParamMoves = "sluice.moves"

// Amend has change say what the parameters and the location of a table are to be, and
// writes them over the version that change was shown, so that it decides on what is
// there at the moment of the writing, and nobody's change is lost. It is asked again when
// another writer came first, or may have: also when what it wanted was written and the
// answer was lost. Nothing is written where it changes nothing. It returns the table as
// it is then, read anew; columns whose type cannot be read have none.
func (c *Catalog) Amend(ctx context.Context, name lake.TableName, change func(t *lake.Table) error) (lake.Table, error) {
	var after lake.Table
	err := c.retryConflicts(ctx, "amend table "+name.String(), func() error {
		t, err := c.getTable(ctx, name)
		if err != nil {
			return err
		}
		if t.StorageDescriptor == nil {
			return fmt.Errorf("table %s is no table of files", name)
		}
		before, err := decodeTable(*t, false)
		if err != nil {
			return err
		}
		after = before
		after.Parameters = maps.Clone(before.Parameters)
		if after.Parameters == nil {
			after.Parameters = map[string]string{}
		}
		if err := change(&after); err != nil {
			return err
		}
		if after.Location == before.Location && maps.Equal(after.Parameters, before.Parameters) {
			after = before
			return nil
		}
		own := *t // what was read is remembered as it was
		sd := *t.StorageDescriptor
		own.StorageDescriptor, own.Parameters = &sd, after.Parameters
		if after.Location != before.Location {
			sd.Location = &after.Location
		}
		return c.updateTable(ctx, name, &own)
	})
	return after, err
}

// Relocate has a partition be at another location, with the columns that the table has;
// all else of it stays. Glue does not
// check that nobody else does so at the same time: see package moves, which sees to
// that. answered says that the catalog was asked once and answered, so that no request
// is still under way; it is true also where the answer is that there is no such
// partition, which is ErrNotFound.
func (c *Catalog) Relocate(ctx context.Context, name lake.TableName, values []string, location string) (answered bool, err error) {
	got, err := c.glue.GetPartition(ctx, &glue.GetPartitionInput{
		CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table, PartitionValues: values,
	})
	if err != nil {
		return errorCode(err) == codeNotFound, fmt.Errorf("get partition %q of %s: %w", values, name, orNotFound(err))
	}
	p := got.Partition
	if p == nil || p.StorageDescriptor == nil {
		return true, fmt.Errorf("partition %q of %s has no storage descriptor", values, name)
	}
	if folder(aws.ToString(p.StorageDescriptor.Location)) == location {
		return true, nil
	}
	columns, err := c.newestColumns(ctx, name)
	if err != nil {
		return true, err
	}
	entry := refreshed(p, columns)
	input := entry.PartitionInput
	input.StorageDescriptor.Location = &location
	defer c.cache.forgetPartitions()
	out, err := c.glue.UpdatePartition(ctx, &glue.UpdatePartitionInput{
		CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table, PartitionValueList: values,
		PartitionInput: input,
	})
	if err != nil {
		return false, fmt.Errorf("move partition %q of %s to %s: %w", values, name, location, orNotFound(err))
	}
	c.log.InfoContext(ctx, "partition moved", "table", name.String(), "partition", values, "location", location)
	return once(out.ResultMetadata), nil
}

// once reports whether a request was answered at the first attempt, so that none of
// others can still be under way.
func once(m middleware.Metadata) bool {
	attempts, ok := retry.GetAttemptResults(m)
	return ok && len(attempts.Results) == 1
}

// Register is AddPartitions for those who put their files wherever a partition is: it
// returns where each of parts is, in their order.
func (c *Catalog) Register(ctx context.Context, table lake.Table, parts []lake.Partition) ([]lake.Partition, error) {
	parts = append([]lake.Partition(nil), parts...)
	for range len(parts) + 1 {
		err := c.AddPartitions(ctx, table, parts)
		var elsewhere *PartitionElsewhereError
		if !errors.As(err, &elsewhere) {
			return parts, err
		}
		for i, p := range parts {
			if valuesKey(p.Values) == valuesKey(elsewhere.Values) {
				parts[i].Location = folder(elsewhere.Location)
			}
		}
	}
	return nil, fmt.Errorf("register partitions of %s: they are being moved again and again", table.Name)
}
