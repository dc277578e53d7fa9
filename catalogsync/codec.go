package catalogsync

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// What makes a Glue table one of Parquet files, by the names that Hive's
// libraries have and every engine looks for.
const (
	tableType    = "EXTERNAL_TABLE"
	inputFormat  = lake.ParquetInputFormat
	outputFormat = lake.ParquetOutputFormat
	serde        = lake.ParquetSerDe
)

// The parameters of a column that keep the JSON keys it came from.
const (
	paramKey  = "sluice.key"  // of the column
	paramKeys = "sluice.keys" // of the fields inside it: JSON, path to key
)

// encodeTable is what CreateTable gets for t.
func encodeTable(t lake.Table) *types.TableInput {
	params := map[string]string{}
	maps.Copy(params, t.Parameters)
	params["classification"] = "parquet"
	params["EXTERNAL"] = "TRUE"
	if wantsProjection(nil, params) {
		params = startProjection(params, nil)
	}
	keys := make([]types.Column, 0, len(t.PartitionKeys))
	for _, k := range t.PartitionKeys {
		keys = append(keys, encodeColumn(k))
	}
	columns, _ := mergeColumns([]types.Column{}, keys, t.Columns)
	return &types.TableInput{
		Name:          &t.Name.Table,
		TableType:     aws.String(tableType),
		Parameters:    params,
		PartitionKeys: keys,
		StorageDescriptor: &types.StorageDescriptor{
			Columns:         columns,
			Location:        &t.Location,
			InputFormat:     aws.String(inputFormat),
			OutputFormat:    aws.String(outputFormat),
			NumberOfBuckets: -1,
			BucketColumns:   []string{},
			SortColumns:     []types.Order{},
			SerdeInfo: &types.SerDeInfo{
				SerializationLibrary: aws.String(serde),
				Parameters:           map[string]string{"serialization.format": "1"},
			},
		},
	}
}

// inputOf is the input that writes t back as it is, for a change to be made to it.
func inputOf(t *types.Table) *types.TableInput {
	return &types.TableInput{
		Name:              t.Name,
		Description:       t.Description,
		LastAccessTime:    t.LastAccessTime,
		LastAnalyzedTime:  t.LastAnalyzedTime,
		Owner:             t.Owner,
		Parameters:        t.Parameters,
		PartitionKeys:     t.PartitionKeys,
		Retention:         t.Retention,
		StorageDescriptor: t.StorageDescriptor,
		TableType:         t.TableType,
		TargetTable:       t.TargetTable,
		ViewExpandedText:  t.ViewExpandedText,
		ViewOriginalText:  t.ViewOriginalText,
	}
}

// decodeTable reads a table. Where a column's type cannot be read, strict makes
// that an error, else the column has no type.
func decodeTable(t types.Table, strict bool) (lake.Table, error) {
	table := lake.Table{
		Name:       lake.TableName{Database: aws.ToString(t.DatabaseName), Table: aws.ToString(t.Name)},
		Parameters: maps.Clone(t.Parameters),
		Version:    aws.ToString(t.VersionId),
	}
	if aws.ToString(t.TableType) == viewType {
		// Its columns have no files that they must fit; engines write what they like.
		table.View, strict = aws.ToString(t.ViewOriginalText), false
	}
	var err error
	if sd := t.StorageDescriptor; sd != nil {
		table.Location = folder(aws.ToString(sd.Location))
		table.Storage = decodeStorage(sd)
		if table.Columns, err = decodeColumns(table.Name, sd.Columns, strict); err != nil {
			return lake.Table{}, err
		}
	}
	table.PartitionKeys, err = decodeColumns(table.Name, t.PartitionKeys, strict)
	if err != nil {
		return lake.Table{}, err
	}
	return table, nil
}

// decodeStorage reads how the files are stored; zero where they are Parquet.
func decodeStorage(sd *types.StorageDescriptor) lake.Storage {
	s := lake.Storage{InputFormat: aws.ToString(sd.InputFormat), OutputFormat: aws.ToString(sd.OutputFormat)}
	if sd.SerdeInfo != nil {
		s.SerDe = aws.ToString(sd.SerdeInfo.SerializationLibrary)
		if len(sd.SerdeInfo.Parameters) > 0 {
			s.Properties = maps.Clone(sd.SerdeInfo.Parameters)
		}
	}
	if s.IsParquet() {
		return lake.Storage{}
	}
	return s
}

// folder ends a location in a slash, as others may not have done.
func folder(location string) string {
	if location == "" || strings.HasSuffix(location, "/") {
		return location
	}
	return location + "/"
}

func decodeColumns(name lake.TableName, columns []types.Column, strict bool) ([]lake.Column, error) {
	out := make([]lake.Column, 0, len(columns))
	for _, c := range columns {
		col, err := decodeColumn(c)
		if err != nil && strict {
			return nil, &ColumnTypeError{Table: name, Column: col.Name, Type: aws.ToString(c.Type), Err: err}
		}
		out = append(out, col)
	}
	return out, nil
}

// decodeColumn reads a column; its type is the zero Type beside an error.
func decodeColumn(c types.Column) (lake.Column, error) {
	col := lake.Column{Name: strings.ToLower(aws.ToString(c.Name)), Key: c.Parameters[paramKey]}
	t, err := lake.ParseType(aws.ToString(c.Type))
	if err != nil {
		return col, err
	}
	if s := c.Parameters[paramKeys]; s != "" {
		var keys map[string]string
		// What is not ours to read there is not ours to complain of: the keys
		// are then those of the names.
		if json.Unmarshal([]byte(s), &keys) == nil {
			t = withKeys(t, "", keys)
		}
	}
	col.Type = t
	return col, nil
}

func encodeColumn(c lake.Column) types.Column {
	return types.Column{
		Name:       &c.Name,
		Type:       aws.String(c.Type.String()),
		Parameters: withKeyParams(nil, c),
	}
}

// withKeyParams adds what keeps c's JSON keys to a copy of params.
func withKeyParams(params map[string]string, c lake.Column) map[string]string {
	out := maps.Clone(params)
	set := func(name, value string) {
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value
	}
	if c.Key != "" && c.Key != c.Name {
		set(paramKey, c.Key)
	}
	keys := map[string]string{}
	collectKeys(c.Type, "", keys)
	if len(keys) > 0 {
		text, err := json.Marshal(keys)
		if err != nil {
			panic("BUG: a map of strings has no JSON: " + err.Error())
		}
		set(paramKeys, string(text))
	}
	return out
}

// collectKeys puts the keys of the fields within t into keys.
func collectKeys(t lake.Type, path string, keys map[string]string) {
	if t.Elem != nil {
		collectKeys(*t.Elem, path, keys)
	}
	for _, f := range t.Fields {
		p := join(path, f.Name)
		if f.Key != "" && f.Key != f.Name {
			keys[p] = f.Key
		}
		collectKeys(f.Type, p, keys)
	}
}

// withKeys is t with the keys of its fields.
func withKeys(t lake.Type, path string, keys map[string]string) lake.Type {
	if t.Elem != nil {
		elem := withKeys(*t.Elem, path, keys)
		t.Elem = &elem
	}
	if t.Fields != nil {
		fields := make([]lake.Column, len(t.Fields))
		for i, f := range t.Fields {
			p := join(path, f.Name)
			fields[i] = lake.Column{Name: f.Name, Key: keys[p], Type: withKeys(f.Type, p, keys)}
		}
		t.Fields = fields
	}
	return t
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
