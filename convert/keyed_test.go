package convert_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/convert"
	"sluice/partitioner"
)

// keyedBy are rules of a prefix whose keys are a query's.
func keyedBy(t testing.TB, prefix, query string) *partitioner.Rules {
	t.Helper()
	rules, err := partitioner.Spec{Prefix: prefix, Query: query}.Parse()
	if err == nil {
		err = convert.CheckRules(rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// outcome is what became of a job: each partition's rows, and the failures with their
// reasons.
func outcome(t *testing.T, res convert.Result) (out []string) {
	t.Helper()
	for _, f := range res.Files {
		out = append(out, f.Partition+" "+strings.Join(readRows(t, f.Path), ","))
	}
	if res.TransformFailures != "" {
		raws, reasons := documentOf(t, res.TransformFailures)
		for i := range raws {
			out = append(out, raws[i]+": "+reasons[i])
		}
		b, err := os.ReadFile(res.TransformFailures)
		if n := strings.Count(string(b), `"errorCode":"DynamicPartitioning.MetadataExtractionFailed"`); err != nil || n != len(raws) {
			t.Errorf("%d of %d with the code of Firehose: %s %v", n, len(raws), b, err)
		}
	}
	return out
}

// The keys are the query's, the rows are the records as they were; a record without
// one of the keys is a failure, whatever the query is like.
func TestPartitionQuery(t *testing.T) {
	records := []string{
		`{"n":1,"c":{"id":"a/b"},"v":250,"ts":1769861109}`, `{"n":2,"c":{"id":7},"v":5,"ts":1769861109}`, `{"n":3,"c":{"id":true},"v":5,"ts":0}`,
		`{"n":4,"c":{},"v":1,"ts":0}`, `{"n":5,"c":{"id":null},"v":1,"ts":0}`, `{"n":6,"c":{"id":""},"v":1,"ts":0}`,
		`{"n":7,"c":{"id":[1]},"v":1,"ts":0}`, `{"n":8,"c":{"id":{"x":1}},"v":1,"ts":0}`, `{"n":9,"c":{"id":"a"},"v":1,"ts":"x"}`,
		`{"n":10,"c":{"id":"` + strings.Repeat("x", 300) + `"},"v":1,"ts":0}`,
	}
	missing := func(n int, why string) string { return records[n-1] + ": " + why }
	for query, want := range map[string][]string{
		`{id:.c.id, h:(.ts|strftime("%H"))}`: {
			"id=7/12 2", "id=a%2Fb/12 1", "id=true/00 3",
			missing(4, "the partition key id is missing"), missing(5, "the partition key id is null"), missing(6, "the partition key id is empty"),
			missing(7, "the partition key id is an array; want a string, a number or a boolean"), missing(8, "the partition key id is an object; want a string, a number or a boolean"),
			missing(9, "the partition key h is no point in time"), missing(10, "the partition's folder, or its whole path, would be too long"),
		},
		`. as $r | {id:.c.id, h:.ts|strftime("%H")}`: {
			"id=7/12 2", "id=a%2Fb/12 1", "id=true/00 3",
			missing(4, "the partition key id is null"), missing(5, "the partition key id is null"), missing(6, "the partition key id is empty"),
			missing(7, "the partition key id is an array; want a string, a number or a boolean"), missing(8, "the partition key id is an object; want a string, a number or a boolean"),
			missing(9, "the query of partition keys: the program failed: strftime"), missing(10, "the partition's folder, or its whole path, would be too long"),
		},
		`if .n == 2 then empty elif .n == 3 then 5 elif .n == 4 then ({}, {}) elif .n == 5 then {id: 1.50, h: (.n > 1)} elif .n == 6 then {h: 1} else {id: (if .v > 100 then "large" else "small" end), h: .n} end`: {
			"id=1.5/true 5", "id=large/1 1", "id=small/10 10", "id=small/7 7", "id=small/8 8", "id=small/9 9",
			missing(2, "the query of partition keys: the program emits nothing; want one object"), missing(3, "the query of partition keys: the program emits a number; want one object"),
			missing(4, "the query of partition keys: the program emits more than one value; want one object"), missing(6, "the partition key id is missing"),
		},
	} {
		job := convert.Job{Blocks: blocksOf(3, records...), Rules: keyedBy(t, "id=!{partitionKeyFromQuery:id}/!{partitionKeyFromQuery:h}/", query)}
		res := convertJob(t, convert.Config{}, job)
		if res.Rows+res.Failed != int64(len(records)) {
			t.Errorf("%s: %d rows, %d failures", query, res.Rows, res.Failed)
		}
		var got []string
		for _, line := range outcome(t, res) {
			path, rows, ok := strings.Cut(line, ` {"n":`)
			if ok && !strings.HasPrefix(line, "{") {
				n, rest, _ := strings.Cut(rows, ",")
				line = path + " " + n
				if !strings.Contains(rest, `"c":`) || !strings.Contains(rest, `"ts":`) {
					t.Errorf("%s: the row lacks columns: %s", query, rows)
				}
			}
			got = append(got, line)
		}
		for i := range got {
			if i < len(want) && strings.HasPrefix(got[i], want[i]) {
				got[i] = want[i]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		if spec := specOf(res.Columns); !strings.HasPrefix(spec, "n:bigint,c:struct<id:string>,v:bigint,ts:") {
			t.Errorf("%s: columns %s", query, spec)
		}
	}
}

// A query that is read as fields gives what the program gives.
func TestSimpleQueryIsTheProgram(t *testing.T) {
	records := []string{
		`{"a":"x","o":{"b c":1.50}}`, `{"a":"y\u00e9\n","o":{"b c":"1.50"}}`, `{"a":12345678901234567890,"o":{"b c":true}}`, `{"a":-0,"o":{"b c":1e3}}`,
		`{"a":"x","o":5}`, `{"a":null,"o":{"b c":1}}`, `{}`, `{"o":{"b c":[]},"a":"."}`, `{"a":"_","o":{"b c":"__HIVE_DEFAULT_PARTITION__"}}`,
	}
	const prefix, query = "!{partitionKeyFromQuery:k}/b=!{partitionKeyFromQuery:two}-!{partitionKeyFromQuery:k}/", `{k: .a, "two": (.o."b c")}`
	var files [2][]string
	var failed [2][]string
	for i, q := range []string{query, ". | " + query} {
		rules := keyedBy(t, prefix, q)
		if source, _ := rules.Program(); (source != "") != (i == 1) {
			t.Fatalf("%s: program %q", q, source)
		}
		res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(2, records...), Rules: rules})
		for _, f := range res.Files {
			files[i] = append(files[i], f.Partition+" "+strings.Join(readRows(t, f.Path), ","))
		}
		failed[i], _ = documentOf(t, res.TransformFailures)
	}
	if diff := cmp.Diff(files[1], files[0]); diff != "" || len(files[0]) != 5 {
		t.Errorf("%d files: %s", len(files[0]), diff)
	}
	if diff := cmp.Diff(failed[1], failed[0]); diff != "" || len(failed[0]) != 4 {
		t.Errorf("%d failures: %s", len(failed[0]), diff)
	}
}

// The same where columns show late, where partitions are so many that the records are
// sorted first, behind a transform, and with the records in other blocks.
func TestPartitionQueryAgain(t *testing.T) {
	var records []string
	for i := range 6000 {
		records = append(records, fmt.Sprintf(`{"i":%d,"p":"p%d","pad":"%0200d"}`, i, i%600, i))
	}
	records = append(records, `{"i":0.5,"p":"p1"}`)
	for _, query := range []string{`{k: .q}`, `{k: (if .i % 7 == 4 then null else .q | ascii_upcase end)}`} {
		var first []string
		for _, n := range []int{10, 333} {
			job := declaredJob(t, nil, `if .i % 7 == 3 then empty elif .i % 7 == 4 then del(.p) else .q = .p end`, records...)
			job.Blocks, job.Rules = blocksOf(n, records...), keyedBy(t, "k=!{partitionKeyFromQuery:k}/", query)
			res := convertJob(t, convert.Config{Memory: 1 << 20, RowGroup: 1 << 19}, job)
			if res.Filtered != 857 || res.Failed != 857 || res.Rows != int64(len(records))-2*857 || len(res.Files) != 600 {
				t.Fatalf("filtered %d, failed %d, rows %d, files %d", res.Filtered, res.Failed, res.Rows, len(res.Files))
			}
			raws, _ := documentOf(t, res.TransformFailures)
			if len(raws) != 857 || raws[0] != records[4] {
				t.Errorf("%d failures, the first %.100s", len(raws), raws[0])
			}
			sums := []string{strings.Join(raws, "\n")}
			for _, f := range res.Files {
				b, err := os.ReadFile(f.Path)
				if err != nil {
					t.Fatal(err)
				}
				sums = append(sums, f.Partition, string(b))
				if !strings.HasSuffix(f.Partition, "77") {
					continue
				}
				for _, row := range readRows(t, f.Path) {
					if k := strings.ToLower(f.Values[0]); !strings.Contains(row, `"`+k+`"`) {
						t.Errorf("%s has %s", f.Partition, row)
					}
				}
			}
			if first == nil {
				first = sums
			} else if diff := cmp.Diff(first, sums); diff != "" {
				t.Error("the second time gives other bytes")
			}
		}
	}
}

func TestCheckRules(t *testing.T) {
	for query, want := range map[string]string{
		`{k: .a |}`:               "line 1: unexpected token",
		`{k: (.a}`:                "line 1: unexpected token",
		`{k: nope(.a)}`:           "function not defined: nope/1",
		`{k: now}`:                "now cannot be used",
		`{k: env.HOME}`:           "has no environment",
		`.a | {other: .b, "x y"}`: `the partition key "k", which the query does not give; it gives other, x y`,
		`{(.a): .b}`:              "",
		`.`:                       "",
		`{$k: 1}`:                 "variable not defined",
		`.x as $k | {$k}`:         "",
	} {
		rules, err := partitioner.Spec{Prefix: "!{partitionKeyFromQuery:k}/", Query: query}.Parse()
		if err == nil {
			err = convert.CheckRules(rules)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}

// What a query of partition keys costs, read as fields and as a program.
func BenchmarkPartitionQuery(b *testing.B) {
	var records []string
	size := 0
	for i := range 20000 {
		records = append(records, fmt.Sprintf(`{"id":%d,"customer":{"id":"c%d","name":"somebody","address":"a street in a town, number %d"},"price":%d.5,"items":["a","b"],"ts":%d}`, i, i%16, i, i%300, 1769861109+i))
		size += len(records[i]) + 1
	}
	for name, query := range map[string]string{"Fields": `{k: .customer.id}`, "Program": `. | {k: .customer.id}`, "IfElse": `{k: (if .price > 100 then "large" else "small" end)}`} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				convertJob(b, convert.Config{Threads: 1}, convert.Job{Blocks: blocksOf(1000, records...), Rules: keyedBy(b, "k=!{partitionKeyFromQuery:k}/", query)})
			}
		})
	}
}
