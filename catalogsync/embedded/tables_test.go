package embedded_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestTableHasWhatClientsUnbox(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"D","TableInput":{"Name":"T","StorageDescriptor":{
		"Columns":[{"Name":"Id","Type":"array<string>"}],"Location":"s3://b/t/"}}}`)
	table := c.ok("GetTable", `{"DatabaseName":"d","Name":"t"}`)["Table"].(object)
	for _, name := range []string{"CreateTime", "UpdateTime"} {
		if at, ok := table[name].(float64); !ok || at < 1.7e9 || at > 1e11 {
			t.Errorf("%s %v is not in seconds", name, table[name])
		}
		delete(table, name)
	}
	c.same(object{
		"Name": "t", "DatabaseName": "d", "CatalogId": "000000000000", "VersionId": "0", "Retention": 0.0,
		"TableType": "EXTERNAL_TABLE", "Parameters": object{}, "PartitionKeys": []any{}, "IsRegisteredWithLakeFormation": false,
		"StorageDescriptor": object{
			"Columns": []any{object{"Name": "Id", "Type": "array<string>"}}, "Location": "s3://b/t/", "NumberOfBuckets": -1.0,
			"Compressed": false, "StoredAsSubDirectories": false, "BucketColumns": []any{}, "SortColumns": []any{},
			"Parameters": object{}, "SerdeInfo": object{"Parameters": object{}},
		},
	}, table)
}

func TestTableErrors(t *testing.T) {
	c := open(t)
	c.fails("EntityNotFoundException", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t"}}`)
	c.fails("EntityNotFoundException", "GetTables", `{"DatabaseName":"d"}`)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t"}}`)
	c.fails("AlreadyExistsException", "CreateTable", `{"DatabaseName":"D","TableInput":{"Name":"T"}}`)
	c.fails("InvalidInputException", "CreateTable", `{"DatabaseName":"d","TableInput":{}}`)
	c.fails("InvalidInputException", "CreateTable", `{"TableInput":{"Name":"x"}}`)
	c.fails("InvalidInputException", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"x"},"OpenTableFormatInput":{"IcebergInput":{}}}`)
	c.fails("InvalidInputException", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"x","StorageDescriptor":{"Columns":[{"Name":"a"},{"Name":"A"}]}}}`)
	c.fails("InvalidInputException", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"x","PartitionKeys":[{"Type":"int"}]}}`)
	c.fails("InvalidInputException", "GetTable", `{"DatabaseName":"d"}`)
	c.fails("EntityNotFoundException", "GetTable", `{"DatabaseName":"d","Name":"x"}`)
	c.fails("EntityNotFoundException", "UpdateTable", `{"DatabaseName":"d","TableInput":{"Name":"x"}}`)
	c.fails("EntityNotFoundException", "DeleteTable", `{"DatabaseName":"d","Name":"x"}`)
	c.fails("InvalidInputException", "GetTables", `{"DatabaseName":"d","Expression":"("}`)
	c.ok("DeleteTable", `{"DatabaseName":"D","Name":"T"}`)
	c.fails("EntityNotFoundException", "GetTable", `{"DatabaseName":"d","Name":"t"}`)

	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t1"}}`)
	out := c.ok("BatchDeleteTable", `{"DatabaseName":"d","TablesToDelete":["x","T1"]}`)["Errors"].([]any)
	if len(out) != 1 || out[0].(object)["TableName"] != "x" {
		t.Errorf("errors %v", out)
	}
	c.fails("EntityNotFoundException", "GetTable", `{"DatabaseName":"d","Name":"t1"}`)
}

func TestVersions(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","Description":"0"}}`)
	const update = `{"DatabaseName":"d","TableInput":{"Name":"t","Description":"%d"}%s}`
	c.fails("ConcurrentModificationException", "UpdateTable", update, 9, `,"VersionId":"1"`)
	c.fails("ConcurrentModificationException", "UpdateTable", update, 9, `,"VersionId":""`)
	c.ok("UpdateTable", update, 1, `,"VersionId":"0"`)
	c.fails("ConcurrentModificationException", "UpdateTable", update, 9, `,"VersionId":"0"`)
	c.ok("UpdateTable", update, 2, ``)
	c.ok("UpdateTable", update, 3, `,"SkipArchive":true,"VersionId":"2"`)
	c.ok("UpdateTable", update, 4, `,"SkipArchive":false`)
	versions := func() []string {
		return c.list("GetTableVersions", "TableVersions", "VersionId", `{"DatabaseName":"d","TableName":"T","MaxResults":2}`)
	}
	c.same([]string{"4", "3", "1", "0"}, versions())
	for _, v := range []int{0, 1, 3, 4} {
		out := c.ok("GetTableVersion", `{"DatabaseName":"d","TableName":"t","VersionId":"%d"}`, v)["TableVersion"].(object)
		if got := out["Table"].(object)["Description"]; got != fmt.Sprint(v) || out["VersionId"] != fmt.Sprint(v) {
			t.Errorf("version %d is %v", v, out)
		}
	}
	if out := c.ok("GetTableVersion", `{"DatabaseName":"d","TableName":"t"}`)["TableVersion"].(object); out["VersionId"] != "4" {
		t.Errorf("the newest version is %v", out)
	}
	c.fails("EntityNotFoundException", "GetTableVersion", `{"DatabaseName":"d","TableName":"t","VersionId":"2"}`)
	c.fails("InvalidInputException", "GetTableVersion", `{"DatabaseName":"d","TableName":"t","VersionId":"x"}`)
	c.ok("DeleteTableVersion", `{"DatabaseName":"d","TableName":"t","VersionId":"1"}`)
	c.fails("EntityNotFoundException", "DeleteTableVersion", `{"DatabaseName":"d","TableName":"t","VersionId":"1"}`)
	out := c.ok("BatchDeleteTableVersion", `{"DatabaseName":"d","TableName":"t","VersionIds":["0","1","4"]}`)
	if n := len(out["Errors"].([]any)); n != 2 {
		t.Errorf("errors %v", out)
	}
	c.same([]string{"4", "3"}, versions())
}

