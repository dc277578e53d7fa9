package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// A Definition is a table as Hive's DDL writes it: what a lake.Table leaves out, and
// types as the catalog has them, readable or not.
type Definition struct {
	Name          lake.TableName
	Type          string // EXTERNAL_TABLE, VIRTUAL_VIEW; as the catalog has it
	Comment       string
	Columns, Keys []DefinedColumn
	Location      string
	Storage       lake.Storage
	Parameters    map[string]string
	Owner         string
	Created       time.Time
}

// A DefinedColumn is a column of a Definition.
type DefinedColumn struct{ Name, Type, Comment string }

// CreateDatabase makes a database. The error is ErrExists when there is one of that
// name.
func (c *Catalog) CreateDatabase(ctx context.Context, name, comment, location string, parameters map[string]string) error {
	input := &types.DatabaseInput{Name: &name, Parameters: parameters}
	if comment != "" {
		input.Description = &comment
	}
	if location != "" {
		input.LocationUri = &location
	}
	return c.insist(ctx, "create database "+name, func() error {
		_, err := c.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{CatalogId: c.catalogID, DatabaseInput: input})
		if errorCode(err) == codeAlreadyExists {
			return ErrExists
		}
		return err
	})
}

// DropDatabase takes a database out of the catalog, with its tables if cascade is said.
// The error is ErrNotFound when there is none, and ErrNotEmpty when it has tables.
func (c *Catalog) DropDatabase(ctx context.Context, name string, cascade bool) error {
	if !cascade {
		out, err := c.glue.GetTables(ctx, &glue.GetTablesInput{CatalogId: c.catalogID, DatabaseName: &name, MaxResults: aws.Int32(1)})
		if err != nil {
			return fmt.Errorf("drop database %s: %w", name, orNotFound(err))
		}
		if len(out.TableList) > 0 {
			return fmt.Errorf("drop database %s: %w", name, ErrNotEmpty)
		}
	}
	defer c.cache.forgetDatabase(name)
	return c.insist(ctx, "drop database "+name, func() error {
		_, err := c.glue.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{CatalogId: c.catalogID, Name: &name})
		return orNotFound(err)
	})
}

// ErrNotEmpty is what errors.Is finds when a database to be dropped has tables.
var ErrNotEmpty = errors.New("not empty")

// Define makes an external table. Its database must be there (else ErrNotFound). The
// error is ErrExists when there is a table of that name, which then stays as it is.
func (c *Catalog) Define(ctx context.Context, d Definition) error {
	input := &types.TableInput{
		Name: &d.Name.Table, TableType: aws.String(tableType), Parameters: map[string]string{},
		PartitionKeys: defineColumns(d.Keys), StorageDescriptor: describe(d),
	}
	maps.Copy(input.Parameters, d.Parameters)
	input.Parameters["EXTERNAL"] = "TRUE"
	if d.Comment != "" {
		input.Description = &d.Comment
	}
	err := c.insist(ctx, "create table "+d.Name.String(), func() error {
		_, err := c.glue.CreateTable(ctx, &glue.CreateTableInput{CatalogId: c.catalogID, DatabaseName: &d.Name.Database, TableInput: input})
		if errorCode(err) == codeAlreadyExists {
			return ErrExists
		}
		return orNotFound(err)
	})
	if err == nil {
		c.log.InfoContext(ctx, "table created", "table", d.Name.String(), "location", d.Location)
	}
	return err
}

