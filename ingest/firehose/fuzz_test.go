package firehose_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/jsonscan"
)

// FuzzPut compares the decoder with encoding/json: what it takes, that takes, and
// to the same data; whatever was taken is stored, in order, byte for byte.
func FuzzPut(f *testing.F) {
	for _, data := range []string{`{"a":1}`, `{}{"b":[]}x`, "text\n", "", encode(`{"a":2}`)} {
		f.Add(string(must(io.ReadAll(batchOf("s", data, data)))), uint64(1), true)
		f.Add(string(must(io.ReadAll(recordOf("s", data)))), uint64(9), false)
	}
	f.Add(`{"Records":[{"Data":"e30"},{"D\u0061ta":"\/\/\u002b="}],"DeliveryStreamName":"\u0073"}`, uint64(3), true)
	f.Add(`{"DeliveryStreamName":"s","Records":[{"Data":"e30="},]}`, uint64(0), true)
	f.Fuzz(func(t *testing.T, body string, seed uint64, batch bool) {
		s := newServer(t)
		op := "PutRecord"
		if batch {
			op = "PutRecordBatch"
		}
		rnd := rand.New(rand.NewPCG(seed, 1))
		a := s.call(op, &chopped{strings.NewReader(body), rnd, 1 + rnd.IntN(1000)})
		if a.status != 200 {
			if s.log.appends > 0 {
				t.Errorf("%d appends, and then %s", s.log.appends, a.raw)
			}
			return
		}
		name, data, err := oracle(body, batch)
		if err != nil {
			t.Fatalf("taken, but %v: %.300q", err, body)
		}
		if batch && len(a.RequestResponses) != len(data) {
			t.Errorf("%d records, answered %d", len(data), len(a.RequestResponses))
		}
		var want []string
		for _, d := range data {
			want = append(want, linesOf(d)...)
		}
		if got := s.log.of(name); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("stored %.300q, want %.300q", got, want)
		}
	})
}

// oracle reads a request with encoding/json.
func oracle(body string, batch bool) (name string, data [][]byte, err error) {
	type record struct{ Data *string }
	var req struct {
		DeliveryStreamName string
		Record             *record
		Records            []*record
	}
	if err := json.Unmarshal([]byte(body), &req); err != nil {
		return "", nil, err
	}
	list := req.Records
	if !batch {
		list = []*record{req.Record}
	}
	for _, r := range list {
		if r == nil || r.Data == nil {
			return "", nil, errors.New("a record without data")
		}
		d, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(*r.Data, "="))
		if err != nil {
			return "", nil, err
		}
		data = append(data, d)
	}
	return req.DeliveryStreamName, data, nil
}

// linesOf is what a record's data becomes, found in the slow and simple way.
func linesOf(data []byte) (lines []string) {
	if inner, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimRight(string(data), " \r\n\t"), "=")); err == nil {
		if l := objectsOf(inner); len(l) > 0 && !strings.HasPrefix(l[len(l)-1], "malformed: ") && !bytes.ContainsAny(bytes.TrimRight(data, " \r\n\t"), "\r\n") {
			return l
		}
	}
	return objectsOf(data)
}

func objectsOf(data []byte) (lines []string) {
	for {
		data = bytes.TrimLeft(data, " \t\r\n")
		if len(data) == 0 {
			return lines
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil || v[0] != '{' || !utf8.Valid(v) || deep(v) {
			return append(lines, "malformed: "+string(data))
		}
		line := string(v)
		if strings.Contains(line, "\n") {
			line = string(jsonscan.AppendCompact(nil, v))
		}
		lines = append(lines, line)
		data = data[dec.InputOffset():]
	}
}

// deep reports what encoding/json allows and Sluice does not.
func deep(v []byte) bool {
	_, err := jsonscan.Object(v)
	return err != nil && strings.Contains(err.Error(), "deeper")
}
