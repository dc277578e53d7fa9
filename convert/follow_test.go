package convert_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"

	"github.com/google/go-cmp/cmp"
)

// sameWithoutWays converts lines twice, with and without following what was found
// in earlier records, and wants the same files and failures.
func sameWithoutWays(t *testing.T, lines []string, columns []lake.Column, partitions ...string) {
	t.Helper()
	var want [][]byte
	for i, cfg := range []convert.Config{convert.WithoutWays(convert.Config{Threads: 1}), {Threads: 1}, {Threads: 2}} {
		job := convert.Job{Blocks: blocksOf(7, lines...), Columns: columns, Dir: t.TempDir()}
		if len(partitions) > 0 {
			job.Rules = rulesOf(t, partitions...)
		}
		res := convertJob(t, cfg, job)
		got := [][]byte{fmt.Append(nil, res.Columns, res.Rows, res.Rescued, res.Failed, res.Bytes)}
		for _, f := range res.Files {
			got = append(got, []byte(f.Partition), readFile(t, f.Path))
		}
		if res.Failures != "" {
			got = append(got, readFile(t, res.Failures))
		}
		if i == 0 {
			want = got
		}
		if len(got) != len(want) {
			t.Fatalf("%d files and all, %d without ways", len(got), len(want))
		}
		for k := range got {
			if !bytes.Equal(got[k], want[k]) {
				t.Fatalf("threads %d: part %d of the result is not what it is without ways:\n%.2000q\n%.2000q", cfg.Threads, k, got[k], want[k])
			}
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each of these comes when the ways of like records are known.
func TestFollowOddRecords(t *testing.T) {
	usual := []string{
		`{"a":1,"s":{"x":"v","y":2.5},"l":[1,2],"t":"2026-01-31T12:00:00Z","b":true,"m":"text"}`,
		`{"a":2,"s":null,"l":[],"t":null,"b":false,"m":null}`,
		`{"a":3,"l":[4],"m":"text"}`,
		`{"s":{},"m":"u"}`,
		`{"a":4,"extra":null,"m":"w"}`,
	}
	for _, odd := range []string{
		`{"a":1,"a":2,"m":"x"}`, `{"a":null,"a":2,"m":"x"}`, `{"s":{"x":"1"},"s":{"y":2},"m":"x"}`, `{"s":{"x":"1","x":"2"},"m":"x"}`,
		`{"a":1,"s":{"x":"v","y":2.5},"l":[1,` + "\n" + `2],"t":"2026-01-31T12:00:00Z","b":true,"m":"text"}`,
		`{"a":1,"s":{"x":"v","y":2.5},"l":[1,2],"t":"2026-01-31T12:00:00Z","b":true,"m":"text"`,
		`{"a":1,"s":{"x":"v","y":2.5},"l":[1,2],"t":"2026-01-31T12:00:00Z","b":true,"m":"text"} `,
		`{"a":1,"s":{"x":"v","y":2.5},"l":[1,2],"t":"2026-01-31T12:00:00Z","b":true,"m":"text"}}`,
		`{"a":1,"l":[4],"m":"te` + "\x01" + `xt"}`, `{"a":1,"l":[4],"m":"t\u00e9\ud800"}`, `{"a":1,"l":[4],"m":"té"}`, "{\"a\":1,\"l\":[4],\"m\":\"\xff\"}",
		`{"a":01,"l":[4],"m":"x"}`, `{"a":-0,"l":[4],"m":"x"}`, `{"a":1.0,"l":[4],"m":"x"}`, `{"a":9223372036854775808,"l":[4],"m":"x"}`,
		`{"a":12345678,"l":[4],"m":"x"}`, `{"a":1234567890123456789,"l":[4],"m":"x"}`, `{"a":-12345678901,"l":[4],"m":"x"}`, `{"a":1234567:,"m":"x"}`,
		`{"a":"1","l":[4],"m":5}`, `{"a":{"q":1},"l":{"q":1},"m":{"q":[1]}}`, `{"a":4,"extra":1,"m":"w"}`, `{"a":4,"extra":[],"m":"w"}`,
		`{"A":1,"m":"x"}`, `{"a" : 1 , "m" : "x"}`, `{"a":1,"dt":null,"m":"x"}`, `{"a":1,"dt":"x","m":"x"}`, `{"a":1,"_rescued":{"x":"y"},"m":"x"}`,
		`{}`, ``, `[]`, `{"a":1,"s":{"x":"v","y":2.5,"z":1},"m":"x"}`, `{"a":tru`, `{"a":1,"m":"` + strings.Repeat("long ", 3000) + `"}`,
	} {
		var lines []string
		for i := range 40 {
			lines = append(lines, usual[i%len(usual)])
		}
		lines = append(lines, odd)
		lines = append(lines, usual...)
		lines = append(lines, odd, odd)
		sameWithoutWays(t, lines, nil)
		sameWithoutWays(t, lines, nil, "p=a", "d=day(t)")
		sameWithoutWays(t, lines, columnsOf(t, "a:bigint,s:struct<x:string,y:double>,l:array<bigint>,t:timestamp,b:boolean,m:string"), "sx=s")
	}
}

// Records of clients that write white space otherwise say the same, also where a
// column is known and so would rescue what it cannot take.
func TestFollowWhiteSpace(t *testing.T) {
	columns := columnsOf(t, "a:bigint,m:string,t:timestamp,b:boolean,y:double,s:struct<x:string>,l:array<bigint>,n:map<string,string>,_rescued:map<string,string>")
	declared := map[string]lake.ColumnSpec{"j": {Type: "string(json)"}}
	forms, err := convert.ParseColumns(declared)
	if err != nil {
		t.Fatal(err)
	}
	columns = append(columns, forms...)
	const record = `{"a":1,"m":"text","t":"2026-01-31T12:00:00Z","b":true,"y":2.5,"s":{"x":"v"},"l":[1],"n":{"k":"v"},"j":{"z":1}}`
	var lines []string
	for i := range 40 {
		space := []string{"", " ", "\t", " \r", "  ", "\r"}[i%7%6]
		spaced := record
		for _, c := range []string{":", ",", "}"} {
			spaced = strings.ReplaceAll(spaced, c, c+space)
		}
		spaced = strings.ReplaceAll(strings.ReplaceAll(spaced, "12:"+space+"00:"+space+"00Z", "12:00:00Z"), `{"z":`+space+`1}`, `{"z":1}`)
		lines = append(lines, strings.TrimRight(spaced, " \t\r"))
	}
	sameWithoutWays(t, lines, columns)
	sameWithoutWays(t, lines, nil)
	sameWithoutWays(t, lines, nil, "m=m", "d=day(t)")
	res := convertJob(t, convert.Config{Threads: 1}, convert.Job{Blocks: blocksOf(100, lines...), Columns: columns, Declared: forms, Strict: true, Dir: t.TempDir()})
	if res.Failed != 0 || res.Rescued != 0 {
		t.Fatalf("%d failed, %d rescued, want none", res.Failed, res.Rescued)
	}
	rows := parquetRows(t, res.Files[0].Path, res.Columns)
	for i, row := range rows {
		if diff := cmp.Diff(rows[0], row); diff != "" {
			t.Fatalf("row %d of %q (-first +got):\n%s", i, lines[i], diff)
		}
	}
	// A record may end where a value was.
	sameWithoutWays(t, []string{`{"m":"x"}`, `{"m":"x"}`, `{"m": `, `{"m":	`, `{"m":` + " \r", `{"m":"x"}`, `{"m": "y"}`, `{"m": `}, columnsOf(t, "m:string"))
}

// Records drawn from a small grammar, of several partitions, in any order of keys.
func TestFollowRandomRecords(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		lines := make([]string, 300)
		for i := range lines {
			lines[i] = randomObject(random, 0)
		}
		sameWithoutWays(t, lines, nil)
		sameWithoutWays(t, lines, nil, "part=k1")
	}
}

func randomObject(r *rand.Rand, depth int) string {
	var members []string
	for k := range 6 {
		if r.IntN(5) > 0 {
			members = append(members, fmt.Sprintf(`"k%d":%s`, k, randomValue(r, depth, k)))
		}
	}
	if r.IntN(8) == 0 {
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	if r.IntN(20) == 0 && len(members) > 0 {
		members = append(members, members[0])
	}
	return "{" + strings.Join(members, ",") + "}"
}

func randomValue(r *rand.Rand, depth, k int) string {
	if r.IntN(15) == 0 {
		return "null"
	}
	if r.IntN(60) == 0 {
		k = r.IntN(6) // a value of another type
	}
	switch {
	case k == 0:
		return fmt.Sprint(r.IntN(1000))
	case k == 1:
		return fmt.Sprintf("%q", []string{"a", "bcdefgh", "3866ac1f-4dea-4276-b42d-fbcf21601d5a", "a text of more than sixteen", ""}[r.IntN(5)])
	case k == 2 && depth < 3:
		return randomObject(r, depth+1)
	case k == 3 && depth < 2:
		return "[" + randomValue(r, depth+1, 2) + "," + randomValue(r, depth+1, 2) + "]"
	case k == 4:
		return fmt.Sprint(float64(r.IntN(100)) / 4)
	}
	return []string{"true", "false"}[r.IntN(2)]
}