func TestPartitionKeysStayWhileThereArePartitions(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","PartitionKeys":[{"Name":"a"}]}}`)
	c.ok("UpdateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","PartitionKeys":[{"Name":"a"},{"Name":"b"}]}}`)
	c.ok("CreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInput":{"Values":["x","y"]}}`)
	c.fails("InvalidInputException", "UpdateTable", `{"DatabaseName":"d","TableInput":{"Name":"t"}}`)
	c.ok("UpdateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","PartitionKeys":[{"Name":"a"},{"Name":"c","Type":"int"}]}}`)
}

func TestGetTables(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"other"}}`)
	c.ok("CreateTable", `{"DatabaseName":"other","TableInput":{"Name":"orders_x"}}`)
	for _, name := range []string{"orders", "orders_eu", "orders_us", "users", "a.b"} {
		c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":%q}}`, name)
	}
	for expression, want := range map[string]string{
		"": "a.b orders orders_eu orders_us users", "*": "a.b orders orders_eu orders_us users", ".*": "a.b orders orders_eu orders_us users",
		"orders": "orders", "orders*": "orders orders_eu orders_us", "ORDERS_.*": "orders_eu orders_us", "*us*": "orders_us users",
		"orders_(eu|us)": "orders_eu orders_us", "users|orders": "orders users", "rder": "", ".*_[eu]+.*": "orders_eu orders_us",
		"[a-z]*": "orders users", `a\.b`: "a.b",
	} {
		got := c.list("GetTables", "TableList", "Name", `{"DatabaseName":"d","MaxResults":2,"Expression":%q}`, expression)
		if strings.Join(got, " ") != want {
			t.Errorf("tables like %q: %v, want %s", expression, got, want)
		}
	}
}

func TestSearchTables(t *testing.T) {
	c := open(t)
	for _, db := range []string{"d1", "d2"} {
		c.ok("CreateDatabase", `{"DatabaseInput":{"Name":%q}}`, db)
		c.ok("CreateTable", `{"DatabaseName":%q,"TableInput":{"Name":"sales-eu","Description":"What we Sold"}}`, db)
		c.ok("CreateTable", `{"DatabaseName":%q,"TableInput":{"Name":"users","StorageDescriptor":{"Columns":[{"Name":"saleId"}]}}}`, db)
	}
	for body, want := range map[string]string{
		`{"MaxResults":1}`:                                                "sales-eu users sales-eu users",
		`{"MaxResults":1,"SearchText":"SOLD"}`:                            "sales-eu sales-eu",
		`{"MaxResults":1,"SearchText":"sale"}`:                            "sales-eu users sales-eu users",
		`{"Filters":[{"Key":"DatabaseName","Value":"d2"}]}`:               "sales-eu users",
		`{"Filters":[{"Key":"Name","Value":"EU"}]}`:                       "sales-eu sales-eu",
		`{"Filters":[{"Key":"Name","Value":"sales"}],"SearchText":"d1"}`:  "sales-eu",
		`{"Filters":[{"Key":"Description","Value":"we"}],"MaxResults":1}`: "sales-eu sales-eu",
	} {
		if got := c.list("SearchTables", "TableList", "Name", body); strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
	c.fails("InvalidInputException", "SearchTables", `{"Filters":[{"Key":"CreateTime","Value":"1"}]}`)
}

// TestTablePagesAreBounded has tables whose columns would make an answer too large.
func TestTablePagesAreBounded(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	columns := `{"Name":"c","Type":"struct<` + strings.Repeat("x:int,", 50_000) + `y:int>"}`
	for i := range 40 {
		c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t%02d","StorageDescriptor":{"Columns":[%s]}}}`, i, columns)
	}
	if _, answer := c.post("GetTables", `{"DatabaseName":"d"}`); len(answer) > 8<<20 {
		t.Errorf("a page of %d bytes", len(answer))
	}
	if got := c.list("GetTables", "TableList", "Name", `{"DatabaseName":"d"}`); len(got) != 40 {
		t.Errorf("%d tables", len(got))
	}
}
