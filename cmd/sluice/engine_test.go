package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fakeTrino answers every statement with one row: the statement.
func fakeTrino(t *testing.T) string {
	t.Helper()
	var schema string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			schema = r.Header.Get("X-Trino-Schema")
			fmt.Fprintf(w, `{"id":"q","nextUri":"http://%s/v1/statement/executing/q/1","stats":{"state":"QUEUED"}}`, r.Host)
			return
		}
		fmt.Fprint(w, `{"id":"q","infoUri":"http://x/","columns":[{"name":"n","type":"bigint","typeSignature":{"rawType":"bigint","arguments":[]}},{"name":"s","type":"varchar","typeSignature":{"rawType":"varchar","arguments":[]}}],
			"data":[[9007199254740993,"`+schema+`"]],"stats":{"state":"FINISHED","physicalInputBytes":123}}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTrinoCommand(t *testing.T) {
	server := fakeTrino(t)
	for format, want := range map[string]string{
		"ndjson": `{"n":9007199254740993,"s":"shop"}` + "\n",
		"csv":    "n,s\r\n9007199254740993,shop\r\n",
		"table":  "9007199254740993",
	} {
		out, stderr, code := command(t, "", "query", "--engine", "trino", "--trino-server", server, "--trino-user", "ann", "--database", "shop", "--output", format, "select 1")
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: %d %q %s", format, code, out, stderr)
		}
	}
	for _, format := range []string{"arrow", "parquet"} {
		if out, stderr, code := command(t, "", "query", "--engine", "trino", "--trino-server", server, "--output", format, "select 1"); code != exitOK || len(out) < 100 {
			t.Errorf("%s: %d %q %s", format, code, out, stderr)
		}
	}
	out, stderr, code := command(t, "", "query", "--engine", "trino", "--trino-server", server, "--output", "json", "select 1")
	var doc struct {
		Stats struct{ Rows, BytesScanned int64 }
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(out, "bytes_scanned", "bytesscanned")), &doc); err != nil || code != exitOK || doc.Stats.Rows != 1 || doc.Stats.BytesScanned != 123 {
		t.Errorf("json: %d %q %s %v", code, out, stderr, err)
	}
}

// What other engines do not have is a wrong command line, before anybody is asked.
func TestEngineFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--engine", "oracle"},
		{"--engine", "trino"}, // where?
		{"--engine", "trino", "--trino-server", "http://127.0.0.1:1", "--checkpoint", "hourly"},
		{"--engine", "athena", "--dialect", "duckdb"},
		{"--engine", "athena", "--server", "http://127.0.0.1:1"},
		{"--engine", "trino", "--trino-server", "ftp://x"},
	} {
		if out, stderr, code := command(t, "", append([]string{"query", "select 1"}, args...)...); code != exitUsage {
			t.Errorf("%v: %d %q %s", args, code, out, stderr)
		}
	}
}

func TestAthenaCommand(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	var started string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("X-Amz-Target") {
		case "AmazonAthena.StartQueryExecution":
			var in map[string]any
			json.NewDecoder(r.Body).Decode(&in)
			started = fmt.Sprint(in["QueryString"], " ", in["WorkGroup"], " ", in["QueryExecutionContext"])
			fmt.Fprint(w, `{"QueryExecutionId":"q"}`)
		case "AmazonAthena.GetQueryExecution":
			fmt.Fprint(w, `{"QueryExecution":{"QueryExecutionId":"q","StatementType":"DML","Status":{"State":"SUCCEEDED"},"Statistics":{"DataScannedInBytes":1}}}`)
		default:
			fmt.Fprint(w, `{"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"n"}]},{"Data":[{"VarCharValue":"1"}]}],"ResultSetMetadata":{"ColumnInfo":[{"Name":"n","Type":"bigint"}]}}}`)
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("SLUICE_ATHENA_ENDPOINT", s.URL)
	out, stderr, code := command(t, "", "query", "--engine", "athena", "--athena-workgroup", "w", "--output", "json", "select 1 as n")
	if code != exitOK || !strings.Contains(out, "[1]") || !strings.Contains(out, `"cost_usd":`) || started != "select 1 as n w map[Database:default]" {
		t.Errorf("%d %q %s; started %q", code, out, stderr, started)
	}
}
