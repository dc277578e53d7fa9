package segment_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/configs"
	"sluice/ingest/segment"
)

func TestRejected(t *testing.T) {
	long := strings.Repeat("x", 101)
	for _, c := range []struct{ path, body, want string }{
		{"/v1/track", `{"event":"E"}`, "userId or anonymousId"},
		{"/v1/track", `{"event":"E","userId":""}`, "userId or anonymousId"},
		{"/v1/track", `{"event":"E","userId":{"a":1},"anonymousId":true}`, "userId or anonymousId"},
		{"/v1/track", `{"userId":"u"}`, "needs event"},
		{"/v1/track", `{"userId":"u","event":5}`, "needs event"},
		{"/v1/track", `{"userId":"u","event":""}`, "needs event"},
		{"/v1/group", `{"userId":"u"}`, "groupId"},
		{"/v1/group", `{"groupId":"u"}`, "userId or anonymousId"},
		{"/v1/alias", `{"userId":"u"}`, "previousId"},
		{"/v1/alias", `{"previousId":"u","anonymousId":"a"}`, "userId"},
		{"/v1/page", `{"userId":"u","messageId":"` + long + `"}`, "101 characters"},
		{"/v1/page", `{"userId":"u"`, "JSON"},
		{"/v1/page", `{"userId":"u"}{}`, "more after"},
		{"/v1/page", `[]`, "JSON"},
		{"/v1/page", "{\"userId\":\"\xff\"}", "UTF-8"},
		{"/v1/page", ``, "empty"},
		{"/v1/page", " \n ", "empty"},
		{"/v1/page", `{"userId":"` + strings.Repeat("u", 32<<10) + `"}`, "segment.max_event"},
		{"/v1/batch", `{"batch":{}}`, "no member"},
		{"/v1/batch", `{}`, "no member"},
		{"/v1/batch", `{"batch":[{"type":"page","userId":"u"}`, "expected"},
		{"/v1/batch", `{"batch":[{"type":"page","userId":"u"},]}`, "expected"},
		{"/v1/batch", `{"batch":[{"type":"page","userId":"u"}]} x`, "more after"},
		{"/v1/batch", `{"batch":[{"type":"page","userId":"u"}],}`, "expected"},
		{"/v1/batch", `{"batch":[{"userId":"u"}]}`, "type is needed"},
		{"/v1/batch", `{"batch":[{"userId":"u","type":"nope"}]}`, "none of identify"},
		{"/v1/batch", `{"batch":[1]}`, "object"},
		{"/v1/batch", `{"batch":[` + strings.Repeat(`{},`, 2500) + `{}]}`, "segment.max_events"},
		{"/v1/batch", `{"batch":[{"type":"page","userId":"` + strings.Repeat("u", 32<<10) + `"}]}`, "segment.max_event"},
		{"/v1/batch", `{"batch":[],"x":"` + strings.Repeat("u", 500<<10) + `"}`, "segment.max_batch"},
		{"/v1/batch", `{"batch":[],"context":{"x":"` + strings.Repeat("u", 33<<10) + `"}}`, "context of the batch"},
		{"/v1/batch", `{"batch":[],"integrations":{` + strings.Repeat(`"a":1,`, 256) + `"b":2}}`, "257 members"},
	} {
		s := newServer(t)
		a := s.post(t, c.path, c.body)
		if a.status != 400 || !strings.Contains(a.Message, c.want) {
			t.Errorf("%s %.80s: %d %s, want %q", c.path, c.body, a.status, a.raw, c.want)
		}
		if len(s.log.streams()) > 0 {
			t.Errorf("%s %.80s: something was stored", c.path, c.body)
		}
	}
	s := newServer(t)
	if a := s.post(t, "/v1/page", `{"userId":"u","messageId":"`+strings.Repeat("é", 100)+`"}`); a.status != 200 {
		t.Errorf("a messageId of 100 characters: %s", a.raw)
	}
	if a := s.post(t, "/v1/batch", `{"batch":[]}`); a.status != 200 {
		t.Errorf("an empty batch: %s", a.raw)
	}
	if a := s.do(t, "GET", "/v1/batch", nil); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", a.status, a.header)
	}
}

