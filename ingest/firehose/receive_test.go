package firehose_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
)

// deliveryOf is the body of a delivery from AWS.
func deliveryOf(id string, data ...string) string {
	type record struct {
		Data []byte `json:"data"`
	}
	d := struct {
		RequestID string   `json:"requestId"`
		Timestamp int64    `json:"timestamp"`
		Records   []record `json:"records"`
	}{id, 1578090901599, []record{}}
	for _, s := range data {
		d.Records = append(d.Records, record{[]byte(s)})
	}
	return string(must(json.Marshal(d)))
}

type deliveryAnswer struct {
	status       int
	raw          string
	RequestID    string `json:"requestId"`
	Timestamp    int64  `json:"timestamp"`
	ErrorMessage string `json:"errorMessage"`
}

func (s *server) deliver(body io.Reader, header ...string) deliveryAnswer {
	s.t.Helper()
	r := httptest.NewRequest("POST", "/v1/firehose/s", body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	a := deliveryAnswer{status: w.Code, raw: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		s.t.Fatalf("the answer is no JSON: %v: %q", err, w.Body)
	}
	if a.Timestamp == 0 || w.Header().Get("Content-Type") != "application/json" || (a.status == 200) != (a.ErrorMessage == "") {
		s.t.Errorf("%d %s", a.status, a.raw)
	}
	return a
}

func TestReceive(t *testing.T) {
	s := newServer(t)
	a := s.deliver(strings.NewReader(deliveryOf("id-1", `{"a":1}`, `{"a":2}{"a":3}`, "text")),
		"X-Amz-Firehose-Request-Id", "id-1", "X-Amz-Firehose-Protocol-Version", "1.0", "X-Amz-Firehose-Common-Attributes", `{"commonAttributes":{}}`)
	if a.status != 200 || a.RequestID != "id-1" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if diff := cmp.Diff([]string{`{"a":1}`, `{"a":2}`, `{"a":3}`, "malformed: text"}, s.log.of("s")); diff != "" {
		t.Error(diff)
	}
	if a := s.deliver(strings.NewReader(deliveryOf("id-2"))); a.status != 200 || s.log.appends != 1 {
		t.Errorf("no records: %d %s", a.status, a.raw)
	}
}

// A delivery is stored in blocks, and every line has its place in the request, so
// that a repetition is known.
func TestReceiveLarge(t *testing.T) {
	var data []string
	for i := range 400 {
		data = append(data, fmt.Sprintf(`{"i":%d,"x":%q}`, i, strings.Repeat("x", i*100)))
	}
	s := newServer(t)
	if a := s.deliver(strings.NewReader(deliveryOf("id", data...))); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if diff := cmp.Diff(data, s.log.of("s")); diff != "" {
		t.Errorf("%.1000s", diff)
	}
	if s.log.appends < 8 {
		t.Errorf("%d appends of 8 MB", s.log.appends)
	}
	next, failAt := uint64(0), s.log.appends/2
	for _, attrs := range s.log.attrs {
		r, ok := lake.ParseRequest(attrs)
		if !ok || string(r.Key) != "id" || r.First < next {
			t.Errorf("attributes %q: %+v", attrs, r)
		}
		next = r.First + 1
	}
	// Repeated after it broke off in the middle, the blocks have the same places.
	again := newServer(t)
	again.log.before = func(n int) error {
		if n == failAt {
			return full{}
		}
		return nil
	}
	if a := again.deliver(strings.NewReader(deliveryOf("id", data...))); a.status != 503 {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if diff := cmp.Diff(s.log.attrs[:failAt], again.log.attrs); diff != "" {
		t.Error(diff)
	}
}

func TestReceiveRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"no id":          {`{"records":[{"data":"e30="}]}`, 400},
		"another id":     {deliveryOf("other", "{}"), 400},
		"a bad id":       {deliveryOf("a b", "{}"), 400},
		"id too late":    {`{"records":[{"data":"e30="}],"requestId":"x"}`, 400},
		"no records":     {`{"requestId":"x"}`, 400},
		"no JSON":        {`x`, 400},
		"no base64":      {`{"requestId":"x","records":[{"data":"???"}]}`, 400},
		"records twice":  {`{"requestId":"x","records":[],"records":[]}`, 400},
		"id is a number": {`{"requestId":5,"records":[]}`, 400},
	} {
		s := newServer(t)
		header := []string{}
		if name == "another id" {
			header = []string{"X-Amz-Firehose-Request-Id", "one"}
		}
		if a := s.deliver(strings.NewReader(c.body), header...); a.status != c.status || s.log.appends > 0 {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	s := newServer(t)
	if a := s.deliver(strings.NewReader(deliveryOf("x", "{}")), "X-Amz-Firehose-Protocol-Version", "2.0"); a.status != 400 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(deliveryOf("id", `{"a":1}`, "x\n", "{}{}"))
	f.Add(`{"records":[{"data":"e30"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := newServer(t)
		if a := s.deliver(strings.NewReader(body)); a.status == 200 && !json.Valid([]byte(body)) {
			t.Errorf("taken: %.300q", body)
		}
	})
}
