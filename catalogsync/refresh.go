package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// maxUpdate is how many partitions Glue takes in one BatchUpdatePartition.
const maxUpdate = 100

// A partition has columns of its own in the catalog: those that the table had when it
// was made. A column that the table got later is read all the same. But of a struct,
// PrestoDB and Trino (and so Athena) read the fields that the partition says, and a
// field that the table's struct got later is null in that partition, whatever its files
// have. So a partition that gets files is brought up to date first.

// A nested column has a struct in its type.
type nested struct {
	lake.Column
	text string // of the type
}

func nestedOf(columns []lake.Column) (out []nested) {
	for _, c := range columns {
		if grows(c.Type) {
			out = append(out, nested{c, c.Type.String()})
		}
	}
	return out
}

// outgrown reports whether the table's columns have fields within the partition's
// structs that it lacks.
func outgrown(p types.Partition, columns []nested) bool {
	if p.StorageDescriptor == nil {
		return false
	}
	for _, w := range columns {
		i := indexColumn(p.StorageDescriptor.Columns, w.Name)
		if i < 0 || aws.ToString(p.StorageDescriptor.Columns[i].Type) == w.text {
			continue
		}
		if _, changed := extendColumn(p.StorageDescriptor.Columns[i], w.Column); changed {
			return true
		}
	}
	return false
}

// grows reports whether a type has a struct in it.
func grows(t lake.Type) bool {
	return t.Kind == lake.KindStruct || t.Elem != nil && grows(*t.Elem)
}

// structs is a text that is another one when a struct in a column has grown.
func structs(columns []lake.Column) string {
	var b strings.Builder
	for _, c := range nestedOf(columns) {
		fmt.Fprintf(&b, "%q %s,", c.Name, c.text)
	}
	return b.String()
}

// refresh gives partitions the columns that the table has now. Glue knows no version
// of a partition, so of two writers the later one wins: it may have read the table
// before the other one's fields were there. Each therefore looks at the table again
// after it wrote, and whoever wrote last sees all fields that there were then. One that
// is being moved gets its columns from who moves it.
func (c *Catalog) refresh(ctx context.Context, name lake.TableName, stale []types.Partition) error {
	err := c.announced(ctx, name, stale, func(stale []types.Partition) (answered bool, err error) {
		return c.refreshAnnounced(ctx, name, stale)
	})
	if errors.Is(err, errUpdateLater) {
		return nil
	}
	return err
}

func (c *Catalog) refreshAnnounced(ctx context.Context, name lake.TableName, stale []types.Partition) (answered bool, err error) {
	columns, err := c.newestColumns(ctx, name)
	if err != nil {
		return true, err
	}
	answered = true
	for n := 1; ; n++ {
		inputs := make([]types.BatchUpdatePartitionRequestEntry, len(stale))
		for i := range stale {
			inputs[i] = refreshed(&stale[i], columns)
		}
		for group := range slices.Chunk(inputs, maxUpdate) {
			once, err := c.updatePartitions(ctx, name, group)
			if answered = answered && once; err != nil {
				return false, err
			}
		}
		newest, err := c.newestColumns(ctx, name)
		if err != nil || structs(newest) == structs(columns) {
			return answered, err
		}
		if n == maxConflicts {
			return answered, fmt.Errorf("update partitions of %s: %d attempts: %w", name, n, errConflict)
		}
		c.metrics.conflicts.Inc()
		columns = newest
	}
}

func (c *Catalog) newestColumns(ctx context.Context, name lake.TableName) ([]lake.Column, error) {
	t, err := c.getTable(ctx, name)
	if err != nil {
		return nil, err
	}
	table, err := decodeTable(*t, true)
	return table.Columns, err
}

// refreshed is what has the partition stay what it is, but for its columns: they get
// what the table's have beyond them.
func refreshed(p *types.Partition, columns []lake.Column) types.BatchUpdatePartitionRequestEntry {
	sd := *p.StorageDescriptor
	sd.Columns, _ = mergeColumns(sd.Columns, nil, columns)
	p.StorageDescriptor = &sd
	return types.BatchUpdatePartitionRequestEntry{PartitionValueList: p.Values, PartitionInput: &types.PartitionInput{
		Values: p.Values, StorageDescriptor: &sd, Parameters: p.Parameters,
		LastAccessTime: p.LastAccessTime, LastAnalyzedTime: p.LastAnalyzedTime,
	}}
}

// updatePartitions updates up to maxUpdate partitions, again and again those that the
// catalog could not take at the moment. answered says that no request is under way any
// more.
func (c *Catalog) updatePartitions(ctx context.Context, name lake.TableName, entries []types.BatchUpdatePartitionRequestEntry) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // see RequestFence
	defer cancel()
	answered = true
	for n := 1; ; n++ {
		out, err := c.glue.BatchUpdatePartition(ctx, &glue.BatchUpdatePartitionInput{
			CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table, Entries: entries,
		})
		if err != nil {
			return false, fmt.Errorf("update %d partitions of %s: %w", len(entries), name, orNotFound(err))
		}
		answered = answered && once(out.ResultMetadata)
		failed, again, err := sortUpdates(entries, out.Errors)
		if err != nil || len(failed) == 0 {
			return answered, err
		}
		if n == maxAttempts {
			return answered, fmt.Errorf("update partitions of %s: %d attempts: %w", name, n, again)
		}
		entries = failed
		if err := pause(ctx, n); err != nil {
			return answered, fmt.Errorf("update partitions of %s: %w", name, err)
		}
	}
}

// sortUpdates sorts what BatchUpdatePartition did not do: failed is worth another
// attempt, again says why; the rest is err.
func sortUpdates(entries []types.BatchUpdatePartitionRequestEntry, errs []types.BatchUpdatePartitionFailureEntry) (failed []types.BatchUpdatePartitionRequestEntry, again, err error) {
	var fatal []error
	for _, e := range errs {
		i := slices.IndexFunc(entries, func(in types.BatchUpdatePartitionRequestEntry) bool {
			return slices.Equal(in.PartitionValueList, e.PartitionValueList)
		})
		if i < 0 || e.ErrorDetail == nil {
			fatal = append(fatal, fmt.Errorf("the catalog reports an error for partition %q, which was not sent or has no cause", e.PartitionValueList))
			continue
		}
		code := aws.ToString(e.ErrorDetail.ErrorCode)
		cause := fmt.Errorf("update partition %q: %s: %s", e.PartitionValueList, code, aws.ToString(e.ErrorDetail.ErrorMessage))
		switch code {
		case codeInternal, codeTimeout, codeThrottling, codeConcurrentModification, codeNotReady:
			failed, again = append(failed, entries[i]), cause
		default:
			fatal = append(fatal, cause)
		}
	}
	return failed, again, errors.Join(fatal...)
}
