package records_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/ingest/records"
	"sluice/internal/lake"
)

// placedLog remembers which record had which place in a request.
type placedLog struct {
	t      testing.TB
	fail   int // the append that fails; -1: none
	places map[uint64]string
	n      int
}

func (l *placedLog) Append(_ context.Context, _ string, b lake.Block) error {
	attr, ok := lake.ParseRequest(b.Attrs)
	if !ok || string(attr.Key) != "k-1" {
		l.t.Errorf("the block's attributes are %q", b.Attrs)
	}
	if l.n++; l.n-1 == l.fail {
		return fullError{}
	}
	x := attr.Indexes()
	for line := range bytes.Lines(b.Data) {
		i := x.Next()
		if old, ok := l.places[i]; ok && old != string(line) {
			l.t.Errorf("record %d was %q, is now %q", i, old, line)
		}
		l.places[i] = string(line)
	}
	return nil
}

// However the bytes come in, and wherever the first attempt broke off, a record of
// a request that is sent again has the place that it had.
func TestPlacesAreTheSame(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, framing := range []string{"lines", "array", "values"} {
		var body strings.Builder
		good := 0
		for i := range 20_000 {
			bad := i > 0 && rnd.IntN(10) == 0
			text := fmt.Sprintf(`{"i":%d,"x":%q}`, i, strings.Repeat("x", rnd.IntN(200)))
			switch {
			case framing == "lines" && bad:
				text = `{"i":`
			case framing == "array" && bad:
				text = `17`
			case framing == "values":
				text, bad = strings.Replace(text, ",", ",\n  ", 1), false
			}
			if !bad {
				good++
			}
			switch {
			case framing == "array" && i > 0:
				body.WriteString(",")
			case framing == "array":
				body.WriteString("[")
			}
			body.WriteString(text + "\n")
		}
		if framing == "array" {
			body.WriteString("]")
		}
		log := &placedLog{t: t, places: map[uint64]string{}}
		s := newServer(t, func(c *records.Config) { c.Appender = log })
		for attempt := range 5 {
			log.n, log.fail = 0, attempt // the last ones may go through
			var src = &chopped{r: strings.NewReader(body.String()), rnd: rnd, max: 1 + rnd.IntN(100_000)}
			a := s.post(t, src, "Idempotency-Key", "k-1")
			if a.status != 200 && (a.ResumeFrom != nil || !strings.Contains(a.Error.Message, "whole request again")) {
				t.Errorf("%s: answer %s", framing, a.raw)
			}
		}
		log.fail = -1
		if a := s.post(t, strings.NewReader(body.String()), "Idempotency-Key", "k-1"); a.Accepted != good || len(log.places) != good {
			t.Errorf("%s: %d accepted, %d places, want %d", framing, a.Accepted, len(log.places), good)
		}
	}
}

func TestRequestKeys(t *testing.T) {
	for key, status := range map[string]int{
		"a": 200, `"8e03978e-40d5-43dd-bc93-6894a57f9324"`: 200, strings.Repeat("k", 255): 200,
		"": 400, strings.Repeat("k", 256): 400, "a b": 400, "é": 400, "a\x7f": 400,
	} {
		s := newServer(t)
		if a := s.post(t, strings.NewReader(`{}`), "Idempotency-Key", key); a.status != status {
			t.Errorf("%q: %s", key, a.raw)
		}
	}
	s := newServer(t)
	if a := s.post(t, strings.NewReader(`{}`), "Idempotency-Key", "a", "Idempotency-Key", "b"); a.Error.Code != "bad_idempotency_key" {
		t.Errorf("two keys: %s", a.raw)
	}
}
