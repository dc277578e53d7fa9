package embedded

import "encoding/json"

// The shapes of the Glue API that are stored. What is stored only to be given
// back is kept as it came.

type databaseInput struct {
	Name                          string            `json:"Name"`
	Description                   *string           `json:"Description,omitempty"`
	LocationUri                   *string           `json:"LocationUri,omitempty"`
	Parameters                    map[string]string `json:"Parameters"`
	CreateTableDefaultPermissions json.RawMessage   `json:"CreateTableDefaultPermissions,omitempty"`
	TargetDatabase                json.RawMessage   `json:"TargetDatabase,omitempty"`
}

type database struct {
	databaseInput
	CreateTime epoch  `json:"CreateTime"`
	CatalogID  string `json:"CatalogId"`
}

type tableInput struct {
	Name              string             `json:"Name"`
	Description       *string            `json:"Description,omitempty"`
	Owner             *string            `json:"Owner,omitempty"`
	LastAccessTime    *epoch             `json:"LastAccessTime,omitempty"`
	LastAnalyzedTime  *epoch             `json:"LastAnalyzedTime,omitempty"`
	Retention         int64              `json:"Retention"`
	StorageDescriptor *storageDescriptor `json:"StorageDescriptor,omitempty"`
	PartitionKeys     []column           `json:"PartitionKeys"`
	ViewOriginalText  *string            `json:"ViewOriginalText,omitempty"`
	ViewExpandedText  *string            `json:"ViewExpandedText,omitempty"`
	TableType         string             `json:"TableType"`
	Parameters        map[string]string  `json:"Parameters"`
	TargetTable       json.RawMessage    `json:"TargetTable,omitempty"`
	ViewDefinition    json.RawMessage    `json:"ViewDefinition,omitempty"`
}

type table struct {
	tableInput
	DatabaseName                  string `json:"DatabaseName"`
	CreateTime                    epoch  `json:"CreateTime"`
	UpdateTime                    epoch  `json:"UpdateTime"`
	VersionID                     string `json:"VersionId"`
	IsRegisteredWithLakeFormation bool   `json:"IsRegisteredWithLakeFormation"`
	CatalogID                     string `json:"CatalogId"`
}

type column struct {
	Name       string            `json:"Name"`
	Type       *string           `json:"Type,omitempty"`
	Comment    *string           `json:"Comment,omitempty"`
	Parameters map[string]string `json:"Parameters,omitempty"`
}

type storageDescriptor struct {
	Columns                []column          `json:"Columns"`
	Location               *string           `json:"Location,omitempty"`
	AdditionalLocations    []string          `json:"AdditionalLocations,omitempty"`
	InputFormat            *string           `json:"InputFormat,omitempty"`
	OutputFormat           *string           `json:"OutputFormat,omitempty"`
	Compressed             bool              `json:"Compressed"`
	NumberOfBuckets        *int64            `json:"NumberOfBuckets"`
	SerdeInfo              *serdeInfo        `json:"SerdeInfo"`
	BucketColumns          []string          `json:"BucketColumns"`
	SortColumns            []json.RawMessage `json:"SortColumns"`
	Parameters             map[string]string `json:"Parameters"`
	SkewedInfo             json.RawMessage   `json:"SkewedInfo,omitempty"`
	SchemaReference        json.RawMessage   `json:"SchemaReference,omitempty"`
	StoredAsSubDirectories bool              `json:"StoredAsSubDirectories"`
}

type serdeInfo struct {
	Name                 *string           `json:"Name,omitempty"`
	SerializationLibrary *string           `json:"SerializationLibrary,omitempty"`
	Parameters           map[string]string `json:"Parameters"`
}

type partitionInput struct {
	Values            []string           `json:"Values"`
	StorageDescriptor *storageDescriptor `json:"StorageDescriptor"`
	partitionDetail
}

// partitionDetail is what a partition has for itself, beside its location.
type partitionDetail struct {
	Parameters       map[string]string `json:"Parameters"`
	LastAccessTime   *epoch            `json:"LastAccessTime,omitempty"`
	LastAnalyzedTime *epoch            `json:"LastAnalyzedTime,omitempty"`
}

type partition struct {
	Values            []string           `json:"Values"`
	DatabaseName      string             `json:"DatabaseName"`
	TableName         string             `json:"TableName"`
	CreationTime      epoch              `json:"CreationTime"`
	StorageDescriptor *storageDescriptor `json:"StorageDescriptor"`
	CatalogID         string             `json:"CatalogId"`
	partitionDetail
}

type errorDetail struct {
	ErrorCode    string `json:"ErrorCode"`
	ErrorMessage string `json:"ErrorMessage"`
}

type partitionError struct {
	PartitionValues []string    `json:"PartitionValues"`
	ErrorDetail     errorDetail `json:"ErrorDetail"`
}

type valueList struct {
	Values []string `json:"Values"`
}

// fill puts in what clients take for granted: Hive's and Spark's unbox the
// numbers and the booleans, Trino compares the lists.
func (d *databaseInput) fill() {
	d.Parameters = orEmpty(d.Parameters)
}

func (t *tableInput) fill() {
	if t.TableType == "" {
		t.TableType = "EXTERNAL_TABLE"
	}
	t.Parameters = orEmpty(t.Parameters)
	t.PartitionKeys = orNone(t.PartitionKeys)
	if t.StorageDescriptor != nil {
		t.StorageDescriptor.fill()
	}
}

func (s *storageDescriptor) fill() {
	if s.NumberOfBuckets == nil {
		none := int64(-1)
		s.NumberOfBuckets = &none
	}
	if s.SerdeInfo == nil {
		s.SerdeInfo = &serdeInfo{}
	}
	s.SerdeInfo.Parameters = orEmpty(s.SerdeInfo.Parameters)
	s.Columns = orNone(s.Columns)
	s.BucketColumns = orNone(s.BucketColumns)
	s.SortColumns = orNone(s.SortColumns)
	s.Parameters = orEmpty(s.Parameters)
}

func (p *partitionInput) fill() {
	if p.StorageDescriptor == nil {
		p.StorageDescriptor = &storageDescriptor{}
	}
	p.StorageDescriptor.fill()
	p.Parameters = orEmpty(p.Parameters)
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func orNone[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
