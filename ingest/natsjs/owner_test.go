package natsjs_test

import (
	"context"
	"slices"
	"testing"

	"sluice/ingest/natsjs"

	"github.com/nats-io/nats.go/jetstream"
)

// A node stores messages and dies before it can acknowledge them. JetStream gives
// them to another node, which leaves them alone; it takes all others. When the first
// comes back, it says what it has.
func TestOwnerDies(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	a := newNode(t, "A", s.URL(), orders).start()
	eventually(t, "A owns the consumer", func() bool { return len(a.receiver.Owned()) == 1 })
	publish(t, js, "orders.new", 0, 1000)
	eventually(t, "A has stored", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })

	b := newNode(t, "B", s.URL(), orders).start()
	dead := a.gate.dieAfterAppend()
	publish(t, js, "orders.new", 1000, 3000)
	<-dead
	a.die()
	publish(t, js, "orders.new", 3000, 4000)
	eventually(t, "B takes over", func() bool { return len(b.receiver.Owned()) == 1 })
	publish(t, js, "orders.new", 4000, 5000)
	eventually(t, "B has stored", func() bool { return b.count("orders") >= 1000 })

	a.start()
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	if len(a.receiver.Owned()) != 0 {
		t.Error("A owns the consumer beside B, or took it from it")
	}
	once(t, 5000, "orders", a, b)
	t.Logf("A has %d, B %d", a.count("orders"), b.count("orders"))
}

// A node that is cut off from NATS while it is about to store goes on to do so, for
// it has claimed the messages; the node that takes over meanwhile leaves them to it.
func TestOwnerIsCutOff(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	w := newWire(t, s.URL())
	a := newNode(t, "A", w.url, orders).start()
	eventually(t, "A owns the consumer", func() bool { return len(a.receiver.Owned()) == 1 })
	b := newNode(t, "B", s.URL(), orders).start()

	atDoor, goOn := make(chan struct{}, 100), make(chan struct{})
	a.gate.set(func(string) error {
		atDoor <- struct{}{}
		<-goOn
		return nil
	})
	publish(t, js, "orders.new", 0, 2000)
	<-atDoor
	w.set(true)
	eventually(t, "B takes over", func() bool { return len(b.receiver.Owned()) == 1 })
	publish(t, js, "orders.new", 2000, 3000)
	eventually(t, "B has stored", func() bool { return b.count("orders") >= 1000 })
	close(goOn) // A, which has heard of nothing, stores
	eventually(t, "A has stored", func() bool { return a.count("orders") > 0 })
	w.set(false)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 3000, "orders", a, b)
	t.Logf("A has %d, B %d", a.count("orders"), b.count("orders"))
}

// Nodes come and go in order, and share what there is, while messages flow.
func TestNodesShare(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	var subs []natsjs.Subscription
	for _, name := range []string{"P0", "P1", "P2", "P3"} {
		makeStream(t, js, name, name+".>")
		subs = append(subs, natsjs.Subscription{Stream: name, Consumer: "sluice", Subject: name + ".>", Into: name})
	}
	a := newNode(t, "A", s.URL(), subs...).start()
	eventually(t, "A owns all", func() bool { return len(a.receiver.Owned()) == 4 })
	b := newNode(t, "B", s.URL(), subs...).start()
	id := 0
	more := func() {
		for _, sub := range subs {
			publish(t, js, sub.Stream+".x", id, id+50)
		}
		id += 50
	}
	eventually(t, "they share", func() bool {
		more()
		return len(a.receiver.Owned()) == 2 && len(b.receiver.Owned()) == 2
	})
	a.stop()
	eventually(t, "B owns all", func() bool {
		more()
		return len(b.receiver.Owned()) == 4
	})
	a.start()
	for _, sub := range subs {
		eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, sub.Stream, "sluice") })
		once(t, id, sub.Stream, a, b)
	}
}

// A stream that is made anew counts from 1 again: its messages are others.
func TestStreamMadeAnew(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	n := newNode(t, "A", s.URL(), orders).start()
	publish(t, js, "orders.new", 0, 100)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	if err := js.DeleteStream(context.Background(), "ORDERS"); err != nil {
		t.Fatal(err)
	}
	makeStream(t, js, "ORDERS", "orders.>")
	publish(t, js, "orders.new", 100, 200)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 200, "orders", n)
}

// A consumer that is made anew gives everything again: it is known.
func TestConsumerMadeAnew(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	n := newNode(t, "A", s.URL(), orders).start()
	publish(t, js, "orders.new", 0, 500)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	if err := js.DeleteConsumer(context.Background(), "ORDERS", "sluice"); err != nil {
		t.Fatal(err)
	}
	publish(t, js, "orders.new", 500, 600)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 600, "orders", n)
}

// A consumer that others made and that could lose messages is not taken from.
func TestUnsuitableConsumer(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	_, err := js.CreateConsumer(context.Background(), "ORDERS", jetstream.ConsumerConfig{Durable: "sluice", AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, "A", s.URL(), orders)
	n.open()
	defer n.stop()
	if err := n.receiver.Check(context.Background()); err == nil || !slices.Contains([]string{"ORDERS/sluice: its acknowledgement policy is AckNone: messages could be lost; want explicit"}, err.Error()) {
		t.Errorf("Check: %v", err)
	}
}
