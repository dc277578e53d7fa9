package embedded_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/catalogsync/embedded"
)

// A restricted request reads the databases that it may see, and learns nothing of
// others: not by listing, searching, paging, nor by the difference between what is
// hidden and what is missing.
func TestRestrict(t *testing.T) {
	c := open(t)
	for _, db := range []string{"alpha", "hidden", "hidden2", "shop", "shop2"} {
		c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"%s"}}`, db)
		c.ok("CreateTable", `{"DatabaseName":"%s","TableInput":{"Name":"t_%s","StorageDescriptor":{"Columns":[{"Name":"x","Type":"int"}]},"PartitionKeys":[{"Name":"dt","Type":"string"}]}}`, db, db)
		c.ok("CreatePartition", `{"DatabaseName":"%s","TableName":"t_%s","PartitionInput":{"Values":["v_%s"],"StorageDescriptor":{}}}`, db, db, db)
	}
	ask := func(op, body string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AWSGlue."+op)
		r = embedded.Restrict(r, func(database string) bool { return strings.HasPrefix(database, "shop") })
		w := httptest.NewRecorder()
		c.server.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	reads := map[string]string{
		"GetDatabase": `{"Name":"%s"}`, "GetTable": `{"DatabaseName":"%s","Name":"t_%[1]s"}`, "GetTables": `{"DatabaseName":"%s"}`,
		"GetTableVersion": `{"DatabaseName":"%s","TableName":"t_%[1]s"}`, "GetTableVersions": `{"DatabaseName":"%s","TableName":"t_%[1]s"}`,
		"GetPartition":                    `{"DatabaseName":"%s","TableName":"t_%[1]s","PartitionValues":["v_%[1]s"]}`,
		"GetPartitions":                   `{"DatabaseName":"%s","TableName":"t_%[1]s"}`,
		"BatchGetPartition":               `{"DatabaseName":"%s","TableName":"t_%[1]s","PartitionsToGet":[{"Values":["v_%[1]s"]}]}`,
		"GetColumnStatisticsForTable":     `{"DatabaseName":"%s","TableName":"t_%[1]s","ColumnNames":["x"]}`,
		"GetColumnStatisticsForPartition": `{"DatabaseName":"%s","TableName":"t_%[1]s","PartitionValues":["v_%[1]s"],"ColumnNames":["x"]}`,
		"GetPartitionIndexes":             `{"DatabaseName":"%s","TableName":"t_%[1]s"}`,
	}
	for op, form := range reads {
		if status, answer := ask(op, fmt.Sprintf(form, "shop")); status != http.StatusOK {
			t.Errorf("%s of a visible database: %d %s", op, status, answer)
		}
		for _, name := range []string{"hidden", "HIDDEN"} {
			status, hidden := ask(op, fmt.Sprintf(form, name))
			_, missing := ask(op, fmt.Sprintf(form, "nosuch"))
			if status != http.StatusBadRequest || !strings.Contains(hidden, "EntityNotFoundException") || strings.ReplaceAll(hidden, name, "X") != strings.ReplaceAll(missing, "nosuch", "X") {
				t.Errorf("%s of a hidden database: %d %s\nof a missing one: %s", op, status, hidden, missing)
			}
		}
	}
	lists := map[string]string{"GetDatabases": `{"MaxResults":1%s}`, "SearchTables": `{"MaxResults":1%s}`}
	for op, form := range lists {
		var all strings.Builder
		token := ""
		for pages := 0; ; pages++ {
			status, answer := ask(op, fmt.Sprintf(form, token))
			if status != http.StatusOK || pages > 3 {
				t.Fatalf("%s: %d %s", op, status, answer)
			}
			all.WriteString(answer)
			_, next, more := strings.Cut(answer, `"NextToken":"`)
			if !more {
				break
			}
			next, _, _ = strings.Cut(next, `"`)
			token = `,"NextToken":"` + next + `"`
			for _, name := range []string{"aGlkZGVu", "YWxwaGE"} { // hidden, alpha in base64
				if strings.Contains(next, name) {
					t.Errorf("%s: the token %s tells of what is hidden", op, next)
				}
			}
		}
		if got := all.String(); strings.Contains(got, "hidden") || strings.Contains(got, "alpha") || !strings.Contains(got, `"shop"`) || !strings.Contains(got, `"shop2"`) {
			t.Errorf("%s: %s", op, got)
		}
	}
	// Every operation of the catalog either reads, and is above, or is refused.
	for _, op := range []string{"CreateDatabase", "UpdateDatabase", "DeleteDatabase", "CreateTable", "UpdateTable", "DeleteTable", "BatchDeleteTable",
		"DeleteTableVersion", "BatchDeleteTableVersion", "CreatePartition", "BatchCreatePartition", "UpdatePartition", "BatchUpdatePartition",
		"DeletePartition", "BatchDeletePartition", "UpdateColumnStatisticsForTable", "DeleteColumnStatisticsForTable",
		"UpdateColumnStatisticsForPartition", "DeleteColumnStatisticsForPartition",
		"CreateUserDefinedFunction", "UpdateUserDefinedFunction", "DeleteUserDefinedFunction"} {
		if status, answer := ask(op, `{"DatabaseName":"shop","Name":"shop","TableName":"t_shop"}`); status != http.StatusBadRequest || !strings.Contains(answer, "AccessDeniedException") {
			t.Errorf("%s: %d %s", op, status, answer)
		}
	}
	if got := c.ok("GetDatabases", `{}`); len(got["DatabaseList"].([]any)) != 5 {
		t.Errorf("unrestricted: %v", got)
	}
}
