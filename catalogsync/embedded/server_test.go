package embedded_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync/embedded"
)

// A catalog under test, and how a test speaks to it.
type catalog struct {
	t      testing.TB
	server *embedded.Server
}

func open(t testing.TB) catalog {
	t.Helper()
	s, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return catalog{t, s}
}

func (c catalog) post(op, body string) (status int, answer []byte) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://catalog/", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AWSGlue."+op)
	resp, err := c.server.Transport().RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	if answer, err = io.ReadAll(resp.Body); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

type object = map[string]any

// ok is the answer of a request that must succeed.
func (c catalog) ok(op, body string, args ...any) object {
	c.t.Helper()
	status, answer := c.post(op, fmt.Sprintf(body, args...))
	if status != 200 {
		c.t.Fatalf("%s %.300s: %d %s", op, fmt.Sprintf(body, args...), status, answer)
	}
	return c.parse(answer)
}

func (c catalog) parse(answer []byte) object {
	c.t.Helper()
	var out object
	if err := json.Unmarshal(answer, &out); err != nil {
		c.t.Fatalf("%s: %v", answer, err)
	}
	return out
}

// fails checks that a request is refused with that error.
func (c catalog) fails(code, op, body string, args ...any) {
	c.t.Helper()
	status, answer := c.post(op, fmt.Sprintf(body, args...))
	e := c.parse(answer)
	if status != 400 || e["__type"] != code || e["Message"] == "" {
		c.t.Errorf("%s %.300s: %d %.300s, want %s", op, fmt.Sprintf(body, args...), status, answer, code)
	}
}

// list is the names (or whatever property) of a listing over all its pages.
func (c catalog) list(op, list, property, body string, args ...any) []string {
	c.t.Helper()
	names := []string{}
	for next := ""; ; {
		out := c.ok(op, `{"NextToken":%q,`+body[1:], append([]any{next}, args...)...)
		for _, e := range out[list].([]any) {
			names = append(names, fmt.Sprint(e.(object)[property]))
		}
		token, more := out["NextToken"]
		if !more {
			return names
		}
		next = token.(string)
	}
}

