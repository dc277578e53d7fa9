package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/clienttest"
)

// The SDKs as they are published send thousands of calls each. In the middle batches are
// refused with 503 and 429, and answers are lost. SQL finds each call once.
func TestSegmentClients(t *testing.T) {
	for _, sdk := range []struct{ name, module, script string }{
		{"analytics-node-v3", "@segment/analytics-node", "analytics-node-v3.cjs"},
		{"analytics-node-v6", "analytics-node", "analytics-node-v6.cjs"},
		{"rudder-node", "@rudderstack/rudder-sdk-node", "rudder-node.cjs"},
		{"analytics-python", "segment.analytics", "analytics_python.py"},
	} {
		t.Run(sdk.name, func(t *testing.T) {
			t.Parallel() // they wait before they send again
			c := startServe(t, t.TempDir(), "SLUICE_BUFFER_SIZE=1MiB")
			const from, to = 12, 18 // of batches of 100
			calls := clientEvents(t)
			p := clienttest.NewPressure(t, c.url, `"messageId": ?"[^"]+"`, from, to)
			script := filepath.Join("testdata", "clients", sdk.script)
			if filepath.Ext(script) == ".py" {
				clienttest.Python(t, script, sdk.module, p.URL, strconv.Itoa(calls))
			} else {
				clienttest.Node(t, script, []string{sdk.module}, p.URL, strconv.Itoa(calls))
			}
			for _, status := range []int{503, 429, 502} {
				if n := p.Refused(status); n != (to-from)/3 {
					t.Errorf("%d batches were answered %d, want %d", n, status, (to-from)/3)
				}
			}
			c.wantCalls(calls)
			c.flush("segment.default")
			c.wantCalls(calls)
		})
	}
}

// wantCalls wants the calls of the users n0, n1, …, of six types, each once.
func (c *child) wantCalls(n int) {
	c.t.Helper()
	var got struct{ N, Users, Ids, Low, High, Types, Timed, Keys int }
	row := c.row(`select count(*) as n, count(distinct userid) as users, count(distinct messageid) as ids,
		min(cast(substr(userid, 2) as bigint)) as low, max(cast(substr(userid, 2) as bigint)) as high, count(distinct type) as types,
		sum(case when sourceid = 'default' and receivedat is not null and timestamp <= receivedat and originaltimestamp is not null then 1 else 0 end) as timed
		from segment_default`)
	if err := json.Unmarshal([]byte(row), &got); err != nil {
		c.t.Fatal(err)
	}
	if got.N != n || got.Users != n || got.Ids != n || got.Low != 0 || got.High != n-1 || got.Types != 6 || got.Timed != n {
		c.t.Errorf("%d calls were sent, but there are %s\n%s", n, row, c.log)
	}
}

// With segment.tables: event there is a table for each event, in the database of the
// source; a batch that is sent twice is stored once, across a restart too.
func TestSegmentTablePerEvent(t *testing.T) {
	dir := t.TempDir()
	const batch = `{"batch":[{"type":"track","userId":"u1","event":"Order Completed","messageId":"m1","properties":{"total":1}},
		{"type":"track","userId":"u1","event":"Signed Up","messageId":"m2"},{"type":"identify","userId":"u1","messageId":"m3","traits":{"plan":"x"}}],"writeKey":"secret"}`
	post := func(c *child) {
		t.Helper()
		resp, err := http.Post(c.url+"/sources/My-Shop/v1/b", "text/plain", strings.NewReader(batch))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s\n%s", resp.Status, c.log)
		}
	}
	c := startServe(t, dir, "SLUICE_SEGMENT_TABLES=event")
	post(c)
	post(c)
	c.flush("segment.My-Shop.order_completed")
	c.kill()
	c = startServe(t, dir, "SLUICE_SEGMENT_TABLES=event")
	post(c)
	for _, table := range []string{"order_completed", "signed_up", "identifies"} {
		row := c.row("select count(*) as n, min(sourceid) as source, min(userid) as who from my_shop." + table)
		if row != `{"n":1,"source":"My-Shop","who":"u1"}` {
			t.Errorf("%s: %s", table, row)
		}
	}
	if rows := c.rows("select * from my_shop.order_completed"); strings.Contains(strings.Join(rows, ""), "secret") {
		t.Errorf("the write key is in the table: %s", rows)
	}
}
