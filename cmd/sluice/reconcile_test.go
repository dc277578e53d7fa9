package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// glueCall sends a request to the service's catalog.
func (c *child) glueCall(op, body string) map[string]any {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AWSGlue."+op)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %s %s, %v", op, resp.Status, text, err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		c.t.Fatal(err)
	}
	return out
}

func TestReconcileCommand(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir)
	c.send("orders", `{"id":1,"price":1.5,"big":12345678901,"ok":true,"at":"2026-01-01T00:00:00Z","tags":["a"],"user":{"name":"n","address":{"city":"c"}},"items":[{"sku":"s"}]}`)
	c.flush("orders")
	before := c.rows("describe orders")
	table := c.glueCall("GetTable", `{"DatabaseName":"default","Name":"orders"}`)["Table"].(map[string]any)
	parts := c.glueCall("GetPartitions", `{"DatabaseName":"default","TableName":"orders"}`)["Partitions"].([]any)
	values := parts[0].(map[string]any)["Values"].([]any)[0].(string)

	// Somebody loses the partition and all columns but one, and adds a partition.
	sd := table["StorageDescriptor"].(map[string]any)
	sd["Columns"] = sd["Columns"].([]any)[:1]
	input, err := json.Marshal(map[string]any{"Name": "orders", "StorageDescriptor": sd, "PartitionKeys": table["PartitionKeys"], "Parameters": table["Parameters"]})
	if err != nil {
		t.Fatal(err)
	}
	c.glueCall("UpdateTable", `{"DatabaseName":"default","TableInput":`+string(input)+`}`)
	c.glueCall("DeletePartition", `{"DatabaseName":"default","TableName":"orders","PartitionValues":["`+values+`"]}`)
	c.glueCall("CreatePartition", `{"DatabaseName":"default","TableName":"orders","PartitionInput":{"Values":["1999-01-01"],
		"StorageDescriptor":{"Location":"`+sd["Location"].(string)+`dt=1999-01-01/"}}}`)

	reconcile := func(args ...string) string {
		t.Helper()
		out, stderr, code := command(t, "", append([]string{"tables", "reconcile", "--server", c.url}, args...)...)
		if code != 0 {
			t.Fatalf("%v: %d\n%s%s", args, code, out, stderr)
		}
		return out
	}
	out := reconcile("--dry-run")
	for _, want := range []string{"default.orders\n", `  + partition ["` + values + `"] at `, `    partition ["1999-01-01"] without files`, "  + column price double\n", "; nothing was changed\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("dry run without %q:\n%s", want, out)
		}
	}
	if got := len(c.rows("describe orders")); got == len(before) {
		t.Error("the dry run changed the table")
	}
	reconcile("orders")
	sorted := func(rows []string) map[string]bool {
		set := map[string]bool{}
		for _, r := range rows {
			set[r] = true
		}
		return set
	}
	if diff := cmp.Diff(sorted(before), sorted(c.rows("describe orders"))); diff != "" {
		t.Errorf("columns (-before +after):\n%s", diff)
	}
	if got := c.rows("show partitions orders"); len(got) != 2 {
		t.Errorf("partitions %v", got)
	}
	if got := reconcile("--remove"); !strings.Contains(got, `  - partition ["1999-01-01"]`) {
		t.Errorf("removal: %s", got)
	}
	if got := reconcile("--dry-run", "default.orders"); got != "1 of 1 tables are as the lake is\n" {
		t.Errorf("in the end: %s", got)
	}
	if got := c.row("select price from orders where dt = '" + values + "'"); got != `{"price":1.5}` {
		t.Errorf("price %s", got)
	}
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := command(t, "", "tables", "reconcile", "--dry-run", "--output", "json", "--data-dir", dir); code != 0 || !strings.Contains(out, `"table": "default.orders"`) {
		t.Errorf("without a service: %d %s %s", code, out, stderr)
	}
}
