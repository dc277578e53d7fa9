package prestotest_test

import (
	"encoding/json"
	"testing"

	"sluice/internal/prestotest"
)

func TestDifference(t *testing.T) {
	for _, tc := range []struct {
		theirType, theirs string
		ourType, ours     string
		want              string
	}{
		{"bigint", `9007199254740993`, "bigint", `9007199254740993`, "same"},
		{"bigint", `9007199254740993`, "bigint", `9007199254740992`, "other"},
		{"bigint", `1`, "integer", `1`, "typed"},
		{"bigint", `null`, "bigint", `0`, "other"},
		{"decimal(10,2)", `"1.50"`, "decimal(10,2)", `1.50`, "same"},
		{"decimal(10,2)", `"1.50"`, "decimal(10,2)", `1.5`, "other"},
		{"double", `0.30000000000000004`, "double", `0.3`, "same"}, // sums come in any order
		{"double", `0.3000001`, "double", `0.3`, "other"},
		{"timestamp(6)", `"2026-01-02 03:04:05.120000"`, "timestamp", `"2026-01-02 03:04:05.12"`, "same"},
		{"timestamp(3)", `"2026-01-02 03:04:05.000"`, "timestamp", `"2026-01-02 03:04:05.000"`, "same"},
		{"timestamp(3)", `"2026-01-02 03:04:05.123"`, "timestamp", `"2026-01-02 03:04:05.123456"`, "other"},
		{"timestamp(3) with time zone", `"2026-01-02 03:04:05.000 UTC"`, "timestamp with time zone", `"2026-01-02 03:04:05.000 UTC"`, "same"},
		{"timestamp(3)", `"2026-01-02 03:04:05.000"`, "timestamp with time zone", `"2026-01-02 03:04:05.000"`, "typed"},
		{"varchar(3)", `"a"`, "varchar", `"a"`, "same"},
		{"array(row(\"a\" varchar, \"b\" bigint))", `[["x",1],[null,2]]`, "array(row(a varchar,b bigint))", `[{"a":"x","b":1},{"a":null,"b":2}]`, "same"},
		{"array(row(\"a\" varchar, \"b\" bigint))", `"[ \"[ \\\"x\\\", 1 ]\" ]"`, "array(row(a varchar,b bigint))", `[{"a":"x","b":1}]`, "same"}, // as PrestoDB sends it
		{"row(a bigint)", `[1]`, "row(a bigint)", `{"a":1,"b":2}`, "other"},
		{"map(varchar, bigint)", `{"a":1,"b":2}`, "map(varchar,bigint)", `{"b":2,"a":1}`, "same"},
		{"map(varchar, bigint)", `{"a":1}`, "map(varchar,bigint)", `{"a":2}`, "other"},
	} {
		answer := func(typ, value string) prestotest.Answer {
			return prestotest.Answer{Types: []string{typ}, Rows: [][]json.RawMessage{{json.RawMessage(value)}}}
		}
		if got, told := prestotest.Difference(answer(tc.theirType, tc.theirs), answer(tc.ourType, tc.ours)); got != tc.want {
			t.Errorf("%s, want %s: %s", got, tc.want, told)
		}
	}
}

func TestSorted(t *testing.T) {
	types := []string{"double", "map(varchar,bigint)", "row(a timestamp,b real)"}
	rows := func(texts ...string) prestotest.Answer {
		a := prestotest.Answer{Types: types}
		for _, text := range texts {
			var row []json.RawMessage
			if err := json.Unmarshal([]byte(text), &row); err != nil {
				t.Fatal(err)
			}
			a.Rows = append(a.Rows, row)
		}
		return a
	}
	theirs := rows(`[1.5E0,{"b":1,"a":2},["2026-01-01 00:00:00.000000",0.1]]`, `[1e10,{},null]`, `[null,null,[null,1]]`)
	ours := rows(`[null,null,{"a":null,"b":1.0}]`, `[10000000000.0,{},null]`, `[1.5,{"a":2,"b":1},{"a":"2026-01-01 00:00:00.000","b":0.1}]`)
	if word, told := prestotest.Difference(prestotest.Sorted(theirs), prestotest.Sorted(ours)); word != "same" {
		t.Errorf("%s: %s", word, told)
	}
}
