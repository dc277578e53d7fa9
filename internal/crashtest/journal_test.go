package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is lost, doubled or out of place is found.
func TestCount(t *testing.T) {
	j := newJournal(2)
	recs := j.take(plain, 1, 6)
	j.set(uncertain, recs...)
	j.set(acked, recs[0], recs[1], recs[2])
	j.set(refused, recs[0], recs[4], recs[5])
	if least, most := j.bounds(plain); least != 3 || most != 4 {
		t.Errorf("bounds %d, %d", least, most)
	}
	c := j.newCount(plain, isRow)
	for _, tc := range []struct{ id, wrong string }{
		{recs[0].id(), ""}, {recs[1].id(), ""}, {recs[1].id(), ""}, {recs[3].id(), ""}, {recs[3].id(), ""},
		{recs[4].id(), "was refused, or never sent"}, {"c01-0000006", "was never sent"}, {"c02-0000000", "was never sent"}, {"c1-0", "was never sent"}, {"", "was never sent"},
	} {
		if _, wrong := c.found(tc.id); wrong != tc.wrong {
			t.Errorf("%q: %q, want %q", tc.id, wrong, tc.wrong)
		}
	}
	lost, doubled := c.missing()
	if diff := cmp.Diff([][]string{{recs[2].id()}, {recs[1].id(), recs[3].id()}}, [][]string{lost, doubled}); diff != "" {
		t.Error(diff)
	}
}

// A misfit is no row.
func TestMisfits(t *testing.T) {
	j := newJournal(1)
	recs := j.take(parts, 0, 2000)
	j.set(acked, recs...)
	rows, misfits := j.newCount(parts, isRow), j.newCount(parts, isMisfit)
	n := 0
	for _, r := range recs {
		_, a := rows.found(r.id())
		_, b := misfits.found(r.id())
		if (a == "") == (b == "") || (a == "") == r.misfit() {
			t.Fatalf("%s: %q, %q", r.id(), a, b)
		}
		if r.misfit() {
			n++
		}
	}
	if least, _ := j.bounds(parts); n == 0 || n > 50 || least != len(recs)-n {
		t.Errorf("%d misfits, at least %d rows", n, least)
	}
}

// A record read back from its JSON is the record; one changed is not.
func TestContent(t *testing.T) {
	for seq := 1; seq < 1000; seq++ {
		r := record{parts, 3, seq}
		if again, ok := parseRecord(parts, r.id()); !ok || again != r {
			t.Fatalf("%s is %v", r.id(), again)
		}
		if r.misfit() {
			continue
		}
		var w row
		if err := json.Unmarshal([]byte(r.json()), &w); err != nil {
			t.Fatal(err)
		}
		w.Day = r.happened().Format("2006-01-02")
		if wrong := w.differs(r); wrong != "" {
			t.Fatalf("%s: %s", r.json(), wrong)
		}
		for i, change := range []func(*row){
			func(w *row) { w.Seq++ }, func(w *row) { w.Kind = "" }, func(w *row) { w.Day = "" }, func(w *row) { w.Who.Home = nil }, func(w *row) { w.Who = nil }, func(w *row) { w.Amount = 0 },
			func(w *row) { w.Tags = w.Tags[1:] }, func(w *row) { w.Rescued = json.RawMessage("{}") },
			func(w *row) { w.Extra0, w.Extra1 = &w.ID, &w.ID },
		} {
			changed := w
			if change(&changed); changed.differs(r) == "" {
				t.Errorf("change %d of %s is not seen", i, r.json())
			}
			json.Unmarshal([]byte(r.json()), &w)
		}
	}
}
