package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// One real day of web requests gives the known numbers while nothing, half and
// all of it is delivered.
func TestNASA(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "nasa-http", "nasa_19950801.tsv")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the real log is not beside this checkout: %v", err)
	}
	defer f.Close()
	records := nasaRecords(t, bufio.NewScanner(f))
	half := len(records) / 2
	c := startServe(t, t.TempDir(), `SLUICE_STREAMS={nasahttp: {partition_by: ["hr=hour(time)"]}}`)
	c.send("nasahttp", strings.Join(records, "\n"))
	c.checkNASA(t, "nothing delivered")
	c.flush("nasahttp")
	c.checkNASA(t, "all delivered")

	// Half in the lake, half in the buffer.
	c = startServe(t, t.TempDir(), `SLUICE_STREAMS={nasahttp: {partition_by: ["hr=hour(time)"]}}`)
	c.send("nasahttp", strings.Join(records[:half], "\n"))
	c.flush("nasahttp")
	c.send("nasahttp", strings.Join(records[half:], "\n"))
	c.checkNASA(t, "half delivered")
}

func (c *child) checkNASA(t *testing.T, when string) {
	t.Helper()
	for _, q := range []struct{ sql, want string }{
		{"select count(*) as n from nasahttp", `{"n":30969}`},
		{"select count(distinct host) as n from nasahttp", `{"n":2365}`},
		{"select sum(bytes) as n from nasahttp", `{"n":482000467}`},
		{"select count(*) as n from nasahttp where response = 404", `{"n":221}`},
		{"select count(*) as n from default.nasahttp where hr = '15'", `{"n":4048}`},
	} {
		if got := c.row(q.sql); got != q.want {
			t.Errorf("%s: %s gives %s, want %s", when, q.sql, got, q.want)
		}
	}
	top := c.rows("select host, sum(bytes) as total_bytes from nasahttp group by host order by total_bytes desc limit 2")
	want := []string{`{"host":"www-relay.pa-x.dec.com","total_bytes":20841941}`, `{"host":"130.110.74.81","total_bytes":18750653}`}
	if !slices.Equal(top, want) {
		t.Errorf("%s: the top two hosts are %v, want %v", when, top, want)
	}
}

// nasaRecords turns the tab-separated log into JSON; empty cells are left out.
func nasaRecords(t *testing.T, lines *bufio.Scanner) []string {
	t.Helper()
	numeric := map[string]bool{"time": true, "response": true, "bytes": true}
	var header, records []string
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		if header == nil {
			header = cells
			continue
		}
		record := map[string]any{}
		for i, cell := range cells {
			if n, err := strconv.ParseInt(cell, 10, 64); err == nil && numeric[header[i]] {
				record[header[i]] = n
			} else if cell != "" {
				record[header[i]] = cell
			}
		}
		b, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(b))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}
