package presto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sluice/query/executor"
)

// unpredictable are the functions whose answer nobody can keep.
var unpredictable = regexp.MustCompile(`(?i)\bpresto_|;`)

// askPresto asks a PrestoDB, two statements at a time.
func askPresto(t *testing.T, url string, all []string) map[string]reply {
	var mu sync.Mutex
	out := make(map[string]reply)
	next := make(chan string)
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for sql := range next {
				r, err := prestoReply(t.Context(), url, sql)
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

// prestoReply speaks the protocol of /v1/statement.
func prestoReply(ctx context.Context, url, sql string) (reply, error) {
	r := reply{SQL: sql}
	method, body := http.MethodPost, sql
	for url += "/v1/statement"; url != ""; method, body = http.MethodGet, "" {
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return r, err
		}
		for name, value := range map[string]string{"User": "test", "Time-Zone": "UTC", "Catalog": "memory", "Schema": "default", "Session": "legacy_timestamp=false"} {
			req.Header.Set("X-Presto-"+name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return r, err
		}
		var page struct {
			NextURI string                               `json:"nextUri"`
			Columns []struct{ Type string }              `json:"columns"`
			Data    [][]json.RawMessage                  `json:"data"`
			Error   *struct{ ErrorName, Message string } `json:"error"`
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			return r, fmt.Errorf("%s: %w", res.Status, err)
		}
		if page.Error != nil {
			r.Types, r.Rows = nil, nil
			r.Error = page.Error.ErrorName + ": " + page.Error.Message
			return r, nil
		}
		if r.Types == nil {
			for _, c := range page.Columns {
				r.Types = append(r.Types, c.Type)
			}
		}
		r.Rows = append(r.Rows, page.Data...)
		url = page.NextURI
	}
	return r, nil
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

// difference says in a word how two answers differ, and which they are.
func difference(theirs, ours reply) (word, told string) {
	told = "Presto: " + rowsOf(theirs) + "\n  ours: " + rowsOf(ours)
	if len(theirs.Types) != len(ours.Types) || len(theirs.Rows) != len(ours.Rows) {
		return "other", told
	}
	word = "same"
	for i, typ := range theirs.Types {
		want, got := parseType(typ), parseType(ours.Types[i])
		if !want.like(got) {
			word = "typed"
			told = want.String() + " is " + got.String() + ": " + told
		}
		for j := range theirs.Rows {
			if !want.equal(ordered(theirs.Rows[j][i]), ordered(ours.Rows[j][i])) {
				return "other", told
			}
		}
	}
	return word, told
}

// A signature is a type without what does not matter here: the length of a
// varchar, the names of a row's fields, the kind of an interval.
type signature struct {
	name string
	of   []signature
}

func parseType(s string) signature {
	s = strings.TrimSpace(s)
	name, rest, ok := strings.Cut(s, "(")
	name = strings.TrimSpace(name)
	if !ok || name == "decimal" || name == "char" {
		if strings.HasPrefix(s, "interval") {
			s = "interval"
		}
		return signature{name: strings.ReplaceAll(s, " ", "")}
	}
	if name == "varchar" {
		return signature{name: name}
	}
	out := signature{name: name}
	depth, from, quoted := 0, 0, false
	rest = strings.TrimSuffix(rest, ")")
	part := func(p string) {
		p = strings.TrimSpace(p)
		if name == "row" {
			p = unnamed(p)
		}
		out.of = append(out.of, parseType(p))
	}
	for i, c := range rest {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			part(rest[from:i])
			from = i + 1
		}
	}
	part(rest[from:])
	return out
}

// unnamed is a field of a row type without its name.
func unnamed(field string) string {
	name, typ, ok := strings.Cut(field, " ")
	if !ok || !fieldName.MatchString(name) || strings.HasPrefix(typ, "with time zone") || name == "interval" {
		return field
	}
	return typ
}

var fieldName = regexp.MustCompile(`^("[^"]*"|[a-z0-9_]+)$`)

// like reports whether two types are the same; that of NULL is like any.
func (s signature) like(o signature) bool {
	if s.name == "unknown" {
		return true
	}
	return s.name == o.name && slices.EqualFunc(s.of, o.of, signature.like)
}

func (s signature) String() string {
	if len(s.of) == 0 {
		return s.name
	}
	var parts []string
	for _, o := range s.of {
		parts = append(parts, o.String())
	}
	return s.name + "(" + strings.Join(parts, ",") + ")"
}

// equal compares two values of the type; nested ones are lists, of pairs for maps.
func (s signature) equal(theirs, ours any) bool {
	if theirs == nil || ours == nil {
		return theirs == nil && ours == nil
	}
	if text, ok := theirs.(string); ok && len(s.of) > 0 {
		theirs = ordered(json.RawMessage(text)) // some versions send nested values as texts
	}
	switch s.name {
	case "double", "real":
		near := 1e-14
		if s.name == "real" {
			near = 1e-6
		}
		a, err1 := strconv.ParseFloat(fmt.Sprint(theirs), 64)
		b, err2 := strconv.ParseFloat(fmt.Sprint(ours), 64)
		return err1 == nil && err2 == nil && (a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= near*math.Abs(a) && !math.IsInf(a, 0))
	case "array", "row":
		a, ok1 := theirs.([]any)
		b, ok2 := ours.([]any)
		if pairs, ok := ours.([]pair); ok {
			ok2 = true
			for _, p := range pairs {
				b = append(b, p.value)
			}
		}
		if !ok1 || !ok2 || len(a) != len(b) {
			return false
		}
		for i := range a {
			of := s.of[0]
			if s.name == "row" {
				of = s.of[i]
			}
			if !of.equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case "map":
		a, ok1 := theirs.([]pair)
		b, ok2 := ours.([]pair)
		if !ok1 || !ok2 || len(a) != len(b) {
			return false
		}
		for _, p := range a {
			found := false
			for _, q := range b {
				found = found || s.of[0].equal(p.key, q.key) && s.of[1].equal(p.value, q.value)
			}
			if !found {
				return false
			}
		}
		return true
	}
	return fmt.Sprint(theirs) == fmt.Sprint(ours)
}

type pair struct {
	key   string
	value any
}

// ordered is a JSON value, objects as pairs in their order, numbers as text.
func ordered(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return orderedValue(d)
}

func orderedValue(d *json.Decoder) any {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, orderedValue(d))
		}
		d.Token()
		return list
	case json.Delim('{'):
		list := []pair{}
		for d.More() {
			key, _ := d.Token()
			list = append(list, pair{fmt.Sprint(key), orderedValue(d)})
		}
		d.Token()
		return list
	}
	return t
}
