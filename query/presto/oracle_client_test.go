package presto_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sluice/internal/prestotest"
	"sluice/query/executor"
)

// unpredictable are the functions whose answer nobody can keep, or is too long to be kept.
var unpredictable = regexp.MustCompile(`(?i)\bpresto_|;|\b10000001\b|\b2000000000\b`)

// askPresto asks a PrestoDB, two statements at a time.
func askPresto(t *testing.T, url string, all []string) map[string]reply {
	server := prestotest.Server{URL: url, Catalog: "memory", Schema: "default"}
	var mu sync.Mutex
	out := make(map[string]reply)
	next := make(chan string)
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for sql := range next {
				r, err := server.Ask(t.Context(), sql)
				if err != nil {
					t.Errorf("%s: %v", sql, err)
				}
				mu.Lock()
				out[sql] = r
				mu.Unlock()
			}
		})
	}
	for _, sql := range all {
		next <- sql
	}
	close(next)
	asking.Wait()
	return out
}

// answers are what this dialect says to the statements. Those of single
// expressions that are known to have an answer are asked many at a time.
func answers(t *testing.T, e *executor.Executor, all []string, together func(sql string) bool) map[string]reply {
	out := make(map[string]reply)
	var batch []string
	flush := func() {
		for sql, r := range answersTogether(t, e, batch) {
			out[sql] = r
		}
		batch = nil
	}
	for _, sql := range all {
		if expression, ok := strings.CutPrefix(sql, "SELECT "); ok && together(sql) && !notTogether.MatchString(expression) {
			if batch = append(batch, sql); len(batch) == 25 {
				flush()
			}
			continue
		}
		out[sql] = answerOf(t, e, sql)
	}
	flush()
	return out
}

var notTogether = regexp.MustCompile(`(?i)\bFROM\b|--|\bWHERE\b|\bUNION\b|\bEXCEPT\b|\bINTERSECT\b|\bHAVING\b|\bcardinality\b|\bsum\b`)

// answersTogether asks all expressions in one statement, or in halves if that fails.
func answersTogether(t *testing.T, e *executor.Executor, all []string) map[string]reply {
	out := make(map[string]reply)
	if len(all) <= 1 {
		for _, sql := range all {
			out[sql] = answerOf(t, e, sql)
		}
		return out
	}
	expressions := make([]string, len(all))
	for i, sql := range all {
		expressions[i] = strings.TrimPrefix(sql, "SELECT ")
	}
	r := answerOf(t, e, "SELECT "+strings.Join(expressions, ", "))
	if r.Error != "" || len(r.Rows) != 1 || len(r.Types) != len(all) {
		for _, half := range [][]string{all[:len(all)/2], all[len(all)/2:]} {
			for sql, r := range answersTogether(t, e, half) {
				out[sql] = r
			}
		}
		return out
	}
	for i, sql := range all {
		out[sql] = reply{SQL: sql, Types: r.Types[i : i+1], Rows: [][]json.RawMessage{{r.Rows[0][i]}}}
	}
	return out
}

// answerOf is what this dialect says to one statement.
func answerOf(t *testing.T, e *executor.Executor, sql string) reply {
	r := reply{SQL: sql}
	lines, types, err := rowsAsked(t.Context(), e, sql)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.Types = types
	for _, line := range lines {
		var row []json.RawMessage
		for _, v := range line {
			row = append(row, json.RawMessage(v))
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}
