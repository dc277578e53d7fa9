package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/clienttest"
	"sluice/internal/natsserver"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// newNATS is a server beside the one under test, with the stream EVENTS.
func newNATS(t testing.TB) (url string, js jetstream.JetStream) {
	t.Helper()
	s, err := natsserver.Start(natsserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Memory: 64 << 20, Disk: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s.URL(), eventsStream(t, s.URL())
}

func eventsStream(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(20_000))
	if err == nil {
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	}
	if err == nil {
		// As Sluice makes it, perhaps has already, but what it was not told of comes
		// again sooner.
		_, err = js.CreateOrUpdateConsumer(t.Context(), "EVENTS", jetstream.ConsumerConfig{
			Durable: "sluice", FilterSubject: "events.>", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 2 * time.Second, MaxAckPending: 20_000,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return js
}

const eventsSubscription = `SLUICE_SUBSCRIPTIONS={events: {jetstream: EVENTS, subject: "events.>", subject_column: subject}}`

// drained waits until nothing of the stream is left to take.
func drained(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := js.Consumer(t.Context(), "EVENTS", "sluice")
		if err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not everything is acknowledged after two minutes: %+v, %v", c.CachedInfo(), err)
		}
	}
}

func (c *child) wantEvents(n int) {
	c.t.Helper()
	var got struct{ N, Ids, Low, High, Subjects int }
	row := c.row(`select count(*) as n, count(distinct id) as ids, min(id) as low, max(id) as high,
		sum(case when subject = 'events.k' || (id % 7) then 1 else 0 end) as subjects from events`)
	if err := json.Unmarshal([]byte(row), &got); err != nil {
		c.t.Fatal(err)
	}
	if got.N != n || got.Ids != n || got.Low != 0 || got.High != n-1 || got.Subjects != n {
		c.t.Errorf("%d events were published, but there are %s\n%s", n, row, c.log)
	}
}

// The clients as they are published send 10,000 events each through the embedded
// server. In the middle the log is full, for deliveries fail; then they go on. SQL
// finds each event once.
func TestNATSClients(t *testing.T) {
	const events = 10_000
	for _, client := range []struct {
		name string
		send func(t *testing.T, url string)
	}{
		{"nats.go", publishEvents},
		{"npm nats", func(t *testing.T, url string) {
			clienttest.Node(t, filepath.Join("testdata", "clients", "nats-node.cjs"), []string{"nats"}, url, strconv.Itoa(events))
		}},
		{"nats-py", func(t *testing.T, url string) {
			clienttest.Python(t, filepath.Join("testdata", "clients", "nats_python.py"), "nats", url, strconv.Itoa(events))
		}},
	} {
		t.Run(client.name, func(t *testing.T) {
			o := newOutage(t)
			o.down.Store(true)
			c := startServe(t, t.TempDir(), o.env("SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_MAX_BYTES=4MiB", "SLUICE_BUFFER_MIN_FREE=0",
				"SLUICE_NATS_URL=embedded", "SLUICE_NATS_EMBEDDED_LISTEN=127.0.0.1:0", "SLUICE_NATS_EMBEDDED_SYNC=false", eventsSubscription)...)
			url := c.natsURL()
			js := eventsStream(t, url)
			client.send(t, url)
			for { // until the log has no room
				if status, _ := get(t, c.url+"/readyz"); status == 503 {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			o.down.Store(false)
			drained(t, js)
			c.wantEvents(events)
			c.flush("events")
			c.wantEvents(events)
		})
	}
}

// natsURL is where the embedded server listens.
func (c *child) natsURL() string {
	for _, line := range strings.Split(c.log.String(), "\n") {
		var l struct{ Msg, At string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "NATS server is running" {
			return l.At
		}
	}
	c.t.Fatalf("no NATS server is running:\n%s", c.log)
	return ""
}

// publishEvents does with nats.go what the scripts do.
func publishEvents(t *testing.T, url string) {
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(20_000))
	if err != nil {
		t.Fatal(err)
	}
	publishTo(t, js, 0, 10_000, strings.Repeat("x", 900))
}

func publishTo(t *testing.T, js jetstream.JetStream, from, to int, pad string) {
	t.Helper()
	var futures []jetstream.PubAckFuture
	for id := from; id < to; id++ {
		f, err := js.PublishAsync(fmt.Sprintf("events.k%d", id%7), fmt.Appendf(nil, `{"id":%d,"pad":%q}`, id, pad), jetstream.WithMsgID(strconv.Itoa(id)))
		if err != nil {
			t.Fatal(err)
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			t.Fatal(err)
		}
	}
}

// The service is killed again and again while it takes messages, seals and delivers.
// SQL finds each message once.
func TestKillWhileConsuming(t *testing.T) {
	url, js := newNATS(t)
	dir := t.TempDir()
	env := []string{"SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_INTERVAL=1s", "SLUICE_NATS_URL=" + url, eventsSubscription}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	kills := 8
	if testing.Short() {
		kills = 3
	}
	pad, sent := strings.Repeat("y", 200), 0
	for range kills {
		c := startServe(t, dir, env...)
		before := c.accepted("events")
		publishTo(t, js, sent, sent+5000, pad)
		sent += 5000
		for some := before + 1 + rng.IntN(4000); c.accepted("events") < some; {
			if rng.IntN(8) == 0 {
				c.flush("events")
			}
		}
		c.kill()
	}
	c := startServe(t, dir, env...)
	drained(t, js)
	c.wantEvents(sent)
	c.flush("events")
	c.wantEvents(sent)
	if err := c.stop(); err != nil {
		t.Errorf("sluice serve ended with %v\n%s", err, c.log)
	}
}

// accepted is how many records a stream has, as its counters say.
func (c *child) accepted(stream string) int {
	state, err := c.client().Stream(context.Background(), stream)
	if err != nil {
		return 0 // nothing has come yet
	}
	return int(state.Accepted)
}

// Two nodes receive, and store through a JetStream stream. One is killed while it receives.
// Every record that was acknowledged is at one of them, once.
func TestReceiversShare(t *testing.T) {
	url, js := newNATS(t)
	env := []string{"SLUICE_NATS_URL=" + url, "SLUICE_NATS_PUBLISH_ENABLED=true", "SLUICE_NATS_PUBLISH_MAX_BYTES=256MiB"}
	dirs := []string{t.TempDir(), t.TempDir()}
	a, b := startServe(t, dirs[0], env...), startServe(t, dirs[1], env...)
	wa, wb := &writers{acked: map[int]bool{}}, &writers{acked: map[int]bool{}}
	wb.next.Store(1_000_000)
	for range 100 {
		if !wa.post(a.client(), 50) {
			t.Fatalf("not taken:\n%s", a.log)
		}
	}
	wb.postUntilKilled(b, 100)
	b = startServe(t, dirs[1], env...)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s, err := js.Stream(t.Context(), "SLUICE")
		if err == nil && s.CachedInfo().State.Msgs == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("messages are left in JetStream after two minutes: %+v, %v", s.CachedInfo().State, err)
		}
	}
	found := map[int]int{}
	for _, c := range []*child{a, b} {
		if c.accepted("s") == 0 {
			continue // the other did all
		}
		for _, row := range c.rows("select id from s") {
			var r struct{ ID int }
			if err := json.Unmarshal([]byte(row), &r); err != nil {
				t.Fatal(err)
			}
			found[r.ID]++
		}
	}
	for _, w := range []*writers{wa, wb} {
		for id := range w.acked {
			if found[id] != 1 {
				t.Fatalf("record %d was acknowledged and is there %d times", id, found[id])
			}
		}
	}
	for id, n := range found {
		if n > 1 {
			t.Errorf("record %d is there %d times", id, n)
		}
	}
	t.Logf("%d and %d records were acknowledged, %d are there", len(wa.acked), len(wb.acked), len(found))
}
