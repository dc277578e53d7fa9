package presto_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/prestotest"
)

// What PrestoDB itself answers to the statements of testdata/statements.txt and of
// the tests beside this one is in testdata/presto.ndjson. Every one of them has
// Presto's answer here, its types included, or none. testdata/differences.txt has
// those of which that does not hold as it stands, each with one of these words:
//
//	refused  Presto answers, we say that we do not
//	lenient  Presto refuses, we answer
//	typed    the same answer, of another type
//	other    both answer, and not the same: why is in the line before
//
// Each test run takes all single expressions that have an answer, and one in three of
// what else there is; with -update all.
//
// With -update the first three are written anew. TEST_PRESTO_URL names a running
// PrestoDB, such as http://127.0.0.1:8080, which is then asked, and with -update
// its answers are kept: see doc.go.

var (
	update  = flag.Bool("update", false, "write testdata anew")
	missing = flag.Bool("missing", false, "ask only what testdata has no answer to")
)

const (
	statementsFile  = "testdata/statements.txt"
	oracleFile      = "testdata/presto.ndjson"
	differencesFile = "testdata/differences.txt"
)

// A reply is what an engine says to a statement.
type reply = prestotest.Answer

// whole is a statement of what may be an expression alone.
func whole(sql string) string {
	switch word, _, _ := strings.Cut(strings.TrimLeft(sql, "("), " "); word {
	case "SELECT", "WITH", "VALUES", "TABLE":
	default:
		sql = "SELECT " + sql
	}
	return strings.ReplaceAll(sql, "{sales}", sales)
}

// inFile are the statements of testdata.
func inFile(t testing.TB) []string {
	t.Helper()
	file, err := os.ReadFile(statementsFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(file)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, whole(line))
		}
	}
	return all
}

// asked are all statements, each once.
func asked(t testing.TB) []string {
	t.Helper()
	all := append(inFile(t), typical(t)...)
	for _, tests := range []map[string][]answer{sections, statements} {
		for _, name := range slices.Sorted(maps.Keys(tests)) {
			for _, a := range tests[name] {
				if !unpredictable.MatchString(a.sql) {
					all = append(all, whole(a.sql))
				}
			}
		}
	}
	seen := make(map[string]bool)
	return slices.DeleteFunc(all, func(sql string) bool {
		was := seen[sql]
		seen[sql] = true
		return was
	})
}

func kept(t testing.TB) map[string]reply {
	t.Helper()
	file, err := os.ReadFile(oracleFile)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]reply)
	s := bufio.NewScanner(bytes.NewReader(file))
	s.Buffer(nil, 1<<22)
	for s.Scan() {
		var r reply
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out[r.SQL] = r
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", oracleFile, err)
	}
	return out
}

// differences are the lines of the file: a word for a statement, and for those that
// answer otherwise why.
func differences(t testing.TB) (words map[string]string, why map[string]string) {
	t.Helper()
	file, err := os.ReadFile(differencesFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	words, why = make(map[string]string), make(map[string]string)
	var reason string
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSuffix(line, "\n")
		if comment, ok := strings.CutPrefix(line, "# "); ok {
			reason = comment
			continue
		}
		word, sql, _ := strings.Cut(line, " ")
		words[sql] = word
		if word == "other" {
			why[sql] = reason
		}
	}
	return words, why
}

// compareWith asks this dialect and compares with an engine's replies.
func compareWith(t *testing.T, replies map[string]reply) {
	e := newExecutor(t)
	known, why := differences(t)
	now := make(map[string]string)
	counts := make(map[string]int)
	all := asked(t)
	if os.Getenv("TEST_PRESTO_URL") == "" && !*update {
		// Those of the other tests are asked there. What takes a query of its own, one
		// in three will do: what fails, and what is more than an expression.
		alone := 0
		all = slices.DeleteFunc(inFile(t), func(sql string) bool {
			r, ok := replies[sql]
			if ok && (r.Error != "" || known[sql] == "refused" || notTogether.MatchString(sql)) {
				alone++
				return alone%3 != 0
			}
			return false
		})
	}
	ours := answers(t, e, all, func(sql string) bool { return replies[sql].Error == "" && known[sql] != "refused" })
	for _, sql := range all {
		theirs, ok := replies[sql]
		if !ok {
			t.Errorf("%s: Presto was not asked yet: run with TEST_PRESTO_URL and -update", sql)
			continue
		}
		ours := ours[sql]
		word, told := "same", ""
		switch {
		case theirs.Error != "" && ours.Error == "":
			word, told = "lenient", "Presto: "+theirs.Error+"\n  ours: "+ours.String()
		case theirs.Error == "" && ours.Error != "":
			word, told = "refused", "Presto: "+theirs.String()+"\n  ours: "+ours.Error
		case theirs.Error == "":
			word, told = prestotest.Difference(theirs, ours)
		}
		counts[word]++
		if word != "same" {
			now[sql] = word
		}
		was := known[sql]
		if was == "" {
			was = "same"
		}
		if was != word && (!*update || word == "other" && why[sql] == "") {
			t.Errorf("%s\n%s, and was %s\n  %s", sql, word, was, told)
		}
	}
	t.Logf("%v", counts)
	if *update {
		writeDifferences(t, now, why)
	}
}

func writeDifferences(t *testing.T, now, why map[string]string) {
	var b strings.Builder
	for _, word := range []string{"other", "typed", "lenient", "refused"} {
		for _, sql := range slices.Sorted(maps.Keys(now)) {
			if now[sql] != word {
				continue
			}
			if word == "other" {
				if why[sql] == "" {
					continue
				}
				b.WriteString("# " + why[sql] + "\n")
			}
			b.WriteString(word + " " + sql + "\n")
		}
	}
	if err := os.WriteFile(differencesFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPrestosAnswers(t *testing.T) {
	if os.Getenv("TEST_PRESTO_URL") != "" && *update {
		t.Skip("TestPresto writes anew what this test reads")
	}
	compareWith(t, kept(t))
}

func TestPresto(t *testing.T) {
	url := os.Getenv("TEST_PRESTO_URL")
	if url == "" {
		t.Skip("set TEST_PRESTO_URL to the address of a running PrestoDB: doc.go says how one is started")
	}
	all, replies := asked(t), make(map[string]reply)
	if *missing {
		replies = kept(t)
		all = slices.DeleteFunc(all, func(sql string) bool { _, ok := replies[sql]; return ok })
	}
	maps.Copy(replies, askPresto(t, url, all))
	if *update {
		var b bytes.Buffer
		for _, sql := range asked(t) {
			line, err := json.Marshal(replies[sql])
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
		if err := os.WriteFile(oracleFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	compareWith(t, replies)
}