// The good calls of a batch are kept, the bad ones named.
func TestSomeRejected(t *testing.T) {
	s := newServer(t)
	a := s.post(t, "/v1/batch", `{"batch":[{"type":"page"},{"type":"page","userId":"u"},7,{"type":"page","userId":"u"}]}`)
	if a.status != 200 || !a.Success || len(a.Rejected) != 2 || a.Rejected[0].Index != 0 || a.Rejected[1].Index != 2 || len(s.log.lines("segment")) != 2 {
		t.Errorf("%d %s, %d stored", a.status, a.raw, len(s.log.lines("segment")))
	}
	a = s.post(t, "/v1/batch", `{"batch":[`+strings.Repeat("0,", 299)+`{"type":"page","userId":"u"}]}`)
	if a.status != 200 || len(a.Rejected) != 100 || a.RejectedTotal != 299 {
		t.Errorf("%d, %d listed, %d in all", a.status, len(a.Rejected), a.RejectedTotal)
	}
}

func TestWriteKeys(t *testing.T) {
	withKeys := func(cfg *segment.Config) {
		cfg.Access, cfg.Tables = guard(t, map[string]string{"k1": "app", "k\"2": "shop"}), segment.PerSource
	}
	basic := func(user string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"))
	}
	for _, c := range []struct {
		path, auth, body string
		status           int
		stream           string
	}{
		{"/v1/page", basic("k1"), `{"userId":"u"}`, 200, "segment.app"},
		{"/v1/page", basic("k1"), `{"userId":"u","writeKey":"k\"2"}`, 200, "segment.app"},
		{"/v1/page", basic("nope"), `{"userId":"u","writeKey":"k1"}`, 401, ""},
		{"/v1/page", "", `{"userId":"u","writeKey":"k\"2"}`, 200, "segment.shop"},
		{"/v1/page", "", `{"userId":"u"}`, 401, ""},
		{"/v1/page", "", `{"userId":"u","writeKey":7}`, 401, ""},
		{"/v1/b", "", `{"batch":[{"type":"page","userId":"u"}],"writeKey":"k1"}`, 200, "segment.app"},
		{"/v1/b", "", `{"batch":[{"type":"page","userId":"u","writeKey":"k1"}]}`, 200, "segment.app"},
		{"/v1/b", "", `{"batch":[{"type":"page","userId":"u"}],"writeKey":"nope"}`, 401, ""},
		{"/v1/b", "", `{"batch":[]}`, 401, ""},
		{"/sources/app/v1/page", basic("k1"), `{"userId":"u"}`, 200, "segment.app"},
		{"/sources/shop/v1/page", basic("k1"), `{"userId":"u"}`, 401, ""},
		{"/sources/a.b/v1/page", basic("k1"), `{"userId":"u"}`, 400, ""},
	} {
		s := newServer(t, withKeys)
		a := s.post(t, c.path, c.body, "Authorization", c.auth)
		if a.status != c.status || strings.Contains(a.raw, "nope") {
			t.Errorf("%s %q %s: %d %s", c.path, c.auth, c.body, a.status, a.raw)
		}
		if got := strings.Join(s.log.streams(), " "); got != c.stream {
			t.Errorf("%s %q %s: stored in %q, want %q", c.path, c.auth, c.body, got, c.stream)
		}
		for _, line := range s.log.lines(c.stream) {
			if strings.Contains(line, "k1") || strings.Contains(line, "writeKey") {
				t.Errorf("a write key was stored: %s", line)
			}
		}
	}
}

