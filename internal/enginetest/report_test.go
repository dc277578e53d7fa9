package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/prestotest"
)

func TestReport(t *testing.T) {
	r := &report{versions: [][2]string{{"Trino", "476"}}, settings: []setting{{"Trino 476", "a=b\n"}}}
	r.add(outcome{group: "G", about: "one", engine: "Presto", note: "3 rows"})
	r.add(outcome{group: "G", about: "two", engine: "Presto", reason: "it rounds"})
	r.add(outcome{group: "G", about: "two", engine: "Trino", fault: "1 | 2"})
	path := filepath.Join(t.TempDir(), "docs", "engines.md")
	if err := r.write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 checks, 1 failed.", "| Trino | 476 |", "| | Presto | Trino |\n| --- | --- | --- |\n| one | ok: 3 rows | – |\n| two | differs [1] | **failed** |\n\n[1] it rounds\n", "```\na=b\n```"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if s := r.summary(); !strings.Contains(s, "FAIL Trino: G: two\n     1 | 2\n") || !strings.Contains(s, "2 passed, 1 failed") {
		t.Errorf("summary: %s", s)
	}
}

// A difference that is known is one only in the way that is known.
func TestKnownDifferences(t *testing.T) {
	const about = "timestamp, microseconds"
	for _, tc := range []struct {
		err           error
		fault, reason bool
	}{
		{difference{"other", "it rounds"}, false, true},
		{difference{"refused", "it is no timestamp"}, true, false},
		{errors.New("connection lost"), true, false},
		{nil, true, false}, // it is listed, and was none
	} {
		tr := &trial{runner: &runner{}, coordinator: &coordinator{name: "presto"}}
		tr.note("G", about, tc.err, "")
		if o := tr.outcomes[0]; (o.fault != "") != tc.fault || (o.reason != "") != tc.reason {
			t.Errorf("%v: fault %q, reason %q", tc.err, o.fault, o.reason)
		}
	}
}

func TestDifferNeedsRows(t *testing.T) {
	if err := differ(prestotest.Answer{}, prestotest.Answer{}); err == nil {
		t.Error("two answers without rows show nothing, and pass")
	}
	if err := differ(prestotest.Answer{Error: "down"}, prestotest.Answer{Error: "down"}); err == nil {
		t.Error("two errors pass")
	}
}

func TestTestResults(t *testing.T) {
	got := testResults([]byte(`{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA","Output":"no moto\n"}
{"Action":"skip","Test":"TestA"}
{"Action":"pass","Test":"TestB"}
{"Action":"pass","Package":"p"}
not JSON
`))
	if got["TestA"] != (testResult{"skip", "no moto\n"}) || got["TestB"].action != "pass" || got["TestC"].action != "" {
		t.Errorf("%v", got)
	}
}
