package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// What Glue takes in one call.
const (
	maxCreate   = 100
	maxBatchGet = 1000
)

// Partitions are the table's partitions for which the expression holds, all when
// it is empty. An expression is SQL over the partition keys, as in
// "dt >= '2026-01-01' AND hr IN ('00', '01')". The error is ErrNotFound when the
// table is not there.
func (c *Catalog) Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error) {
	input := &glue.GetPartitionsInput{
		CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table,
		ExcludeColumnSchema: aws.Bool(true),
	}
	if expression != "" {
		input.Expression = &expression
	}
	var parts []lake.Partition
	pages := glue.NewGetPartitionsPaginator(c.glue, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list partitions of %s where %q: %w", name, expression, orNotFound(err))
		}
		for _, p := range page.Partitions {
			parts = append(parts, decodePartition(p))
		}
	}
	return parts, nil
}

func decodePartition(p types.Partition) lake.Partition {
	part := lake.Partition{Values: p.Values}
	if p.StorageDescriptor != nil {
		part.Location = folder(aws.ToString(p.StorageDescriptor.Location))
	}
	return part
}

// AddPartitions registers those of parts that the catalog does not have; that it
// has them already is success, unless at another location, which is a
// *PartitionElsewhereError. Formats and columns come from the table as the
// catalog has it; a partition that was made before a struct of table grew gets its
// columns anew. After an error some of them may be registered; the call can be
// repeated.
func (c *Catalog) AddPartitions(ctx context.Context, table lake.Table, parts []lake.Partition) error {
	if len(parts) == 0 {
		return nil
	}
	if err := checkPartitions(table, parts); err != nil {
		return fmt.Errorf("add partitions to %s: %w", table.Name, err)
	}
	// What is remembered of the partitions is remembered of the table as it was before
	// they were asked for: a move in between makes it another.
	known, _ := c.cache.table(table.Name)
	parts = c.cache.unknown(table, known, parts)
	if len(parts) == 0 {
		return nil
	}
	// Most batches go to partitions that exist: reading is cheaper than being
	// refused, and tells where they are.
	missing, err := c.missing(ctx, table, parts)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := c.makePartitions(ctx, table, missing); err != nil {
			return fmt.Errorf("add partitions to %s: %w", table.Name, err)
		}
	}
	// After they are made: a writer who starts the projection meanwhile lists those
	// that are there, and so either that one or this one covers them. Partitions that
	// existed may be what a call made that was interrupted before this.
	if _, projected := table.Parameters[paramOurs]; projected || len(missing) > 0 {
		if err := c.project(ctx, table.Name, parts); err != nil {
			return fmt.Errorf("add partitions to %s: %w", table.Name, err)
		}
	}
	c.cache.registered(table, known, parts)
	return nil
}

// makePartitions makes partitions that are stored as the table is.
func (c *Catalog) makePartitions(ctx context.Context, table lake.Table, parts []lake.Partition) error {
	t, ok := c.cache.table(table.Name)
	if !ok || outgrown(types.Partition{StorageDescriptor: t.StorageDescriptor}, nestedOf(table.Columns)) {
		// What is remembered may be older than what the caller was told: another
		// goroutine's read came late.
		var err error
		if t, err = c.getTable(ctx, table.Name); err != nil {
			return err
		}
	}
	for group := range slices.Chunk(parts, maxCreate) {
		if err := c.createPartitions(ctx, table, t.StorageDescriptor, group); err != nil {
			return err
		}
	}
	return nil
}

func checkPartitions(table lake.Table, parts []lake.Partition) error {
	for _, p := range parts {
		if len(p.Values) != len(table.PartitionKeys) {
			return fmt.Errorf("partition %q has %d values for %d keys", p.Values, len(p.Values), len(table.PartitionKeys))
		}
		if !strings.HasSuffix(p.Location, "/") {
			return fmt.Errorf("partition %q: location %q does not end in a slash", p.Values, p.Location)
		}
	}
	return nil
}

// valuesKey is a map key for a partition's values.
func valuesKey(values []string) string { return fmt.Sprintf("%q", values) }