// RudderStack's Node SDK says that its gzip JSON is a form.
func TestContentDecides(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, `{"batch":[{"type":"page","userId":"u"}],"timestamp":"2026-11-21T08:44:48.848Z","sentAt":"2026-11-21T08:44:48.848Z"}`)
	z.Close()
	s := newServer(t)
	a := s.do(t, "POST", "/v1/batch", &b, "Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip")
	if a.status != 200 || len(s.log.lines("segment")) != 1 {
		t.Errorf("%d %s", a.status, a.raw)
	}
	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	z.Write(make([]byte, 10<<20))
	z.Close()
	if a := s.do(t, "POST", "/v1/batch", &bomb, "Content-Encoding", "gzip"); a.status != 400 || a.Code != "body_too_large" {
		t.Errorf("a gzip bomb: %d %s", a.status, a.raw)
	}
}

func TestBrowsers(t *testing.T) {
	s := newServer(t)
	a := s.do(t, "OPTIONS", "/v1/t", nil, "Origin", "https://shop.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "POST") ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	a = s.post(t, "/v1/t", `{"anonymousId":"a","event":"E","writeKey":"k"}`, "Content-Type", "text/plain", "Origin", "https://shop.example")
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v %s", a.status, a.header, a.raw)
	}
	s = newServer(t, func(cfg *segment.Config) { cfg.Origins = "" })
	for _, method := range []string{"OPTIONS", "POST"} {
		a = s.do(t, method, "/v1/t", strings.NewReader(`{}`), "Origin", "https://shop.example")
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%s without origins: %v", method, a.header)
			}
		}
	}
}

// SDKs send again at 429 and 5xx, and drop what they sent at anything else.
func TestBackPressure(t *testing.T) {
	for _, tables := range []segment.Tables{segment.OneTable, segment.PerEvent} {
		s := newServer(t, func(cfg *segment.Config) { cfg.Tables = tables })
		s.log.fail = func(stream string) error {
			if strings.HasSuffix(stream, "pages") {
				return nil
			}
			return full{}
		}
		body := `{"batch":[{"type":"page","userId":"u"},{"type":"track","event":"E","userId":"u"}]}`
		a := s.post(t, "/v1/batch", body)
		if a.status != 503 || a.header.Get("Retry-After") != "3" || a.Code != "buffer_full" {
			t.Errorf("%s: %d %v %s", tables, a.status, a.header, a.raw)
		}
	}
}

// A batch that adds much to its calls is appended in blocks.
func TestLargeBatch(t *testing.T) {
	s := newServer(t)
	var b strings.Builder
	b.WriteString(`{"context":{"pad":"` + strings.Repeat("x", 30<<10) + `"},"batch":[`)
	for i := range 1000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"page","userId":"u%d","messageId":"%d"}`, i, i)
	}
	b.WriteString("]}")
	if a := s.post(t, "/v1/batch", b.String()); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	lines := s.log.lines("segment")
	if len(lines) != 1000 || !strings.Contains(lines[999], `"userId":"u999"`) {
		t.Errorf("%d records", len(lines))
	}
}

// Who sends more than its key allows is told to wait.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(cfg *segment.Config) {
			cfg.Access = guard(t, map[string]string{"k1": "app"}, func(k *configs.Key) { k.RecordsPerSecond = 1 })
		})
		body := `{"writeKey":"k1","batch":[` + strings.Repeat(`{"type":"page","userId":"u"},`, 11) + `{"type":"page","userId":"u"}]}`
		if a := s.post(t, "/v1/batch", body); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		a := s.post(t, "/v1/batch", body)
		if a.status != 429 || a.header.Get("Retry-After") != "3" {
			t.Errorf("%d %v %s", a.status, a.header, a.raw)
		}
		time.Sleep(3 * time.Second)
		if a := s.post(t, "/v1/batch", body); a.status != 200 {
			t.Errorf("after it waited: %d %s", a.status, a.raw)
		}
	})
}
