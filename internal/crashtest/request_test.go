package main

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// Each request is judged by what its answer says of each record.
func TestJudge(t *testing.T) {
	q := request{records: newJournal(1).take(plain, 0, 4), bad: []bool{false, true, false, false}}
	for _, tc := range []struct {
		status  int
		text    string
		done    int
		certain bool
		wrong   bool
	}{
		{200, `{"accepted":3,"rejected":[{"index":1}]}`, 4, true, false},
		{200, `{"accepted":4,"rejected":[]}`, 4, true, true},
		{200, `{"accepted":3,"rejected":[{"index":2}]}`, 4, true, true},
		{200, `{"accepted":2,"rejected":[{"index":1}]}`, 4, true, true},
		{503, `{"accepted":1,"rejected":[{"index":1}],"resume_from":2,"error":{"code":"buffer_full"}}`, 2, true, false},
		{503, `{"accepted":0,"rejected":[],"resume_from":0,"error":{"code":"buffer_full"}}`, 0, true, false},
		{503, `{"accepted":1,"rejected":[],"resume_from":2,"error":{"code":"buffer_full"}}`, 2, true, true},
		{503, `{"accepted":1,"rejected":[{"index":1}],"resume_from":2,"error":{"code":"overloaded"}}`, 2, false, false},
		{503, `{"accepted":1,"rejected":[{"index":1}],"resume_from":5,"error":{"code":"buffer_full"}}`, 0, false, true},
		{503, `{"error":{"code":"overloaded"}}`, 0, true, false},
		{500, `{"accepted":1,"rejected":[{"index":1}],"resume_from":2,"error":{"code":"append_failed"}}`, 0, false, true},
		{500, `{}`, 0, false, true},
		{404, `{"error":{"code":"unknown_stream"}}`, 0, false, true},
	} {
		a := answer{status: tc.status}
		if err := json.Unmarshal([]byte(tc.text), &a); err != nil {
			t.Fatal(err)
		}
		done, certain, wrong := q.judge(a)
		if (wrong != "") != tc.wrong || tc.wrong && tc.status != 200 && done > tc.done || !tc.wrong && (done != tc.done || certain != tc.certain) {
			t.Errorf("%d %s: %d, %t, %q", tc.status, tc.text, done, certain, wrong)
		}
	}
}

// The bodies are JSON where they should be and are not where they should not.
func TestForms(t *testing.T) {
	rng, j, seen := rand.New(rand.NewPCG(1, 2)), newJournal(1), map[string]bool{}
	for range 500 {
		q, err := makeRequest(rng, j, 0)
		if err != nil {
			t.Fatal(err)
		}
		bad := false
		for _, b := range q.bad {
			bad = bad || b
		}
		seen[q.form+q.encoding] = true
		if q.form == "array" && q.encoding == "" {
			var all []json.RawMessage
			if err := json.Unmarshal(q.body, &all); err != nil || len(all) != len(q.records) {
				t.Errorf("array of %d: %v", len(all), err)
			}
		}
		if q.form == "lines" && q.encoding == "" && len(q.records) == 1 && json.Valid(q.body) == bad {
			t.Errorf("bad %t: %s", bad, q.body)
		}
	}
	if len(seen) != 12 {
		t.Errorf("forms and encodings: %v", seen)
	}
}
