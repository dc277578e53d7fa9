package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/lake"
)

// openTable is a catalog with the table d.t, by dt and hr, and n partitions: the
// hours of days from 2026-01-01 on.
func openTable(t testing.TB, n int) catalog {
	t.Helper()
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","PartitionKeys":[{"Name":"dt","Type":"string"},{"Name":"hr","Type":"int"}],
		"StorageDescriptor":{"Columns":[{"Name":"a","Type":"int"}],"Location":"s3://b/t/"}}}`)
	for first := 0; first < n; first += 100 {
		var list []string
		for i := first; i < min(first+100, n); i++ {
			list = append(list, input(day(i/24), fmt.Sprint(i%24)))
		}
		out := c.ok("BatchCreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInputList":[%s]}`, strings.Join(list, ","))
		if len(out["Errors"].([]any)) > 0 {
			t.Fatal(out)
		}
	}
	return c
}

// day is the n-th day of a calendar whose months have 28 days.
func day(n int) string { return fmt.Sprintf("%04d-%02d-%02d", 2026+n/336, n/28%12+1, n%28+1) }

func input(dt, hr string) string {
	return fmt.Sprintf(`{"Values":[%q,%q],"Parameters":{"k":"v"},"LastAccessTime":5,"StorageDescriptor":{
		"Columns":[{"Name":"a","Type":"int"}],"Location":"s3://b/t/dt=%s/hr=%s/","InputFormat":"in","OutputFormat":"out",
		"SerdeInfo":{"SerializationLibrary":"lib","Parameters":{"serialization.format":"1"}}}}`, dt, hr, dt, hr)
}

func TestPartitionHasWhatClientsUnbox(t *testing.T) {
	c := openTable(t, 1)
	want := object{
		"Values": []any{"2026-01-01", "0"}, "DatabaseName": "D", "TableName": "T", "CatalogId": "000000000000",
		"Parameters": object{"k": "v"}, "LastAccessTime": 5.0,
		"StorageDescriptor": object{
			"Columns": []any{object{"Name": "a", "Type": "int"}}, "Location": "s3://b/t/dt=2026-01-01/hr=0/",
			"InputFormat": "in", "OutputFormat": "out", "NumberOfBuckets": -1.0, "Compressed": false, "StoredAsSubDirectories": false,
			"BucketColumns": []any{}, "SortColumns": []any{}, "Parameters": object{},
			"SerdeInfo": object{"SerializationLibrary": "lib", "Parameters": object{"serialization.format": "1"}},
		},
	}
	check := func(got any) {
		t.Helper()
		p := got.(object)
		if at, ok := p["CreationTime"].(float64); !ok || at < 1.7e9 || at > 1e11 {
			t.Errorf("CreationTime %v is not in seconds", p["CreationTime"])
		}
		delete(p, "CreationTime")
		c.same(want, p)
	}
	const name = `"DatabaseName":"D","TableName":"T"` // as the request has it
	check(c.ok("GetPartition", `{%s,"PartitionValues":["2026-01-01","0"]}`, name)["Partition"])
	check(c.ok("GetPartitions", `{%s}`, name)["Partitions"].([]any)[0])
	check(c.ok("BatchGetPartition", `{%s,"PartitionsToGet":[{"Values":["2026-01-01","0"]}]}`, name)["Partitions"].([]any)[0])
	want["StorageDescriptor"].(object)["Columns"] = []any{}
	check(c.ok("GetPartitions", `{%s,"ExcludeColumnSchema":true}`, name)["Partitions"].([]any)[0])

	c.ok("CreatePartition", `{%s,"PartitionInput":{"Values":["bare","1"]}}`, name)
	sd := c.ok("GetPartition", `{%s,"PartitionValues":["bare","1"]}`, name)["Partition"].(object)["StorageDescriptor"].(object)
	if sd["NumberOfBuckets"] != -1.0 || sd["SerdeInfo"] == nil || sd["Columns"] == nil {
		t.Errorf("storage descriptor of a bare partition: %v", sd)
	}
}

