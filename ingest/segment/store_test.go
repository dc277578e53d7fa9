package segment_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/ingest/segment"
)

// head is what every call stored in a bubble of synctest begins with, where the clock
// stands at midnight UTC 2000-01-01.
const head = `{"sourceId":"web","receivedAt":"2000-01-01T00:00:00.000Z","timestamp":"2000-01-01T00:00:00.000Z"`

func TestStored(t *testing.T) {
	for _, c := range []struct{ name, path, body, want string }{
		{"unknown members stay as they are", "/v1/track",
			`{"userId":"u","event":"E","messageId":"m","properties":{"n":1.50,"x":[1,{"a":null}],"big":12345678901234567890},"extra":"é\u0041"}`,
			head + `,"type":"track","userId":"u","event":"E","messageId":"m","properties":{"n":1.50,"x":[1,{"a":null}],"big":12345678901234567890},"extra":"é\u0041"}`},
		{"the clock's error is taken out", "/v1/identify",
			`{"messageId":"m","timestamp":"1999-06-01T10:00:00.250Z","userId":"u","sentAt":"1999-06-01T10:00:05Z","traits":{}}`,
			`{"sourceId":"web","receivedAt":"2000-01-01T00:00:00.000Z","timestamp":"1999-12-31T23:59:55.250Z","type":"identify","originalTimestamp":"1999-06-01T10:00:00.250Z","messageId":"m","userId":"u","sentAt":"1999-06-01T10:00:05Z","traits":{}}`},
		{"no time of sending", "/v1/page", `{"anonymousId":"a","messageId":"m","timestamp":"1999-06-01T12:00:00.123456+02:00"}`,
			`{"sourceId":"web","receivedAt":"2000-01-01T00:00:00.000Z","timestamp":"1999-06-01T10:00:00.123456Z","type":"page","originalTimestamp":"1999-06-01T12:00:00.123456+02:00","anonymousId":"a","messageId":"m"}`},
		{"RudderStack's originalTimestamp", "/v1/screen", `{"originalTimestamp":"1999-06-01T10:00:00Z","sentAt":"1999-06-01T10:00:01Z","anonymousId":"a","messageId":"m"}`,
			`{"sourceId":"web","receivedAt":"2000-01-01T00:00:00.000Z","timestamp":"1999-12-31T23:59:59.000Z","type":"screen","originalTimestamp":"1999-06-01T10:00:00Z","sentAt":"1999-06-01T10:00:01Z","anonymousId":"a","messageId":"m"}`},
		{"times that are none", "/v1/page", `{"anonymousId":"a","messageId":"m","timestamp":"yesterday","sentAt":5}`,
			head + `,"type":"page","originalTimestamp":"yesterday","anonymousId":"a","messageId":"m","sentAt":5}`},
		{"what is the server's", "/v1/track", `{"writeKey":"secret","sourceId":"spoof","userId":"u","receivedAt":"x","event":"E","type":"page","messageId":"m"}`,
			head + `,"type":"track","userId":"u","event":"E","messageId":"m"}`},
		{"an escaped key is a key", "/v1/track", `{"write\u004bey":"secret","user\u0049d":"u","event":"E","messageId":"m"}`,
			head + `,"type":"track","user\u0049d":"u","event":"E","messageId":"m"}`},
		{"white space and lines", "/v1/group", "\ufeff {\n \"userId\" : \"u\",\r\n\t\"groupId\":\"g\", \"messageId\": \"m\"\n}\n",
			head + `,"type":"group","userId":"u","groupId":"g","messageId":"m"}`},
		{"numbers as ids", "/v1/alias", `{"userId":7,"previousId":6,"messageId":"m"}`, head + `,"type":"alias","userId":7,"previousId":6,"messageId":"m"}`},
		{"a browser's letter", "/v1/t", `{"writeKey":"k","userId":null,"anonymousId":"a","event":"E","messageId":"m","_metadata":{"bundled":[]}}`,
			head + `,"type":"track","userId":null,"anonymousId":"a","event":"E","messageId":"m","_metadata":{"bundled":[]}}`},
		{"a batch", "/v1/batch", `{"batch":[{"type":"identify","userId":"u","messageId":"m1"},{"userId":"u","messageId":"m2","type":"track","event":"E"}]}`,
			head + `,"type":"identify","userId":"u","messageId":"m1"}` + "\n" + head + `,"userId":"u","messageId":"m2","type":"track","event":"E"}`},
		{"what a batch says of all", "/v1/import",
			`{"context":{"ip":"1.2.3.4","app":{"n":1}},"batch":[{"type":"page","userId":"u","messageId":"m1"},` +
				`{"type":"page","userId":"u","messageId":"m2","context":{"ip":"own", "l":"de" },"integrations":{}, "sentAt":"1999-12-31T23:59:59Z","timestamp":"1999-12-31T23:59:58Z"},` +
				`{"type":"page","userId":"u","messageId":"m3","context":null,"integrations":"odd"}],"sentAt":"2000-01-01T00:00:00Z","integrations":{"All":true},"other":1}`,
			head + `,"sentAt":"2000-01-01T00:00:00Z","context":{"ip":"1.2.3.4","app":{"n":1}},"integrations":{"All":true},"type":"page","userId":"u","messageId":"m1"}` + "\n" +
				`{"sourceId":"web","receivedAt":"2000-01-01T00:00:00.000Z","timestamp":"1999-12-31T23:59:59.000Z","originalTimestamp":"1999-12-31T23:59:58Z","context":{"ip":"own", "l":"de","app":{"n":1}},"integrations":{"All":true},` +
				`"type":"page","userId":"u","messageId":"m2","sentAt":"1999-12-31T23:59:59Z"}` + "\n" +
				head + `,"sentAt":"2000-01-01T00:00:00Z","context":{"ip":"1.2.3.4","app":{"n":1}},"type":"page","userId":"u","messageId":"m3","integrations":"odd"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				if a := s.post(t, c.path, c.body); a.status != 200 || a.raw != `{"success":true}`+"\n" {
					t.Fatalf("%d %s", a.status, a.raw)
				}
				wantRecords(t, s.log.lines("segment"), strings.Split(c.want, "\n")...)
			})
		})
	}
}

func TestMessageIDIsMade(t *testing.T) {
	s := newServer(t)
	s.post(t, "/v1/batch", `{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u","messageId":""},{"type":"page","userId":"u","messageId":null}]}`)
	seen := map[string]bool{}
	for _, line := range s.log.lines("segment") {
		_, rest, ok := strings.Cut(line, `"messageId":"api-`)
		id, _, _ := strings.Cut(rest, `"`)
		if !ok || len(id) < 20 || strings.Count(line, "messageId") != 1 {
			t.Errorf("stored %s", line)
		}
		seen[id] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d ids of 3", len(seen))
	}
}

func TestPixel(t *testing.T) {
	call := `{"writeKey":"k","userId":"u","event":"E?>","messageId":"m"}`
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		s := newServer(t)
		a := s.do(t, "GET", "/v1/pixel/track?data="+enc.EncodeToString([]byte(call)), nil)
		if a.status != 200 || a.header.Get("Content-Type") != "image/gif" || !strings.HasPrefix(a.raw, "GIF89a") {
			t.Errorf("%d %v %q", a.status, a.header, a.raw)
		}
		if got := s.log.lines("segment"); len(got) != 1 || strings.Contains(got[0], "writeKey") || !strings.Contains(got[0], `"event":"E?>"`) {
			t.Errorf("stored %q", got)
		}
	}
	s := newServer(t)
	for _, data := range []string{"", "!", base64.StdEncoding.EncodeToString([]byte(`{"event":1}`))} {
		if a := s.do(t, "GET", "/v1/pixel/track?data="+data, nil); a.status != 400 || a.Code == "" {
			t.Errorf("%q: %d %s", data, a.status, a.raw)
		}
	}
}

func TestStreams(t *testing.T) {
	body := `{"batch":[
		{"type":"track","userId":"u","event":"Order Completed","messageId":"1"},
		{"type":"track","userId":"u","event":"order completed","messageId":"2"},
		{"type":"track","userId":"u","event":"Order\u0020Completed","messageId":"3"},
		{"type":"track","userId":"u","event":"` + strings.Repeat("Long", 20) + `1","messageId":"4"},
		{"type":"track","userId":"u","event":"` + strings.Repeat("Long", 20) + `2","messageId":"5"},
		{"type":"identify","userId":"u","messageId":"6"},{"type":"page","userId":"u","messageId":"7"}]}`
	for _, c := range []struct {
		tables segment.Tables
		path   string
		want   string
	}{
		{segment.OneTable, "/v1/batch", "segment:7"},
		{segment.PerSource, "/v1/batch", "segment.web:7"},
		{segment.PerSource, "/sources/my-app/v1/b", "segment.my-app:7"},
		{segment.PerEvent, "/sources/App/v1/batch", "segment.App.identifies:1 segment.App.longlonglonglonglonglonglonglonglonglonglon_a9bf032c:1 segment.App.longlonglonglonglonglonglonglonglonglonglon_acbf07e5:1 segment.App.order_completed:3 segment.App.pages:1"},
	} {
		s := newServer(t, func(cfg *segment.Config) { cfg.Tables = c.tables })
		if a := s.post(t, c.path, body); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		var got []string
		for _, name := range s.log.streams() {
			got = append(got, name+":"+string(rune('0'+len(s.log.lines(name)))))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %s, want %s", c.tables, c.path, strings.Join(got, " "), c.want)
		}
	}
}

// When no more streams may come to be, events without one go to tracks.
func TestTooManyEventNames(t *testing.T) {
	known := map[string]bool{"segment.web.tracks": true, "segment.web.a": true}
	perEvent := func(cfg *segment.Config) {
		cfg.Tables, cfg.Policy = segment.PerEvent, policy(func(s string) bool { return known[s] })
	}
	s := newServer(t, perEvent)
	body := `{"batch":[{"type":"track","userId":"u","event":"a"},{"type":"track","userId":"u","event":"b"},{"type":"track","userId":"u","event":"c"},{"type":"page","userId":"u"}]}`
	a := s.post(t, "/v1/batch", body)
	if a.status != 200 || len(a.Rejected) != 1 || a.Rejected[0].Index != 3 {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if len(s.log.lines("segment.web.a")) != 1 || len(s.log.lines("segment.web.tracks")) != 2 {
		t.Errorf("streams %v", s.log.streams())
	}
	known = nil
	if a := s.post(t, "/v1/track", `{"userId":"u","event":"z"}`); a.status != 400 || !strings.Contains(a.Message, "max_streams") {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
