package natsjs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sluice/ingest"
	"sluice/internal/lake"
)

func TestMapping(t *testing.T) {
	for _, c := range []struct{ filter, into, subject, want string }{
		{"orders.>", "orders", "orders.a.b", "orders"},
		{"orders.*.>", "o_$1", "orders.new.de", "o_new"},
		{"orders.*.>", "$2-$1", "orders.new.de.berlin", "de.berlin-new"},
		{"*.x.*", "$1$2", "a.x.b", "ab"},
		{"a.*", "$1", "a.grün und so", "gr__n_und_so"},
		{"a.*", "$1", "a." + strings.Repeat("x", 65), ""},
		{">", "$1", "..", ""},
	} {
		m, err := newMapping(c.filter, c.into)
		if err != nil {
			t.Errorf("%s into %s: %v", c.filter, c.into, err)
			continue
		}
		got, ok := m.stream(c.subject)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s into %s: %s goes to %q, %v", c.filter, c.into, c.subject, got, ok)
		}
	}
	for _, c := range []struct{ filter, into string }{
		{"a.*", "$2"}, {"a.*", "$"}, {"a.*", "$x"}, {"a.b", "$1"}, {"a..b", "x"}, {"a.>.b", "x"}, {"a b", "x"}, {"a", "b/c"}, {"a", ""},
		{"a.*", "$99999999999999999999"}, {"a.*", "$0"},
	} {
		if _, err := newMapping(c.filter, c.into); err == nil {
			t.Errorf("%s into %s is taken", c.filter, c.into)
		}
	}
}

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		reply          string
		seq, at, times int64
	}{
		{"$JS.ACK.ORDERS.sluice.2.17.20.1769860800123456789.5", 17, 1769860800123456789, 2},
		{"$JS.ACK._.acc.ORDERS.sluice.2.17.20.1769860800123456789.5", 17, 1769860800123456789, 2},
		{"$JS.ACK.hub.acc.ORDERS.sluice.2.17.20.1769860800123456789.5.token.more", 17, 1769860800123456789, 2},
		{"$JS.ACK.ORDERS.sluice.2.17.20.1769860800123456789", 0, 0, 0},
		{"$JS.ACK.ORDERS.sluice.2.x.20.1769860800123456789.5", 0, 0, 0},
		{"$JS.ACK.ORDERS.sluice.2.0.20.1769860800123456789.5", 0, 0, 0},
		{"_INBOX.a.b.c.d.e.f.g.h", 0, 0, 0},
		{"", 0, 0, 0},
	} {
		it := item{reply: c.reply}
		if ok := it.parseReply(); ok != (c.seq > 0) || ok && (int64(it.seq) != c.seq || it.at != c.at || int64(it.times) != c.times) {
			t.Errorf("%s: %v, %d, %d, %d", c.reply, ok, it.seq, it.at, it.times)
		}
	}
}

func TestFlight(t *testing.T) {
	batch := func(seqs ...uint64) (items []item) {
		for _, s := range seqs {
			items = append(items, item{seq: s})
		}
		return items
	}
	seqs := func(items []item) (list []uint64) {
		for _, it := range items {
			list = append(list, it.seq)
		}
		return list
	}
	var f flight
	a := f.enter(inOrder(batch(5, 3, 3, 9)))
	if got := seqs(*a); !slices.Equal(got, []uint64{3, 5, 9}) {
		t.Errorf("first: %v", got)
	}
	b := f.enter(batch(1, 3, 4, 9, 10))
	if got := seqs(*b); !slices.Equal(got, []uint64{1, 4, 10}) {
		t.Errorf("beside it: %v", got)
	}
	f.leave(a)
	if got := seqs(*f.enter(batch(3, 4))); !slices.Equal(got, []uint64{3}) {
		t.Errorf("after it: %v", got)
	}
}

type known []lake.SequenceRange

func (k known) Within(lake.SourceID, uint64, uint64) []lake.SequenceRange { return k }

func TestClaimDocument(t *testing.T) {
	d := claimDoc{From: 10, To: 50, Doubts: []doubt{{"X", 20, 30}, {"Y", 25, 40}}}
	d.tell(known{{From: 41, To: 42, First: 100, Last: 200}}, lake.SourceID{}, 40, 50)
	for _, c := range []struct {
		seq  uint64
		at   int64
		want fate
	}{{20, 0, free}, {21, 0, doubtful}, {30, 0, doubtful}, {40, 0, doubtful}, {41, 150, stored}, {41, 250, free}, {43, 150, free}} {
		if got := d.fate(c.seq, c.at); got != c.want {
			t.Errorf("fate of %d at %d: %d, want %d", c.seq, c.at, got, c.want)
		}
	}
	before := d.clone()
	next := d.clone()
	next.settle(30)
	if len(next.Doubts) != 1 || next.Doubts[0].Node != "Y" || next.From != 30 || len(next.Stored) != 1 {
		t.Errorf("settled: %+v", next)
	}
	next.settle(60)
	if len(next.Doubts)+len(next.Stored) != 0 || next.To != 60 {
		t.Errorf("settled: %+v", next)
	}
	if !bytes.Equal(encode(d), encode(before)) {
		t.Error("the copy was not one")
	}
	var back claimDoc
	if err := json.Unmarshal(encode(d), &back); err != nil || !bytes.Equal(encode(back), encode(d)) {
		t.Errorf("read back: %+v, %v", back, err)
	}
	if many := make(known, maxStored+1); d.tell(many, lake.SourceID{}, 0, 1) {
		t.Error("more is told than fits")
	}
}

// Whatever a message holds, it becomes records that are objects on a line each, or a
// rejection; the same with the subject added.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "[{},{}]", "{}\n{}", "[", `{"a":"\u0000"}`, "\xEF\xBB\xBF{}", "[{\n\"a\" : 1}\n]", ""} {
		f.Add([]byte(s), "a.b", false)
		f.Add([]byte(s), "a\"\n\xff", true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, subject string, column bool) {
		name := ""
		if column {
			name = "sub\"ject"
		}
		dst := []byte("before")
		out, n, err := newParser(name).records(dst, payload, subject)
		if err != nil {
			if len(out) != len(dst) || n != 0 {
				t.Errorf("%d records and %d bytes beside %v", n, len(out)-len(dst), err)
			}
			about := rejected{subject: subject, source: "s", why: err.(*rejection), data: payload}
			for part := range about.parts() {
				r := about.append(nil, part)
				if len(r) > ingest.MaxRecord || !json.Valid(r) || bytes.Count(r, []byte{'\n'}) != 1 {
					t.Errorf("the rejected record is none: %.200s", r)
				}
			}
			return
		}
		data := out[len(dst):]
		if bytes.Count(data, []byte{'\n'}) != n || n > 0 && data[len(data)-1] != '\n' {
			t.Fatalf("%d records in %.200q", n, data)
		}
		for line := range bytes.Lines(data) {
			if line[0] != '{' || !json.Valid(line) {
				t.Errorf("%.200q is no record", line)
			}
		}
	})
}