func TestPartitionErrors(t *testing.T) {
	c := openTable(t, 2)
	const name = `"DatabaseName":"d","TableName":"t"`
	c.fails("EntityNotFoundException", "CreatePartition", `{"DatabaseName":"d","TableName":"x","PartitionInput":{"Values":["a","1"]}}`)
	c.fails("EntityNotFoundException", "GetPartitions", `{"DatabaseName":"d","TableName":"x"}`)
	c.fails("EntityNotFoundException", "GetPartitions", `{"DatabaseName":"x","TableName":"t"}`)
	c.fails("AlreadyExistsException", "CreatePartition", `{%s,"PartitionInput":%s}`, name, input("2026-01-01", "0"))
	c.fails("InvalidInputException", "CreatePartition", `{%s,"PartitionInput":{"Values":["a"]}}`, name)
	c.fails("InvalidInputException", "CreatePartition", `{%s,"PartitionInput":{}}`, name)
	c.fails("InvalidInputException", "CreatePartition", `{%s,"PartitionInput":{"Values":["a","%s"]}}`, name, strings.Repeat("x", 20_000))
	c.fails("InvalidInputException", "GetPartition", `{%s,"PartitionValues":["2026-01-01"]}`, name)
	c.fails("EntityNotFoundException", "GetPartition", `{%s,"PartitionValues":["2026-01-01","7"]}`, name)
	c.fails("EntityNotFoundException", "DeletePartition", `{%s,"PartitionValues":["2026-01-01","7"]}`, name)
	c.fails("EntityNotFoundException", "UpdatePartition", `{%s,"PartitionValueList":["2026-01-01","7"],"PartitionInput":%s}`, name, input("2026-01-01", "7"))
	c.fails("AlreadyExistsException", "UpdatePartition", `{%s,"PartitionValueList":["2026-01-01","0"],"PartitionInput":%s}`, name, input("2026-01-01", "1"))
	c.fails("InvalidInputException", "GetPartitions", `{%s,"Expression":"x = 1"}`, name)
	c.fails("InvalidInputException", "GetPartitions", `{%s,"Expression":"dt ="}`, name)
	c.fails("InvalidInputException", "GetPartitions", `{%s,"NextToken":"?"}`, name)
	for _, segment := range []string{`{"SegmentNumber":0,"TotalSegments":0}`, `{"SegmentNumber":3,"TotalSegments":3}`, `{"SegmentNumber":-1,"TotalSegments":3}`, `{"SegmentNumber":0,"TotalSegments":11}`} {
		c.fails("InvalidInputException", "GetPartitions", `{%s,"Segment":%s}`, name, segment)
	}
	list := func(n int, element string) string { return strings.TrimSuffix(strings.Repeat(element+",", n), ",") }
	c.fails("InvalidInputException", "BatchCreatePartition", `{%s,"PartitionInputList":[%s]}`, name, list(101, input("a", "1")))
	c.fails("InvalidInputException", "BatchDeletePartition", `{%s,"PartitionsToDelete":[%s]}`, name, list(26, `{"Values":["a","1"]}`))
	c.fails("InvalidInputException", "BatchUpdatePartition", `{%s,"Entries":[%s]}`, name, list(101, `{}`))
	c.fails("InvalidInputException", "BatchGetPartition", `{%s,"PartitionsToGet":[%s]}`, name, list(1001, `{"Values":["a","1"]}`))
}

// values is the partitions of an answer, as dt/hr.
func values(list any) []string {
	out := []string{}
	for _, p := range list.([]any) {
		v := p.(object)["Values"].([]any)
		out = append(out, fmt.Sprintf("%v/%v", v[0], v[1]))
	}
	return out
}

