package catalogsync

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"

	"sluice/internal/lake"
)

// Extend adds to a table of files, whatever their format, the columns of want that it
// lacks, and the fields inside them, as Ensure does, and those properties of its SerDe that
// it lacks. What is there stays as it is. The error is ErrNotFound when there is no such
// table.
func (c *Catalog) Extend(ctx context.Context, name lake.TableName, want []lake.Column, properties map[string]string) error {
	return c.retryConflicts(ctx, "extend table "+name.String(), func() error {
		t, err := c.getTable(ctx, name)
		if err != nil {
			return err
		}
		if t.StorageDescriptor == nil || aws.ToString(t.TableType) == viewType {
			return fmt.Errorf("extend table %s: it is no table of files", name)
		}
		columns, changed := mergeColumns(t.StorageDescriptor.Columns, t.PartitionKeys, want)
		table, sd := *t, *t.StorageDescriptor // what was read is remembered as it was
		table.StorageDescriptor = &sd
		sd.Columns = columns
		if sd.SerdeInfo != nil {
			info := *sd.SerdeInfo
			info.Parameters = maps.Clone(properties)
			if info.Parameters == nil {
				info.Parameters = map[string]string{}
			}
			maps.Copy(info.Parameters, sd.SerdeInfo.Parameters)
			changed = changed || len(info.Parameters) > len(sd.SerdeInfo.Parameters)
			sd.SerdeInfo = &info
		}
		if !changed {
			return nil
		}
		return c.updateTable(ctx, name, &table)
	})
}