// missing is those of parts that the catalog does not have, each once. Those that it
// has get the columns of the table, where structs of it have grown since.
func (c *Catalog) missing(ctx context.Context, table lake.Table, parts []lake.Partition) ([]lake.Partition, error) {
	name := table.Name
	wanted := make(map[string]lake.Partition, len(parts))
	var values []types.PartitionValueList
	for _, p := range parts {
		key := valuesKey(p.Values)
		if _, ok := wanted[key]; !ok {
			values = append(values, types.PartitionValueList{Values: p.Values})
		}
		wanted[key] = p
	}
	have := map[string]bool{}
	columns := nestedOf(table.Columns)
	var stale []types.Partition
	for n := 1; len(values) > 0; {
		group := values[:min(len(values), maxBatchGet)]
		out, err := c.glue.BatchGetPartition(ctx, &glue.BatchGetPartitionInput{
			CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table, PartitionsToGet: group,
		})
		if err != nil {
			return nil, fmt.Errorf("get partitions of %s: %w", name, orNotFound(err))
		}
		for _, p := range out.Partitions {
			key := valuesKey(p.Values)
			have[key] = true
			if err := sameLocation(name, decodePartition(p), wanted[key]); err != nil {
				return nil, err
			}
			if outgrown(p, columns) {
				stale = append(stale, p)
			}
		}
		values = append(slices.Clone(out.UnprocessedKeys), values[len(group):]...)
		if len(out.UnprocessedKeys) < len(group) {
			n = 1
			continue
		}
		if n++; n > maxAttempts {
			return nil, fmt.Errorf("get partitions of %s: the catalog left %d unprocessed", name, len(values))
		}
		if err := pause(ctx, n); err != nil {
			return nil, fmt.Errorf("get partitions of %s: %w", name, err)
		}
	}
	if len(stale) > 0 {
		if err := c.refresh(ctx, name, stale); err != nil {
			return nil, err
		}
	}
	var missing []lake.Partition
	for _, p := range parts {
		if key := valuesKey(p.Values); !have[key] {
			have[key] = true
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// sameLocation checks that the partition is where the caller puts its files.
// s3a and s3n are Hadoop's names for s3.
func sameLocation(name lake.TableName, have, want lake.Partition) error {
	plain := func(s string) string {
		if scheme, rest, ok := strings.Cut(folder(s), "://"); ok && (scheme == "s3a" || scheme == "s3n") {
			return "s3://" + rest
		}
		return folder(s)
	}
	if plain(have.Location) == plain(want.Location) {
		return nil
	}
	return &PartitionElsewhereError{Table: name, Values: want.Values, Location: have.Location, Want: want.Location}
}

// createPartitions registers up to maxCreate partitions, again and again those
// that the catalog could not take at the moment.
func (c *Catalog) createPartitions(ctx context.Context, table lake.Table, sd *types.StorageDescriptor, parts []lake.Partition) error {
	for n := 1; ; n++ {
		out, err := c.glue.BatchCreatePartition(ctx, &glue.BatchCreatePartitionInput{
			CatalogId: c.catalogID, DatabaseName: &table.Name.Database, TableName: &table.Name.Table,
			PartitionInputList: encodePartitions(sd, parts),
		})
		if err != nil {
			return fmt.Errorf("create %d partitions: %w", len(parts), orNotFound(err))
		}
		failed, again, err := c.sortErrors(ctx, table, parts, out.Errors)
		c.metrics.partitions.Add(float64(len(parts) - len(out.Errors)))
		if err != nil || len(failed) == 0 {
			return err
		}
		if n == maxAttempts {
			return fmt.Errorf("create partitions: %d attempts: %w", n, again)
		}
		parts = failed
		if err := pause(ctx, n); err != nil {
			return fmt.Errorf("create partitions: %w", err)
		}
	}
}

// encodePartitions makes partitions that are stored as the table is.
func encodePartitions(sd *types.StorageDescriptor, parts []lake.Partition) []types.PartitionInput {
	inputs := make([]types.PartitionInput, 0, len(parts))
	for _, p := range parts {
		var own types.StorageDescriptor
		if sd != nil {
			own = *sd
		}
		own.Location = aws.String(p.Location)
		inputs = append(inputs, types.PartitionInput{Values: p.Values, StorageDescriptor: &own})
	}
	return inputs
}

// sortErrors sorts what BatchCreatePartition did not do: partitions that are
// there already are done if they are where they should be; again says why
// another attempt is worth it for those in failed; the rest is err.
func (c *Catalog) sortErrors(ctx context.Context, table lake.Table, parts []lake.Partition, errs []types.PartitionError) (failed []lake.Partition, again, err error) {
	byValues := make(map[string]lake.Partition, len(parts))
	for _, p := range parts {
		byValues[valuesKey(p.Values)] = p
	}
	var exist []lake.Partition
	var fatal []error
	for _, e := range errs {
		p, ok := byValues[valuesKey(e.PartitionValues)]
		if !ok || e.ErrorDetail == nil {
			fatal = append(fatal, fmt.Errorf("the catalog reports an error for partition %q, which was not sent or has no cause", e.PartitionValues))
			continue
		}
		code, message := aws.ToString(e.ErrorDetail.ErrorCode), aws.ToString(e.ErrorDetail.ErrorMessage)
		cause := fmt.Errorf("create partition %q: %s: %s", p.Values, code, message)
		switch code {
		case codeAlreadyExists:
			exist = append(exist, p)
		case codeInternal, codeTimeout, codeThrottling, codeConcurrentModification, codeNotReady:
			failed, again = append(failed, p), cause
		default:
			fatal = append(fatal, cause)
		}
	}
	if len(exist) > 0 {
		// Made by another writer, or by an attempt whose answer was lost. Those
		// that are gone again by now are made anew.
		gone, err := c.missing(ctx, table, exist)
		if err != nil {
			fatal = append(fatal, err)
		}
		if len(gone) > 0 {
			failed, again = append(failed, gone...), fmt.Errorf("partition %q: %w", gone[0].Values, errConflict)
		}
	}
	return failed, again, errors.Join(fatal...)
}
