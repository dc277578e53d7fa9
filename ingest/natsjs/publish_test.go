package natsjs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/ingest/natsjs"
	"sluice/internal/lake"
)

func blockOf(from, to int, pad string) lake.Block {
	var b strings.Builder
	for id := from; id < to; id++ {
		fmt.Fprintf(&b, "{\"id\":%d,\"pad\":%q}\n", id, pad)
	}
	return lake.Block{Data: []byte(b.String()), Records: to - from, Arrival: time.Now()}
}

// Receivers publish, two nodes store: each record is at one of them, once, also while
// nodes come and go and a block is larger than a message may be.
func TestPublish(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	publishing := &natsjs.Publish{Stream: "SLUICE", Partitions: 4, MaxBytes: 1 << 30, Consume: true}
	nodes := []*node{newNode(t, "A", s.URL()), newNode(t, "B", s.URL())}
	for _, n := range nodes {
		n.publish = publishing
		n.start()
	}
	eventually(t, "they share", func() bool {
		return len(nodes[0].receiver.Owned()) == 2 && len(nodes[1].receiver.Owned()) == 2
	})
	pad := strings.Repeat("x", 1000)
	p := nodes[0].receiver.Publisher(func(string) bool { return false })
	for from := 0; from < 10_000; from += 2500 { // 2.5 MB each
		if err := p.Append(context.Background(), "s.with-dots", blockOf(from, from+2500, pad)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "everything is stored", func() bool {
		stream, err := js.Stream(context.Background(), "SLUICE")
		return err == nil && stream.CachedInfo().State.Msgs == 0
	})
	once(t, 10_000, "s.with-dots", nodes...)
	if a, b := nodes[0].count("s.with-dots"), nodes[1].count("s.with-dots"); a == 0 || b == 0 {
		t.Errorf("one node did all: %d and %d", a, b)
	}
}

// The places of a request's records come with the messages, so that a request that is
// sent again is recognised; the gaps too.
func TestPublishRequest(t *testing.T) {
	s := testServer(t)
	n := newNode(t, "A", s.URL())
	n.publish = &natsjs.Publish{Stream: "SLUICE", Partitions: 2, MaxBytes: 1 << 30, Consume: true}
	n.start()
	block := blockOf(0, 2500, strings.Repeat("x", 1000))
	block.Attrs = lake.AppendGap(lake.AppendRequest(nil, "key", 7), 0, 2400, 50)
	if err := n.receiver.Publisher(func(string) bool { return false }).Append(context.Background(), "s", block); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everything is stored", func() bool { return n.count("s") == 2500 })
	snap, err := n.log.Snapshot("s")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	places := map[uint64]int{}
	for b, err := range snap.Batches[0].Blocks(0)() {
		if err != nil {
			t.Fatal(err)
		}
		r, ok := lake.ParseRequest(b.Attrs)
		if !ok || string(r.Key) != "key" {
			t.Fatalf("a block without its request: %q", b.Attrs)
		}
		if _, _, ok := lake.ParseSequences(nil, b.Attrs); !ok {
			t.Error("a block without the number of its message")
		}
		indexes := r.Indexes()
		for range b.Records {
			places[indexes.Next()]++
		}
	}
	for i := uint64(7); i < 2557; i++ {
		want := 1
		if i >= 2407 && i < 2457 {
			want = 0
		}
		if places[i] != want {
			t.Fatalf("place %d is there %d times, want %d", i, places[i], want)
		}
	}
}

// Nothing is acknowledged while JetStream cannot be reached, or is full; then it is.
func TestPublishRefused(t *testing.T) {
	s := testServer(t)
	n := newNode(t, "A", s.URL())
	n.publish = &natsjs.Publish{Stream: "SLUICE", Partitions: 1, MaxBytes: 3 << 20}
	n.start()
	p := n.receiver.Publisher(func(string) bool { return false })
	pad := strings.Repeat("x", 1000)
	var err error
	took := 0
	for ; took < 10_000 && err == nil; took += 500 {
		err = p.Append(context.Background(), "s", blockOf(took, took+500, pad))
	}
	full, ok := err.(interface {
		Full() (string, time.Duration)
	})
	if !ok {
		t.Fatalf("after %d records: %v", took, err)
	}
	if reason, after := full.Full(); reason == "" || after <= 0 {
		t.Errorf("Full: %q, %v", reason, after)
	}
	if strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error tells where the server is: %v", err)
	}
}

// What a receiver keeps for itself is not there when it has no server.
func TestPublishUnreachable(t *testing.T) {
	n := newNode(t, "A", "nats://127.0.0.1:1")
	n.publish = &natsjs.Publish{Stream: "SLUICE", Partitions: 1, MaxBytes: 1 << 20}
	n.start()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := n.receiver.Publisher(func(string) bool { return false }).Append(ctx, "s", blockOf(0, 1, "")); err == nil {
		t.Error("acknowledged without a server")
	}
	if n.receiver.Ready() == nil {
		t.Error("ready without a server")
	}
}