func TestBatches(t *testing.T) {
	c := openTable(t, 3)
	const name = `"DatabaseName":"d","TableName":"t"`
	codes := func(answer object, key string) []string {
		out := []string{}
		for _, e := range answer["Errors"].([]any) {
			out = append(out, fmt.Sprint(e.(object)[key], " ", e.(object)["ErrorDetail"].(object)["ErrorCode"]))
		}
		return out
	}
	out := c.ok("BatchCreatePartition", `{%s,"PartitionInputList":[%s,%s,%s,{"Values":["bad"]}]}`, name,
		input("2026-01-01", "0"), input("new", "1"), input("new", "1"))
	c.same([]string{"[2026-01-01 0] AlreadyExistsException", "[new 1] AlreadyExistsException", "[bad] InvalidInputException"}, codes(out, "PartitionValues"))

	out = c.ok("BatchUpdatePartition", `{%s,"Entries":[{"PartitionValueList":["new","1"],"PartitionInput":%s},
		{"PartitionValueList":["2026-01-01","1"],"PartitionInput":{"Values":["2026-01-01","1"],"StorageDescriptor":{"Location":"s3://moved/"}}},
		{"PartitionValueList":["x","1"],"PartitionInput":%s}]}`, name, input("newer", "2"), input("x", "1"))
	c.same([]string{"[x 1] EntityNotFoundException"}, codes(out, "PartitionValueList"))

	answer := c.ok("BatchGetPartition", `{%s,"PartitionsToGet":[{"Values":["newer","2"]},{"Values":["new","1"]},{"Values":["2026-01-01","1"]}]}`, name)
	c.same([]string{"newer/2", "2026-01-01/1"}, values(answer["Partitions"]))
	c.same([]any{}, answer["UnprocessedKeys"])
	if loc := answer["Partitions"].([]any)[1].(object)["StorageDescriptor"].(object)["Location"]; loc != "s3://moved/" {
		t.Errorf("location %v", loc)
	}

	out = c.ok("BatchDeletePartition", `{%s,"PartitionsToDelete":[{"Values":["newer","2"]},{"Values":["newer","2"]},{"Values":["2026-01-01","0"]}]}`, name)
	c.same([]string{"[newer 2] EntityNotFoundException"}, codes(out, "PartitionValues"))
	c.ok("DeletePartition", `{%s,"PartitionValues":["2026-01-01","1"]}`, name)
	c.same([]string{"2026-01-01/2"}, values(c.ok("GetPartitions", `{%s}`, name)["Partitions"]))
}

func TestListingByExpression(t *testing.T) {
	c := openTable(t, 24*40)
	tests := map[string]func(day, hour int) bool{
		"":                                      func(int, int) bool { return true },
		"(dt = '2026-01-02')":                   func(d, _ int) bool { return d == 1 },
		"dt in ('2026-01-02','2026-02-01','x')": func(d, _ int) bool { return d == 1 || d == 28 },
		"dt >= '2026-01-27' and dt < '2026-02-03' and hr = 5": func(d, h int) bool { return 26 <= d && d < 30 && h == 5 },
		"hr between 9 and 11":                         func(_, h int) bool { return 9 <= h && h <= 11 },
		"hr in (3, 23)":                               func(_, h int) bool { return h == 3 || h == 23 },
		"not (dt like '2026-01-%' or hr < 20)":        func(d, h int) bool { return d >= 28 && h >= 20 },
		"dt like '2026-02-0%' and (hr = 1 or hr = 2)": func(d, h int) bool { return 28 <= d && d <= 36 && (h == 1 || h == 2) },
		"dt = '2026-01-01' and dt = '2026-01-02'":     func(int, int) bool { return false },
		"hr is null":                                  func(int, int) bool { return false },
	}
	for expression, holds := range tests {
		var want []string
		for i := range 24 * 40 {
			if holds(i/24, i%24) {
				want = append(want, fmt.Sprintf("[%s %d]", day(i/24), i%24))
			}
		}
		slices.Sort(want)
		for _, size := range []int{7, 100, 1000} {
			got := c.list("GetPartitions", "Partitions", "Values", `{"DatabaseName":"d","TableName":"t","MaxResults":%d,"Expression":%q}`, size, expression)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%q in pages of %d: %d partitions, want %d", expression, size, len(got), len(want))
			}
		}
		// The segments split the answer.
		var all []string
		for segment := range 4 {
			got := c.list("GetPartitions", "Partitions", "Values", `{"DatabaseName":"d","TableName":"t","MaxResults":50,"Expression":%q,
				"Segment":{"SegmentNumber":%d,"TotalSegments":4}}`, expression, segment)
			if len(want) > 100 && (len(got) < len(want)/8 || len(got) > len(want)/2) {
				t.Errorf("%q: segment %d has %d of %d", expression, segment, len(got), len(want))
			}
			all = append(all, got...)
		}
		slices.Sort(all)
		if !slices.Equal(want, all) {
			t.Errorf("%q in segments: %d partitions, want %d", expression, len(all), len(want))
		}
	}
}

