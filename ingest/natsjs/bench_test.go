package natsjs_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice/ingest/natsjs"
	"sluice/internal/natsserver"
)

// BenchmarkIntake takes 200,000 messages of 500 bytes from a server in a process of
// its own: with a plain nats.go pull consumer that acknowledges and discards, at the
// better of its default and our size of requests, and into a log with fsync. ratio is
// the second's rate over the first's, by their medians; cpu-ratio the same of this process's CPU time.
func BenchmarkIntake(b *testing.B) {
	m := &member{t: b, cfg: natsserver.Config{Listen: freeAddr(b), Dir: b.TempDir(), Memory: 1 << 30, Disk: 1 << 30}}
	m.start()
	b.Cleanup(m.kill)
	url := "nats://" + m.cfg.Listen
	eventually(b, "the server listens", func() bool {
		nc, err := nats.Connect(url)
		if err == nil {
			nc.Close()
		}
		return err == nil
	})
	_, js := dial(b, url)
	ctx := context.Background()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, Storage: jetstream.MemoryStorage}); err != nil {
		b.Fatal(err)
	}
	const messages = 200_000
	pad := strings.Repeat("x", 450)
	for id := range messages {
		if _, err := js.PublishAsync("orders.new", fmt.Appendf(nil, `{"id":%d,"user":"u%d","pad":%q}`, id, id%1000, pad)); err != nil {
			b.Fatal(err)
		}
		if id%1000 == 999 {
			<-js.PublishAsyncComplete()
		}
	}
	var plain [2]measured
	var ours measured
	for i := 0; b.Loop(); i++ {
		for k, opts := range [][]jetstream.PullConsumeOpt{nil, {jetstream.PullMaxBytes(8 << 20)}} {
			plain[k].add(discard(b, js, fmt.Sprintf("plain-%d-%d", i, k), messages, opts...))
		}
		ours.add(store(b, url, fmt.Sprintf("ours-%d", i), messages))
	}
	best := &plain[0]
	if plain[1].median() < best.median() {
		best = &plain[1]
	}
	b.ReportMetric(messages/best.median().Seconds(), "plain-msgs/s")
	b.ReportMetric(messages/ours.median().Seconds(), "sluice-msgs/s")
	b.ReportMetric(best.median().Seconds()/ours.median().Seconds(), "ratio")
	b.ReportMetric(best.cpu.Seconds()/ours.cpu.Seconds(), "cpu-ratio")
}

// measured are the times of runs of one kind.
type measured struct {
	took []time.Duration
	cpu  time.Duration
}

func (m *measured) add(took, cpu time.Duration) {
	m.took = append(m.took, took)
	m.cpu += cpu
}

func (m *measured) median() time.Duration {
	slices.Sort(m.took)
	return m.took[len(m.took)/2]
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// discard is the plain consumer.
func discard(b *testing.B, js jetstream.JetStream, name string, messages int, opts ...jetstream.PullConsumeOpt) (took, cpu time.Duration) {
	c, err := js.CreateConsumer(context.Background(), "ORDERS", jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 65_536, AckWait: 30 * time.Second,
	})
	if err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	done := make(chan struct{})
	begun, before := time.Now(), cpuTime()
	cc, err := c.Consume(func(m jetstream.Msg) {
		m.Ack()
		if n.Add(1) == int64(messages) {
			close(done)
		}
	}, opts...)
	if err != nil {
		b.Fatal(err)
	}
	<-done
	took, cpu = time.Since(begun), cpuTime()-before
	cc.Stop()
	js.DeleteConsumer(context.Background(), "ORDERS", name)
	return took, cpu
}

// store is a node; it counts until everything is on disk.
func store(b *testing.B, url, consumer string, messages int) (took, cpu time.Duration) {
	n := newNode(b, consumer, url, natsjs.Subscription{Stream: "ORDERS", Consumer: consumer, Subject: "orders.>", Into: "orders"})
	n.open()
	begun, before := time.Now(), cpuTime()
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.done = cancel, make(chan struct{})
	go func() {
		defer close(n.done)
		n.receiver.Run(ctx)
	}()
	for n.count("orders") < messages {
		time.Sleep(time.Millisecond)
	}
	took, cpu = time.Since(begun), cpuTime()-before
	n.stop()
	return took, cpu
}
