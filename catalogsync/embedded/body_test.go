package embedded

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzBody: any body of any operation gets an answer in JSON, and none is a
// fault of the server's own. Fuzz it with -fuzzminimizetime 1x: SQLite, which is in the
// same process, makes its coverage too unsteady to minimize by.
func FuzzBody(f *testing.F) {
	names := slices.Sorted(maps.Keys(operations))
	const table = `{"DatabaseName":"d","TableName":"t","Name":"t","DatabaseInput":{"Name":"d"},"TableInput":{"Name":"t",
		"PartitionKeys":[{"Name":"dt","Type":"string"},{"Name":"hr","Type":"int"}],"LastAccessTime":1.5,
		"StorageDescriptor":{"Columns":[{"Name":"a","Type":"int"}],"SortColumns":[null],"SkewedInfo":{"a":[]}}},"VersionId":"0",`
	for i := range names {
		f.Add(i, table+`"PartitionValues":["a","1"],"PartitionInput":{"Values":["a","1"]},"PartitionInputList":[{"Values":["a","2"]}],
			"PartitionsToGet":[{"Values":["a","1"]}],"PartitionsToDelete":[{"Values":["a","1"]}],"PartitionValueList":["a","1"],
			"Entries":[{"PartitionValueList":["a","1"],"PartitionInput":{"Values":["b","1"]}}]}`)
		f.Add(i, table+`"Expression":"(dt = 'a') and hr in (1, 2)","Segment":{"SegmentNumber":1,"TotalSegments":2},"MaxResults":-1,
			"NextToken":"YQAB","SearchText":"a","Filters":[{"Key":"Name","Value":"t"}],"VersionIds":["0"],"TablesToDelete":["t"]}`)
	}
	s, err := Open(filepath.Join(f.TempDir(), "catalog.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	post := func(t testing.TB, op, body string) (int, []byte) {
		req, err := http.NewRequest(http.MethodPost, "http://catalog/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", targetPrefix+op)
		resp, err := s.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	f.Fuzz(func(t *testing.T, op int, body string) {
		// There is something to work on, whatever was dropped before.
		post(t, "CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
		post(t, "CreateTable", table+`"x":0}`)
		post(t, "CreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInput":{"Values":["a","1"]}}`)
		name := names[uint(op)%uint(len(names))]
		status, answer := post(t, name, body)
		if status >= 500 || !json.Valid(answer) {
			t.Errorf("%s %q: %d %s", name, body, status, answer)
		}
	})
}