// TestPagesWhileOthersWrite lists while partitions come and go before and behind
// the page's end.
func TestPagesWhileOthersWrite(t *testing.T) {
	c := openTable(t, 24*10)
	const name = `"DatabaseName":"d","TableName":"t"`
	seen := map[string]int{}
	for next, n := "", 0; ; n++ {
		out := c.ok("GetPartitions", `{%s,"MaxResults":10,"NextToken":%q}`, name, next)
		for _, v := range values(out["Partitions"]) {
			seen[v]++
		}
		c.ok("CreatePartition", `{%s,"PartitionInput":%s}`, name, input("2026-01-00", fmt.Sprint(n)))
		c.ok("CreatePartition", `{%s,"PartitionInput":%s}`, name, input("2026-01-10a", fmt.Sprint(n)))
		if n < 9 {
			c.ok("DeletePartition", `{%s,"PartitionValues":["2026-01-01","%d"]}`, name, n)
		}
		token, more := out["NextToken"]
		if !more {
			break
		}
		next = token.(string)
	}
	for i := range 24 * 10 {
		if v := fmt.Sprintf("%s/%d", day(i/24), i%24); seen[v] != 1 {
			t.Errorf("%s was listed %d times", v, seen[v])
		}
	}
}

// TestPagesAreBounded has partitions whose columns would make an answer too large.
func TestPagesAreBounded(t *testing.T) {
	c := openTable(t, 0)
	const name = `"DatabaseName":"d","TableName":"t"`
	columns := `{"Name":"c","Type":"struct<` + strings.Repeat("x:int,", 50_000) + `y:int>"}`
	for i := range 40 {
		c.ok("CreatePartition", `{%s,"PartitionInput":{"Values":["a","%d"],"StorageDescriptor":{"Columns":[%s]}}}`, name, i, columns)
	}
	_, answer := c.post("GetPartitions", `{`+name+`}`)
	if len(answer) > 8<<20 {
		t.Errorf("a page of %d bytes", len(answer))
	}
	if got := c.list("GetPartitions", "Partitions", "Values", `{`+name+`}`); len(got) != 40 {
		t.Errorf("%d partitions", len(got))
	}
	var get []string
	for i := range 40 {
		get = append(get, fmt.Sprintf(`{"Values":["a","%d"]}`, i))
	}
	out := c.ok("BatchGetPartition", `{%s,"PartitionsToGet":[%s]}`, name, strings.Join(get, ","))
	done, left := len(out["Partitions"].([]any)), len(out["UnprocessedKeys"].([]any))
	if done == 0 || left == 0 || done+left != 40 {
		t.Errorf("%d partitions, %d unprocessed", done, left)
	}
}

func TestCountPartitions(t *testing.T) {
	c := openTable(t, 130)
	for table, want := range map[lake.TableName]int64{
		{Database: "d", Table: "t"}: 130, {Database: "d", Table: "x"}: 0, {Database: "x", Table: "t"}: 0,
	} {
		if got, err := c.server.CountPartitions(t.Context(), table); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", table, got, err, want)
		}
	}
}
