package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// maxDelete is what BatchDeletePartition takes in one call.
const maxDelete = 25

// RemovePartitions takes partitions out of the catalog, by their values; that one
// is not there is success. Files stay where they are.
func (c *Catalog) RemovePartitions(ctx context.Context, name lake.TableName, parts []lake.Partition) error {
	defer c.cache.forgetPartitions()
	for group := range slices.Chunk(parts, maxDelete) {
		if err := c.removePartitions(ctx, name, group); err != nil {
			return fmt.Errorf("remove partitions of %s: %w", name, err)
		}
	}
	return nil
}

func (c *Catalog) removePartitions(ctx context.Context, name lake.TableName, parts []lake.Partition) error {
	values := make([]types.PartitionValueList, 0, len(parts))
	for _, p := range parts {
		values = append(values, types.PartitionValueList{Values: p.Values})
	}
	for n := 1; ; n++ {
		out, err := c.glue.BatchDeletePartition(ctx, &glue.BatchDeletePartitionInput{
			CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table, PartitionsToDelete: values,
		})
		if err != nil {
			return orNotFound(err)
		}
		values = values[:0]
		var fatal []error
		for _, e := range out.Errors {
			if e.ErrorDetail == nil {
				fatal = append(fatal, fmt.Errorf("partition %q: an error without a cause", e.PartitionValues))
				continue
			}
			switch code := aws.ToString(e.ErrorDetail.ErrorCode); code {
			case codeNotFound:
			case codeInternal, codeTimeout, codeThrottling, codeConcurrentModification, codeNotReady:
				values = append(values, types.PartitionValueList{Values: e.PartitionValues})
			default:
				fatal = append(fatal, fmt.Errorf("partition %q: %s: %s", e.PartitionValues, code, aws.ToString(e.ErrorDetail.ErrorMessage)))
			}
		}
		if len(fatal) > 0 || len(values) == 0 {
			return errors.Join(fatal...)
		}
		if n == maxAttempts {
			return fmt.Errorf("the catalog left %d", len(values))
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}
