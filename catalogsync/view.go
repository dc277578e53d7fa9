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

// viewType is the TableType of a view.
const viewType = "VIRTUAL_VIEW"

// PutView makes a view, as Athena, Presto and Trino keep theirs: the definition is
// t.View, the columns are t.Columns. With replace a view of that name is replaced;
// the error is ErrExists where there is one and replace is not said, and where
// there is a table of that name.
func (c *Catalog) PutView(ctx context.Context, t lake.Table, replace bool) error {
	input := encodeView(t)
	for n := 1; ; n++ {
		err := c.create(ctx, t.Name, input)
		if !errors.Is(err, ErrExists) || !replace {
			return err
		}
		err = c.replaceView(ctx, t.Name, input)
		if !errors.Is(err, errConflict) {
			return err
		}
		if n == maxConflicts {
			return fmt.Errorf("replace view %s: %d attempts: %w", t.Name, n, err)
		}
		if err := pause(ctx, n); err != nil {
			return fmt.Errorf("replace view %s: %w", t.Name, err)
		}
	}
}

func (c *Catalog) replaceView(ctx context.Context, name lake.TableName, input *types.TableInput) error {
	have, err := c.getTable(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("replace view %s: %w: %w", name, errConflict, err)
	}
	if err != nil {
		return err
	}
	if aws.ToString(have.TableType) != viewType {
		return fmt.Errorf("replace view %s: it is a table: %w", name, ErrExists)
	}
	_, err = c.glue.UpdateTable(ctx, &glue.UpdateTableInput{
		CatalogId: c.catalogID, DatabaseName: &name.Database, TableInput: input, VersionId: have.VersionId,
	})
	switch errorCode(err) {
	case codeConcurrentModification, codeVersionMismatch, codeNotFound:
		return fmt.Errorf("replace view %s: %w: %w", name, errConflict, err)
	}
	if err != nil {
		return fmt.Errorf("replace view %s: %w", name, err)
	}
	c.log.InfoContext(ctx, "view replaced", "view", name.String())
	return nil
}

// encodeView is what CreateTable gets for a view. By these words Presto, Trino and
// Athena know one of theirs.
func encodeView(t lake.Table) *types.TableInput {
	columns := make([]types.Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = types.Column{Name: aws.String(c.Name), Type: aws.String(c.Type.String())}
	}
	return &types.TableInput{
		Name:             &t.Name.Table,
		TableType:        aws.String(viewType),
		Parameters:       map[string]string{"presto_view": "true", "comment": "Presto View"},
		PartitionKeys:    []types.Column{},
		ViewOriginalText: &t.View,
		ViewExpandedText: aws.String("/* Presto View */"),
		StorageDescriptor: &types.StorageDescriptor{
			Columns:       columns,
			Location:      aws.String(""),
			BucketColumns: []string{},
			SortColumns:   []types.Order{},
			SerdeInfo:     &types.SerDeInfo{},
		},
	}
}
