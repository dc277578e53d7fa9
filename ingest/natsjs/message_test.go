package natsjs_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"sluice/ingest/natsjs"
	"sluice/internal/natsserver"
)

// What is no record goes to the rejected stream, whole, with the reason, and once; all
// else goes where its subject says, with the subject in it.
func TestMessages(t *testing.T) {
	s, err := natsserver.Start(natsserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Memory: 1 << 20, Disk: 1 << 30, MaxPayload: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	_, js := dial(t, s.URL())
	makeStream(t, js, "E", "e.>")
	n := newNode(t, "A", s.URL(), natsjs.Subscription{Stream: "E", Consumer: "c", Subject: "e.*.>", Into: "in_$1", SubjectColumn: "subject"}).start()
	big := fmt.Sprintf(`{"big":%q}`, strings.Repeat("x", 1_500_000))
	bad := []string{"", "no json", `{"a":1}` + "\n" + `{"a":`, `[{"a":1},2]`, `{"a":1} [`, `"text"`, "\xff", big}
	good := map[string]string{
		"e.a.1":   `{"n":1}`,
		"e.a.2":   "[{\"n\":2}, {\"n\":3}]",
		"e.b.x.y": "{\"n\":4}\n{\"n\":5}\n",
		"e.a.3":   "\xEF\xBB\xBF {\"n\":\n6}{}",
		"e.c d":   "", // not published: a space
		"e.ü.1":   `{"n":7}`,
		"e.a.4":   "[]",
	}
	for subject, body := range good {
		if strings.Contains(subject, " ") {
			continue
		}
		if _, err := js.Publish(t.Context(), subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range bad {
		if _, err := js.Publish(t.Context(), "e.bad.1", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "E", "c") })
	got := map[string][]string{}
	for _, stream := range []string{"in_a", "in_b", "in___", "in_bad"} {
		got[stream] = n.records(stream)
		slices.Sort(got[stream])
	}
	want := map[string][]string{
		"in_a": {`{"subject":"e.a.1","n":1}`, `{"subject":"e.a.2","n":2}`, `{"subject":"e.a.2","n":3}`, `{"subject":"e.a.3","n":6}`, `{"subject":"e.a.3"}`},
		"in_b": {`{"subject":"e.b.x.y","n":4}`, `{"subject":"e.b.x.y","n":5}`}, "in___": {`{"subject":"e.ü.1","n":7}`}, "in_bad": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	parts := map[uint64][]byte{}
	for _, r := range n.records("rejected") {
		var v struct {
			Subject, Source, Time, Reason, Message string
			Sequence                               uint64
			Part, Parts                            int
			Data                                   []byte
		}
		if err := json.Unmarshal([]byte(r), &v); err != nil {
			t.Fatalf("%.200s: %v", r, err)
		}
		if v.Subject != "e.bad.1" || v.Source != "E/c" || v.Reason == "" || v.Message == "" || v.Time == "" {
			t.Errorf("%.300s", r)
		}
		parts[v.Sequence] = append(parts[v.Sequence], v.Data...)
	}
	if len(parts) != len(bad) {
		t.Errorf("%d messages are rejected, want %d", len(parts), len(bad))
	}
	for seq, data := range parts {
		if want := bad[seq-7]; !bytes.Equal(data, []byte(want)) {
			t.Errorf("message %d came to be %.100s", seq, base64.StdEncoding.EncodeToString(data))
		}
	}
}

// Core subscriptions of a queue group share; what there is no room for is dropped, and
// at the end what was taken is stored.
func TestCore(t *testing.T) {
	s := testServer(t)
	nc, _ := dial(t, s.URL())
	sub := natsjs.Subscription{Subject: "core.>", Queue: "sluice", Into: "core"}
	a, b := newNode(t, "A", s.URL(), sub).start(), newNode(t, "B", s.URL(), sub).start()
	id := 0
	eventually(t, "both take some", func() bool {
		for range 100 {
			if err := nc.Publish("core.x", fmt.Appendf(nil, `{"n":%d}`, id)); err != nil {
				t.Fatal(err)
			}
			id++
		}
		nc.Flush()
		return a.count("core") > 0 && b.count("core") > 0
	})
	if err := nc.Publish("core.x", []byte("no json")); err != nil {
		t.Fatal(err)
	}
	nc.Flush()
	eventually(t, "one has the rejected message", func() bool { return a.count("rejected")+b.count("rejected") == 1 })
	seen := map[string]bool{}
	for _, r := range append(a.records("core"), b.records("core")...) {
		if seen[r] {
			t.Errorf("%s is there twice", r)
		}
		seen[r] = true
	}
}

// A message that is too large for what a server lets through a pull request, or for the
// memory at hand, stops nothing behind it.
func TestLittleMemory(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	n := newNode(t, "A", s.URL(), orders)
	n.memory = 16 << 20
	n.start()
	pad := strings.Repeat("x", 900_000)
	for id := range 40 {
		if _, err := js.Publish(t.Context(), "orders.x", fmt.Appendf(nil, `{"id":%d,"pad":%q}`, id, pad), jetstream.WithMsgID(fmt.Sprint(id))); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 40, "orders", n)
}