func (c catalog) same(want, got any) {
	c.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := embedded.Open(path); err == nil {
		s.Close()
		t.Error("opened a text file")
	}
	if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), "not a database") {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder #1?", "a%20b.db")
	for i := range 3 {
		s, err := embedded.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		c := catalog{t, s}
		c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d%d"}}`, i)
		if got := c.list("GetDatabases", "DatabaseList", "Name", `{"MaxResults":1}`); len(got) != i+1 {
			t.Errorf("databases %v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestProtocol(t *testing.T) {
	c := open(t)
	srv := httptest.NewServer(c.server)
	defer srv.Close()
	tests := []struct {
		name, method, target string
		body                 io.Reader
		status               int
		code                 string
	}{
		{"unknown operation", "POST", "AWSGlue.CreateJob", strings.NewReader("{}"), 400, "UnknownOperationException"},
		{"another service", "POST", "Firehose_20150804.PutRecord", strings.NewReader("{}"), 400, "UnknownOperationException"},
		{"no target", "POST", "", strings.NewReader("{}"), 400, "UnknownOperationException"},
		{"GET", "GET", "AWSGlue.GetDatabases", nil, 405, "UnknownOperationException"},
		{"no JSON", "POST", "AWSGlue.GetDatabase", strings.NewReader(`{"Name":`), 400, "SerializationException"},
		{"wrong type", "POST", "AWSGlue.GetDatabase", strings.NewReader(`{"Name":5}`), 400, "SerializationException"},
		{"array", "POST", "AWSGlue.GetDatabase", strings.NewReader(`[]`), 400, "SerializationException"},
		{"empty", "POST", "AWSGlue.GetDatabase", nil, 400, "InvalidInputException"},
		{"null", "POST", "AWSGlue.GetDatabase", strings.NewReader(`null`), 400, "InvalidInputException"},
		{"too large", "POST", "AWSGlue.GetDatabase", io.LimitReader(spaces{}, 16<<20+1), 413, "InvalidInputException"},
		{"large", "POST", "AWSGlue.GetDatabases", io.MultiReader(io.LimitReader(spaces{}, 15<<20), strings.NewReader("{}")), 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, srv.URL, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Amz-Target", tt.target)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Header.Get("Content-Type") != "application/x-amz-json-1.1" || resp.Header.Get("X-Amzn-Requestid") == "" {
				t.Errorf("headers %v", resp.Header)
			}
			if e := c.parse(text); resp.StatusCode != tt.status || tt.code != "" && e["__type"] != tt.code {
				t.Errorf("%d %s", resp.StatusCode, text)
			}
		})
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestDatabases(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"CatalogId":"42","DatabaseInput":{"Name":"Shop","Description":"d","LocationUri":"s3://b/","Parameters":{"k":"v"},
		"CreateTableDefaultPermissions":[{"Permissions":["ALL"]}]}}`)
	c.fails("AlreadyExistsException", "CreateDatabase", `{"DatabaseInput":{"Name":"SHOP"}}`)
	db := c.ok("GetDatabase", `{"CatalogId":"42","Name":"sHOP"}`)["Database"].(object)
	if created, ok := db["CreateTime"].(float64); !ok || created < 1.7e9 || created > 1e11 {
		t.Errorf("CreateTime %v is not in seconds", db["CreateTime"])
	}
	delete(db, "CreateTime")
	c.same(object{
		"Name": "shop", "Description": "d", "LocationUri": "s3://b/", "Parameters": object{"k": "v"}, "CatalogId": "42",
		"CreateTableDefaultPermissions": []any{object{"Permissions": []any{"ALL"}}},
	}, db)
	c.ok("UpdateDatabase", `{"Name":"shop","DatabaseInput":{"Name":"shop","Description":"new"}}`)
	if db := c.ok("GetDatabase", `{"Name":"shop"}`)["Database"].(object); db["Description"] != "new" || db["LocationUri"] != nil {
		t.Errorf("updated database %v", db)
	}
	c.fails("InvalidInputException", "UpdateDatabase", `{"Name":"shop","DatabaseInput":{"Name":"shop2"}}`)
	c.fails("EntityNotFoundException", "UpdateDatabase", `{"Name":"x","DatabaseInput":{"Name":"x"}}`)
	c.fails("InvalidInputException", "CreateDatabase", `{"DatabaseInput":{}}`)
	c.fails("InvalidInputException", "CreateDatabase", `{"DatabaseInput":{"Name":"%s"}}`, strings.Repeat("x", 256))
	c.fails("InvalidInputException", "GetDatabases", `{"NextToken":"*"}`)
	for i := range 5 {
		c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d%d"}}`, i)
	}
	c.same([]string{"d0", "d1", "d2", "d3", "d4", "shop"}, c.list("GetDatabases", "DatabaseList", "Name", `{"MaxResults":2}`))

	c.ok("CreateTable", `{"DatabaseName":"shop","TableInput":{"Name":"t","PartitionKeys":[{"Name":"dt","Type":"string"}]}}`)
	c.ok("CreatePartition", `{"DatabaseName":"shop","TableName":"t","PartitionInput":{"Values":["a"]}}`)
	c.ok("DeleteDatabase", `{"Name":"Shop"}`)
	c.fails("EntityNotFoundException", "GetDatabase", `{"Name":"shop"}`)
	c.fails("EntityNotFoundException", "DeleteDatabase", `{"Name":"shop"}`)
	c.fails("EntityNotFoundException", "GetTable", `{"DatabaseName":"shop","Name":"t"}`)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"shop"}}`)
	c.same([]string{}, c.list("GetTables", "TableList", "Name", `{"DatabaseName":"shop"}`))
}

func TestWhatIsNotKept(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t"}}`)
	c.same(object{"PartitionIndexDescriptorList": []any{}}, c.ok("GetPartitionIndexes", `{"DatabaseName":"d","TableName":"t"}`))
	c.fails("EntityNotFoundException", "GetPartitionIndexes", `{"DatabaseName":"d","TableName":"x"}`)
	c.fails("EntityNotFoundException", "GetResourcePolicy", `{}`)
	c.same(object{"GetResourcePoliciesResponseList": []any{}}, c.ok("GetResourcePolicies", `{}`))
	c.same(object{"Tags": object{}}, c.ok("GetTags", `{"ResourceArn":"arn:aws:glue:eu-west-1:000000000000:database/d"}`))
	c.same(object{"ImportStatus": object{"ImportCompleted": true}}, c.ok("GetCatalogImportStatus", `{}`))
	c.same("DISABLED", c.ok("GetDataCatalogEncryptionSettings", `{}`)["DataCatalogEncryptionSettings"].(object)["EncryptionAtRest"].(object)["CatalogEncryptionMode"])
}
