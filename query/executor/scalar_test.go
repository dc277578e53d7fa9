package executor_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sluice/query/executor"
)

// Functions in Go are there in every statement: over many rows, with NULLs, by several
// threads, and an error or a panic of theirs is an error of the query.
func TestFunctions(t *testing.T) {
	e, err := executor.New(executor.Config{Memory: 1 << 28, Threads: 4, TempDir: t.TempDir(), MaxTemp: 1 << 20, Functions: []executor.Function{
		{Name: "go_twice", Parameters: []string{"VARCHAR"}, Result: "VARCHAR", Call: func(dst []byte, args [][]byte) ([]byte, bool, error) {
			switch s := string(args[0]); s {
			case "bad":
				return dst, false, errors.New("that is bad")
			case "panic":
				panic("at the disco")
			case "null":
				return dst, true, nil
			default:
				return append(append(dst, s...), s...), false, nil
			}
		}},
		{Name: "go_join", Parameters: []string{"BLOB", "VARCHAR"}, Result: "BLOB", Call: func(dst []byte, args [][]byte) ([]byte, bool, error) {
			return append(append(dst, args[0]...), args[1]...), false, nil
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ask := func(sql string) string {
		rows, err := e.Run(t.Context(), executor.Query{SQL: sql})
		if err != nil {
			return "! " + err.Error()
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			for _, v := range rows.Values() {
				out = append(out, v.Text)
			}
		}
		if err := rows.Err(); err != nil {
			return "! " + err.Error()
		}
		return strings.Join(out, " ")
	}
	for sql, want := range map[string]string{
		"SELECT go_twice('ab'), go_twice(''), go_twice('null') IS NULL, go_twice(NULL) IS NULL":                                                          "abab  true true",
		"SELECT sum(length(go_twice(i::VARCHAR))), count(go_twice(CASE WHEN i % 3 = 0 THEN 'null' WHEN i % 3 = 1 THEN 'x' END)) FROM range(100000) t(i)": fmt.Sprint(2*488890) + " 33333",
		"SELECT max(go_twice(repeat('x', (i % 100)::INTEGER))) FROM range(10000) t(i)":                                                                   strings.Repeat("x", 198),
		"SELECT go_twice(x) FROM (VALUES ('a'), ('bad')) t(x)":                                                                                           "! Invalid Input error: that is bad",
		"SELECT coalesce(TRY(go_twice(x)), 'none') FROM (VALUES ('a'), ('bad')) t(x)":                                                                    "aa none",
		"SELECT go_twice(x) FROM (VALUES ('panic')) t(x)":                                                                                                "! Invalid Input error: BUG: function go_twice: at the disco",
		"SELECT go_join('\\xFF\\x00'::BLOB, 'é') = '\\xFF\\x00\\xC3\\xA9'::BLOB":                                                                         "true",
		"SELECT DISTINCT go_twice('const') FROM range(5000)":                                                                                             "constconst",
	} {
		if got := ask(sql); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
	if !e.Deterministic([]string{"go_twice"}) {
		t.Error("a function that always gives the same answer is not deterministic")
	}
	if got, err := e.Strings(t.Context(), "SELECT go_twice(unnest(['a', 'b']))", nil); err != nil || strings.Join(got, " ") != "aa bb" {
		t.Errorf("%q, %v", got, err)
	}
}
