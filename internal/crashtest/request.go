package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A request is a body of records, good ones and bad ones.
type request struct {
	form     string
	body     []byte
	encoding string
	key      string // Idempotency-Key
	records  []record
	bad      []bool // by position: what is sent for the record is malformed
}

// forms of a body, of which some come more often.
var forms = []string{"lines", "lines", "lines", "array", "single", "single", "pretty"}

// sizes of a request in records.
var sizes = []int{1, 2, 5, 20, 20, 60, 60, 400}

// makeRequest draws a form, a size and records.
func makeRequest(rng *rand.Rand, j *journal, client int) (request, error) {
	q := request{form: forms[rng.IntN(len(forms))]}
	n := 1
	if q.form != "single" {
		n = sizes[rng.IntN(len(sizes))]
	}
	q.records = j.take(rng.IntN(numStreams), client, n)
	q.bad = make([]bool, n)
	if (q.form == "lines" || q.form == "array") && rng.IntN(5) == 0 {
		for i := range q.bad {
			q.bad[i] = rng.IntN(8) == 0
		}
	}
	if q.records[0].stream == plain && rng.IntN(3) == 0 {
		q.key = fmt.Sprintf("%s-%d", q.records[0].id(), rng.Uint64())
	}
	return q, q.encode(rng)
}

// again tells that the request may be sent again as it is, whatever became of it.
func (q request) again() bool { return q.key != "" || q.records[0].stream == once }

// rest is the request from record i on, as a client would send it again.
func (q request) rest(rng *rand.Rand, i int) (request, error) {
	q.records, q.bad = q.records[i:], q.bad[i:]
	return q, q.encode(rng)
}

// encode makes the body.
func (q *request) encode(rng *rand.Rand) error {
	var b strings.Builder
	for i, r := range q.records {
		text := r.json()
		switch {
		case q.bad[i] && q.form == "array":
			text = fmt.Sprintf("[%q]", r.id())
		case q.bad[i]:
			text = fmt.Sprintf(`{"id":%q "seq":%d}`, r.id(), r.seq)
		case q.form == "pretty":
			text = strings.Replace(text, "{", "{\n  ", 1)
		}
		if q.form == "array" {
			b.WriteString(map[bool]string{true: "[", false: ",\n"}[i == 0])
		}
		b.WriteString(text)
		if q.form != "array" && (i < len(q.records)-1 || rng.IntN(2) == 0) {
			b.WriteByte('\n')
		}
	}
	if q.form == "array" {
		b.WriteByte(']')
	}
	q.encoding = []string{"", "", "gzip", "zstd"}[rng.IntN(4)]
	var err error
	q.body, err = compress(q.encoding, b.String())
	return err
}

func compress(encoding, text string) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		w = z
	default:
		return []byte(text), nil
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// An answer is what the server says to a request.
type answer struct {
	status   int
	Accepted int
	Rejected []struct {
		Index int
		Error string
	}
	RejectedTotal int  `json:"rejected_total"`
	ResumeFrom    *int `json:"resume_from"`
	Error         struct{ Code, Message string }
}

// judge tells from the answer what is known of each record: the first done ones
// were dealt with, what became of the others is certain or not. The text says
// what is wrong with the answer, if anything.
func (q request) judge(a answer) (done int, certain bool, wrong string) {
	done, certain = len(q.records), true
	switch {
	case a.status == 200:
	case a.status == 400 && a.Error.Code == "no_record_accepted":
	case a.status == 503 || a.status == 429:
		if a.ResumeFrom == nil {
			return 0, true, "" // refused before it was read
		}
		done = *a.ResumeFrom
		certain = a.Error.Code == "buffer_full" || a.status == 429
	default:
		return 0, false, fmt.Sprintf("answer %d %s: %s", a.status, a.Error.Code, a.Error.Message)
	}
	if done < 0 || done > len(q.records) {
		return 0, false, fmt.Sprintf("resume_from %d of %d records", done, len(q.records))
	}
	rejected := map[int]bool{}
	for _, x := range a.Rejected {
		rejected[x.Index] = true
	}
	good := 0
	for i := range done {
		if !q.bad[i] {
			good++
		}
		if q.bad[i] != rejected[i] {
			return done, certain, fmt.Sprintf("record %d of %d (malformed: %t) is rejected: %t", i, len(q.records), q.bad[i], rejected[i])
		}
	}
	if good != a.Accepted || done-good != len(a.Rejected) {
		wrong = fmt.Sprintf("of %d good and %d malformed records, %d are accepted and %d rejected", good, done-good, a.Accepted, len(a.Rejected))
	}
	return done, certain, wrong
}
