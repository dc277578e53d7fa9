package catalogsync_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
)

// grown is the table after its structs have got fields.
func grown() lake.Table {
	table := purchasesTable()
	table.Columns[3].Type = lake.StructOf(
		table.Columns[3].Type.Fields[0],
		lake.Column{Name: "tags", Type: lake.ArrayOf(lake.StructOf(
			lake.Column{Name: "t", Type: lake.Timestamp, Key: "T"}, lake.Column{Name: "weight", Type: lake.Double}))},
		lake.Column{Name: "email", Type: lake.String})
	table.Columns = append(table.Columns, lake.Column{Name: "price", Type: lake.Double})
	return table
}

const grownUser = "struct<country:string,tags:array<struct<t:timestamp,weight:double>>,email:string>"

// columnsOf are the columns of a partition as the catalog has them, by name, and the
// partition without them.
func columnsOf(t *testing.T, server *embedded.Server, database, table, values string) (columns map[string]string, rest map[string]any) {
	t.Helper()
	out := call(t, server, "GetPartition", `{"DatabaseName":"`+database+`","TableName":"`+table+`","PartitionValues":[`+values+`]}`)
	rest = out["Partition"].(map[string]any)
	sd := rest["StorageDescriptor"].(map[string]any)
	columns = map[string]string{}
	for _, c := range sd["Columns"].([]any) {
		column := c.(map[string]any)
		columns[column["Name"].(string)] = column["Type"].(string)
	}
	delete(sd, "Columns")
	return columns, rest
}

// PrestoDB 0.287 and Trino 476 read a struct's fields as the partition has them: of one
// that was made before a field came, the field was null in new files too.
func TestPartitionsGetTheFieldsOfStructs(t *testing.T) {
	server := openServer(t)
	transport := &faulty{next: server.Transport(), hit: func(int, string) *fault { return nil }}
	c := newCatalog(t, catalogsync.Config{Transport: transport, Cache: time.Hour, KnownPartitions: 400})
	old := purchasesTable()
	if _, err := c.Ensure(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	delivery(t, c, transport, old, 0, 3)
	call(t, server, "UpdatePartition", `{"DatabaseName":"shop","TableName":"purchases","PartitionValueList":["day00000","0"],"PartitionInput":{
		"Values":["day00000","0"],"LastAccessTime":7,"Parameters":{"numRows":"5"},"StorageDescriptor":{"Location":"`+parts(old, 0, 1)[0].Location+`",
		"Parameters":{"p":"q"},"SerdeInfo":{"SerializationLibrary":"lib"},
		"Columns":[{"Name":"USER","Type":"struct<country:string,tags:array<struct<t:timestamp>>>","Comment":"theirs"},{"Name":"gone","Type":"struct<a:int>"},{"Name":"title","Type":"varchar(5)"}]}}}`)
	_, before := columnsOf(t, server, "shop", "purchases", `"day00000","0"`)

	if got := delivery(t, c, transport, grown(), 0, 2); !slices.Contains(got, "BatchUpdatePartition") {
		t.Errorf("requests of a delivery to a grown struct: %v", got)
	}
	if got := delivery(t, c, transport, grown(), 0, 2); !slices.Equal(got, []string{"GetTable"}) {
		t.Errorf("requests of the next one: %v", got)
	}
	columns, after := columnsOf(t, server, "shop", "purchases", `"day00000","0"`)
	if columns["USER"] != grownUser || columns["gone"] != "struct<a:int>" || columns["title"] != "varchar(5)" || columns["price"] != "double" {
		t.Errorf("columns of a partition that another writer had changed: %v", columns)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("what is not the columns (-before +after):\n%s", diff)
	}
	for values, want := range map[string]string{
		`"day00000","1"`: grownUser,
		`"day00000","2"`: "struct<country:string,tags:array<struct<t:timestamp>>>", // it got no file
	} {
		if columns, _ := columnsOf(t, server, "shop", "purchases", values); columns["user"] != want {
			t.Errorf("partition %s: user is %s, want %s", values, columns["user"], want)
		}
	}
	// A column alone, or a delivery without the new fields, needs nothing.
	more := grown()
	more.Columns = append(more.Columns, lake.Column{Name: "note", Type: lake.String})
	for _, table := range []lake.Table{more, old} {
		if got := delivery(t, c, transport, table, 0, 2); slices.Contains(got, "BatchUpdatePartition") {
			t.Errorf("requests: %v", got)
		}
	}
}

// A writer that had read the table before another one's field was there, and writes
// the partition after it, puts the field back.
func TestPartitionsLoseNoFieldOfAnotherWriter(t *testing.T) {
	server := openServer(t)
	other := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
	table := purchasesTable()
	if _, err := other.Ensure(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	delivery(t, other, &faulty{next: server.Transport()}, table, 0, 1)
	theirs := purchasesTable()
	theirs.Columns[3].Type = lake.StructOf(lake.Column{Name: "theirs", Type: lake.String})
	interfered := false
	transport := &faulty{next: server.Transport(), hit: func(_ int, op string) *fault {
		if op == "BatchUpdatePartition" && !interfered {
			interfered = true
			delivery(t, other, &faulty{next: server.Transport()}, theirs, 0, 1)
			if columns, _ := columnsOf(t, server, "shop", "purchases", `"day00000","0"`); !strings.Contains(columns["user"], "theirs") {
				t.Errorf("the other writer's field is not there: %v", columns)
			}
		}
		return nil
	}}
	ours := purchasesTable()
	ours.Columns[3].Type = lake.StructOf(lake.Column{Name: "ours", Type: lake.String})
	delivery(t, newCatalog(t, catalogsync.Config{Transport: transport}), transport, ours, 0, 1)
	columns, _ := columnsOf(t, server, "shop", "purchases", `"day00000","0"`)
	if !interfered || !strings.Contains(columns["user"], "theirs") || !strings.Contains(columns["user"], "ours") {
		t.Errorf("user is %s", columns["user"])
	}
}
