package natsjs_test

import (
	"testing"
	"time"

	"sluice/ingest/natsjs"
)

var orders = natsjs.Subscription{Stream: "ORDERS", Consumer: "sluice", Subject: "orders.>", Into: "orders"}

type noRoom struct{}

func (noRoom) Error() string { return "no room" }

func (noRoom) Full() (string, time.Duration) { return "no room", 50 * time.Millisecond }

func TestEachOnce(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	n := newNode(t, "A", s.URL(), orders).start()
	publish(t, js, "orders.new", 0, 5000)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 5000, "orders", n)
}

// While the log has no room nothing is lost, and intake goes on by itself.
func TestNoRoom(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	n := newNode(t, "A", s.URL(), orders).start()
	publish(t, js, "orders.new", 0, 2000)
	eventually(t, "the first are there", func() bool { return n.count("orders") > 0 })
	refused := make(chan struct{}, 1)
	n.gate.set(func(string) error {
		select {
		case refused <- struct{}{}:
		default:
		}
		return noRoom{}
	})
	publish(t, js, "orders.new", 2000, 10000)
	<-refused
	if acknowledged(t, js, "ORDERS", "sluice") {
		t.Error("what was refused is acknowledged")
	}
	n.gate.set(nil)
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 10000, "orders", n)
}

// The process dies after the fsync and before the acknowledgement: what comes again
// to the same node is known.
func TestDiesBeforeAcknowledging(t *testing.T) {
	s := testServer(t)
	_, js := dial(t, s.URL())
	makeStream(t, js, "ORDERS", "orders.>")
	n := newNode(t, "A", s.URL(), orders).start()
	dead := n.gate.dieAfterAppend()
	publish(t, js, "orders.new", 0, 3000)
	<-dead
	n.die()
	n.start()
	eventually(t, "everything is acknowledged", func() bool { return acknowledged(t, js, "ORDERS", "sluice") })
	once(t, 3000, "orders", n)
}
