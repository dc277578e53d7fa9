package main

import (
	"strings"
	"testing"
)

// A table that has no partitions, as others may make, is listed beside the rest.
func TestTablesCommand(t *testing.T) {
	c := startServe(t, t.TempDir())
	c.send("orders", `{"id":1}`)
	c.flush("orders")
	c.glueCall("CreateTable", `{"DatabaseName":"default","TableInput":{"Name":"plain","TableType":"EXTERNAL_TABLE","StorageDescriptor":{"Columns":[{"Name":"a","Type":"int"}]}}}`)
	out, stderr, code := command(t, "", "tables", "--server", c.url)
	if code != 0 {
		t.Fatalf("%d\n%s%s", code, out, stderr)
	}
	var rows []string
	for line := range strings.Lines(out) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	want := []string{"TABLE COLUMNS PARTITIONS", "default.orders 2 1", "default.plain 1 0"}
	if strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", rows, want)
	}
}