// insist repeats what the catalog refuses because another change is under way.
func (c *Catalog) insist(ctx context.Context, what string, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if errorCode(err) != codeConcurrentModification || n == maxConflicts {
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		}
		if err := pause(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

func describe(d Definition) *types.StorageDescriptor {
	return &types.StorageDescriptor{
		Columns: defineColumns(d.Columns), Location: &d.Location,
		InputFormat: &d.Storage.InputFormat, OutputFormat: &d.Storage.OutputFormat,
		NumberOfBuckets: -1, BucketColumns: []string{}, SortColumns: []types.Order{},
		SerdeInfo: &types.SerDeInfo{SerializationLibrary: &d.Storage.SerDe, Parameters: d.Storage.Properties},
	}
}

func defineColumns(columns []DefinedColumn) []types.Column {
	out := make([]types.Column, 0, len(columns))
	for _, c := range columns {
		col := types.Column{Name: &c.Name, Type: &c.Type}
		if c.Comment != "" {
			col.Comment = &c.Comment
		}
		out = append(out, col)
	}
	return out
}

// Definition is the table as the catalog has it now. The error is ErrNotFound when
// there is none.
func (c *Catalog) Definition(ctx context.Context, name lake.TableName) (Definition, error) {
	t, err := c.getTable(ctx, name)
	if err != nil {
		return Definition{}, err
	}
	return definition(name, t), nil
}

func definition(name lake.TableName, t *types.Table) Definition {
	columns := func(in []types.Column) (out []DefinedColumn) {
		for _, c := range in {
			out = append(out, DefinedColumn{Name: strings.ToLower(aws.ToString(c.Name)), Type: aws.ToString(c.Type), Comment: aws.ToString(c.Comment)})
		}
		return out
	}
	d := Definition{
		Name: name, Type: aws.ToString(t.TableType), Comment: aws.ToString(t.Description), Keys: columns(t.PartitionKeys),
		Parameters: maps.Clone(t.Parameters), Owner: aws.ToString(t.Owner), Created: aws.ToTime(t.CreateTime),
	}
	if sd := t.StorageDescriptor; sd != nil {
		d.Columns, d.Location = columns(sd.Columns), aws.ToString(sd.Location)
		d.Storage.InputFormat, d.Storage.OutputFormat = aws.ToString(sd.InputFormat), aws.ToString(sd.OutputFormat)
		if sd.SerdeInfo != nil {
			d.Storage.SerDe, d.Storage.Properties = aws.ToString(sd.SerdeInfo.SerializationLibrary), maps.Clone(sd.SerdeInfo.Parameters)
		}
	}
	return d
}

// An Alteration is a change of a table: what is not set stays.
type Alteration struct {
	AddColumns []DefinedColumn // at the end; one that is there already is an error
	Parameters map[string]string
	Location   string
}

// Alter changes a table. Everything else of it stays as it is, also what another
// writer changes at the same time. The error is ErrNotFound when there is none, and
// ErrExists when it has one of the columns.
func (c *Catalog) Alter(ctx context.Context, name lake.TableName, a Alteration) error {
	for n := 1; ; n++ {
		t, err := c.getTable(ctx, name)
		if err != nil {
			return err
		}
		if t.StorageDescriptor == nil || aws.ToString(t.TableType) == viewType {
			return fmt.Errorf("alter table %s: it is no table of files", name)
		}
		for _, col := range a.AddColumns {
			if indexColumn(t.StorageDescriptor.Columns, col.Name) >= 0 || indexColumn(t.PartitionKeys, col.Name) >= 0 {
				return fmt.Errorf("column %s of table %s: %w", col.Name, name, ErrExists)
			}
		}
		changed, sd := *t, *t.StorageDescriptor // the cache has t
		changed.StorageDescriptor, changed.Parameters = &sd, map[string]string{}
		maps.Copy(changed.Parameters, t.Parameters)
		maps.Copy(changed.Parameters, a.Parameters)
		sd.Columns = append(slices.Clip(sd.Columns), defineColumns(a.AddColumns)...)
		if a.Location != "" {
			sd.Location = &a.Location
		}
		if err = c.updateTable(ctx, name, &changed); !errors.Is(err, errConflict) || n == maxConflicts {
			return err
		}
		c.metrics.conflicts.Inc()
		if err := pause(ctx, n); err != nil {
			return fmt.Errorf("alter table %s: %w", name, err)
		}
	}
}
