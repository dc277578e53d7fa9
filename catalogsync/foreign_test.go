package catalogsync_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
)

// call posts a request as clients of others do and is the answer.
func call(t *testing.T, s *embedded.Server, op, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://catalog/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AWSGlue."+op)
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		t.Fatalf("%s: %d %s", op, resp.StatusCode, text)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const foreignTable = `{"DatabaseName":"shop","TableInput":{
	"Name":"Legacy","Description":"from elsewhere","Owner":"etl","Retention":7,"LastAccessTime":1700000000.5,
	"TableType":"EXTERNAL_TABLE","Parameters":{"classification":"parquet","etl.version":"1"},
	"PartitionKeys":[{"Name":"dt","Type":"varchar(10)","Comment":"day"}],
	"StorageDescriptor":{
		"Columns":[
			{"Name":"Id","Type":"BIGINT","Comment":"key"},
			{"Name":"code","Type":"varchar(20)","Parameters":{"x":"y"}},
			{"Name":"s","Type":"struct<a:varchar(3),B:int>"},
			{"Name":"u","Type":"STRUCT< a : int >","Parameters":{"x":"y"}}],
		"Location":"s3://bucket/legacy","InputFormat":"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"OutputFormat":"org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat","NumberOfBuckets":4,"BucketColumns":["id"],
		"SortColumns":[{"Column":"id","SortOrder":1}],"StoredAsSubDirectories":true,"Compressed":true,
		"SkewedInfo":{"SkewedColumnNames":["id"]},
		"SerdeInfo":{"Name":"pq","SerializationLibrary":"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe","Parameters":{"serialization.format":"2"}},
		"Parameters":{"p":"q"}},
	"ViewOriginalText":"o","ViewExpandedText":"e"}}`

// TestEnsureKeepsWhatOthersPut adds to a table that another tool made, and finds
// all else as it was.
func TestEnsureKeepsWhatOthersPut(t *testing.T) {
	server := openServer(t)
	call(t, server, "CreateDatabase", `{"DatabaseInput":{"Name":"shop"}}`)
	call(t, server, "CreateTable", foreignTable)
	before := call(t, server, "GetTable", `{"DatabaseName":"shop","Name":"legacy"}`)["Table"].(map[string]any)

	c := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
	got, err := c.Ensure(t.Context(), lake.Table{
		Name: lake.TableName{Database: "shop", Table: "legacy"}, Location: "s3://elsewhere/",
		Columns: []lake.Column{
			{Name: "id", Type: lake.String}, {Name: "code", Type: lake.Bigint},
			{Name: "s", Type: mustType(t, "struct<a:string,c:int>")}, // would retype a
			{Name: "u", Type: mustType(t, "struct<b:string>")},
			{Name: "added", Type: lake.Date},
		},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}},
		Parameters:    map[string]string{"ours": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := lake.Table{
		Name: lake.TableName{Database: "shop", Table: "legacy"}, Location: "s3://bucket/legacy/", Version: "1",
		Columns: []lake.Column{
			{Name: "id", Type: lake.Bigint}, {Name: "code", Type: lake.String}, {Name: "s", Type: mustType(t, "struct<a:string,B:int>")},
			{Name: "u", Type: mustType(t, "struct<a:int,b:string>")}, {Name: "added", Type: lake.Date},
		},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}},
		Parameters:    map[string]string{"classification": "parquet", "etl.version": "1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}

	after := call(t, server, "GetTable", `{"DatabaseName":"shop","Name":"legacy"}`)["Table"].(map[string]any)
	columns := before["StorageDescriptor"].(map[string]any)["Columns"].([]any)
	columns[3].(map[string]any)["Type"] = "struct<a:int,b:string>"
	before["StorageDescriptor"].(map[string]any)["Columns"] = append(columns, map[string]any{"Name": "added", "Type": "date"})
	before["VersionId"], before["UpdateTime"] = "1", after["UpdateTime"]
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("what another tool put (-want +got):\n%s", diff)
	}

	// A partition is stored as its table is.
	if err := c.AddPartitions(t.Context(), got, []lake.Partition{{Values: []string{"d1"}, Location: "s3://bucket/legacy/dt=d1/"}}); err != nil {
		t.Fatal(err)
	}
	part := call(t, server, "GetPartition", `{"DatabaseName":"shop","TableName":"legacy","PartitionValues":["d1"]}`)["Partition"].(map[string]any)
	sd := after["StorageDescriptor"].(map[string]any)
	sd["Location"] = "s3://bucket/legacy/dt=d1/"
	if diff := cmp.Diff(sd, part["StorageDescriptor"]); diff != "" {
		t.Errorf("storage descriptor of the partition (-want +got):\n%s", diff)
	}
}

func TestTypesThatCannotBeRead(t *testing.T) {
	server := openServer(t)
	call(t, server, "CreateDatabase", `{"DatabaseInput":{"Name":"shop"}}`)
	call(t, server, "CreateTable", `{"DatabaseName":"shop","TableInput":{"Name":"odd","StorageDescriptor":{"Location":"s3://b/odd/",
		"Columns":[{"Name":"id","Type":"int"},{"Name":"u","Type":"uniontype<int,string>"}]}}}`)
	call(t, server, "CreateTable", `{"DatabaseName":"shop","TableInput":{"Name":"view","TableType":"VIRTUAL_VIEW","ViewOriginalText":"select 1"}}`)
	c := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
	tables, err := c.Tables(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := []lake.Table{
		{
			Name: lake.TableName{Database: "shop", Table: "odd"}, Location: "s3://b/odd/", Version: "0",
			Columns:       []lake.Column{{Name: "id", Type: lake.Int}, {Name: "u"}},
			PartitionKeys: []lake.Column{}, Parameters: map[string]string{},
		},
		{
			Name: lake.TableName{Database: "shop", Table: "view"}, Version: "0",
			PartitionKeys: []lake.Column{}, Parameters: map[string]string{}, View: "select 1",
		},
	}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	odd := lake.TableName{Database: "shop", Table: "odd"}
	var unread *catalogsync.ColumnTypeError
	if _, err := c.Table(t.Context(), odd); !errors.As(err, &unread) || unread.Column != "u" || unread.Table != odd || unread.Type != "uniontype<int,string>" {
		t.Errorf("asking for the table: %v", err)
	}
	_, err = c.Ensure(t.Context(), lake.Table{Name: odd, Location: "s3://b/odd/", Columns: []lake.Column{{Name: "more", Type: lake.Int}}})
	if !errors.As(err, &unread) {
		t.Errorf("adding to the table: %v", err)
	}
	_, err = c.Ensure(t.Context(), lake.Table{
		Name: lake.TableName{Database: "shop", Table: "view"}, Location: "s3://b/v/", Columns: []lake.Column{{Name: "more", Type: lake.Int}},
	})
	if err == nil {
		t.Error("adding to a view: no error")
	}
	if v := call(t, server, "GetTable", `{"DatabaseName":"shop","Name":"odd"}`)["Table"].(map[string]any)["VersionId"]; v != "0" {
		t.Errorf("the table has version %s", v)
	}
}

// TestHowATableIsWritten pins what other engines find.
func TestHowATableIsWritten(t *testing.T) {
	server := openServer(t)
	c := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
	want := purchasesTable()
	if _, err := c.Ensure(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	want.Columns = append(want.Columns, lake.Column{Name: "price", Type: lake.Double})
	table, err := c.Ensure(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddPartitions(t.Context(), table, parts(table, 5, 1)); err != nil {
		t.Fatal(err)
	}

	got := call(t, server, "GetTable", `{"DatabaseName":"shop","Name":"purchases"}`)["Table"].(map[string]any)
	delete(got, "CreateTime")
	delete(got, "UpdateTime")
	text := func(s string) (v map[string]any) {
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	sd := text(`{
		"Columns": [
			{"Name": "bookid", "Type": "bigint", "Parameters": {"sluice.key": "bookId"}},
			{"Name": "title", "Type": "string"},
			{"Name": "_rescued", "Type": "map<string,string>"},
			{"Name": "user", "Type": "struct<country:string,tags:array<struct<t:timestamp>>>", "Parameters":
				{"sluice.key": "User", "sluice.keys": "{\"country\":\"Country\",\"tags.t\":\"T\"}"}},
			{"Name": "price", "Type": "double"}],
		"Location": "file:///lake/shop/purchases/",
		"InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		"SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
			"Parameters": {"serialization.format": "1"}},
		"NumberOfBuckets": -1, "BucketColumns": [], "SortColumns": [], "Parameters": {},
		"Compressed": false, "StoredAsSubDirectories": false}`)
	wantTable := text(`{
		"Name": "purchases", "DatabaseName": "shop", "CatalogId": "000000000000", "VersionId": "1", "Retention": 0,
		"TableType": "EXTERNAL_TABLE", "IsRegisteredWithLakeFormation": false,
		"Parameters": {"classification": "parquet", "EXTERNAL": "TRUE", "sluice.stream": "purchases"},
		"PartitionKeys": [{"Name": "dt", "Type": "string"}, {"Name": "hr", "Type": "int"}]}`)
	wantTable["StorageDescriptor"] = sd
	if diff := cmp.Diff(wantTable, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}

	part := call(t, server, "GetPartition", `{"DatabaseName":"shop","TableName":"purchases","PartitionValues":["day00000","5"]}`)
	sd["Location"] = "file:///lake/shop/purchases/dt=day00000/hr=5/"
	if diff := cmp.Diff(sd, part["Partition"].(map[string]any)["StorageDescriptor"]); diff != "" {
		t.Errorf("storage descriptor of the partition (-want +got):\n%s", diff)
	}

	// Updates leave nothing in the archive, which Glue bounds.
	if v := call(t, server, "GetTableVersions", `{"DatabaseName":"shop","TableName":"purchases"}`)["TableVersions"].([]any); len(v) != 1 {
		t.Errorf("%d table versions", len(v))
	}
}

// A stream's Parquet in a table of CSV would be read as CSV.
func TestEnsureRefusesTablesOfText(t *testing.T) {
	server := openServer(t)
	call(t, server, "CreateDatabase", `{"DatabaseInput":{"Name":"shop"}}`)
	call(t, server, "CreateTable", `{"DatabaseName":"shop","TableInput":{"Name":"legacy","StorageDescriptor":{
		"Columns":[{"Name":"id","Type":"string"}],"Location":"s3://bucket/legacy","InputFormat":"org.apache.hadoop.mapred.TextInputFormat",
		"SerdeInfo":{"SerializationLibrary":"org.apache.hadoop.hive.serde2.OpenCSVSerde"}}}}`)
	c := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
	_, err := c.Ensure(t.Context(), lake.Table{Name: lake.TableName{Database: "shop", Table: "legacy"}, Location: "s3://elsewhere/",
		Columns: []lake.Column{{Name: "id", Type: lake.String}, {Name: "more", Type: lake.String}}})
	if err == nil || !strings.Contains(err.Error(), "OpenCSVSerde") {
		t.Errorf("error %v", err)
	}
	if got := call(t, server, "GetTable", `{"DatabaseName":"shop","Name":"legacy"}`)["Table"].(map[string]any)["VersionId"]; got != "0" {
		t.Errorf("the table was changed: version %v", got)
	}
}
