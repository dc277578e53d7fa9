package natsjs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/ingest"
	"sluice/ingest/natsjs"
	"sluice/internal/lake"
	"sluice/internal/natsserver"
	"sluice/internal/sequences"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// testServer is a server of its own.
func testServer(t testing.TB) *natsserver.Server {
	t.Helper()
	s, err := natsserver.Start(natsserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Memory: 256 << 20, Disk: 4 << 30, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func testLog(t testing.TB) *slog.Logger {
	if os.Getenv("TEST_NATS_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func dial(t testing.TB, url string) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(50_000))
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// A node is what one sluice process has to do with NATS, on its own disk.
type node struct {
	t        testing.TB
	name     string
	dir      string
	url      string
	subs     []natsjs.Subscription
	publish  *natsjs.Publish
	replicas int
	memory   int64
	gate     *gate

	log      *buffer.Buffer
	ledger   *sequences.Ledger
	receiver *natsjs.Receiver
	cancel   context.CancelFunc
	done     chan struct{}
}

func newNode(t testing.TB, name, url string, subs ...natsjs.Subscription) *node {
	n := &node{t: t, name: name, dir: t.TempDir(), url: url, subs: subs, memory: 256 << 20}
	t.Cleanup(func() {
		if n.log != nil {
			n.stop()
		}
	})
	return n
}

// A gate stands before the log.
type gate struct {
	ingest.Appender
	mu     sync.Mutex
	refuse func(stream string) error // why the log takes nothing, if not nil; guarded by mu
	dying  chan struct{}             // closed at the process's death, if it is to die; guarded by mu
	dead   bool                      // guarded by mu
}

var errDead = errors.New("the process is dead")

func (g *gate) set(refuse func(stream string) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = refuse
}

// dieAfterAppend lets the process die when the next block is on disk, before anybody
// hears of it: from then on nothing begins to be written. What it is in the middle of
// may still come to be on disk.
func (g *gate) dieAfterAppend() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dying = make(chan struct{})
	return g.dying
}

// live takes back that the process is to die; false if it did already.
func (g *gate) live() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dying = nil
	return !g.dead
}

func (g *gate) Append(ctx context.Context, stream string, b lake.Block) error {
	g.mu.Lock()
	refuse, dead := g.refuse, g.dead
	g.mu.Unlock()
	if dead {
		return errDead
	}
	if refuse != nil {
		if err := refuse(stream); err != nil {
			return err
		}
	}
	if err := g.Appender.Append(ctx, stream, b); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dying != nil && !g.dead {
		g.dead = true
		close(g.dying)
	}
	if g.dead {
		return errDead
	}
	return nil
}

type everyStream struct{}

func (everyStream) Known(string) bool { return true }

// start opens everything from the disk and runs.
func (n *node) start() *node {
	n.t.Helper()
	n.open()
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.done = cancel, make(chan struct{})
	go func() {
		defer close(n.done)
		n.receiver.Run(ctx)
	}()
	return n
}

func (n *node) open() {
	n.t.Helper()
	must := func(err error) {
		n.t.Helper()
		if err != nil {
			n.t.Fatal(err)
		}
	}
	var err error
	n.log, err = buffer.Open(buffer.Config{Dir: filepath.Join(n.dir, "buffer")})
	must(err)
	n.gate = &gate{Appender: n.log}
	n.ledger, err = sequences.Open(sequences.Config{Dir: filepath.Join(n.dir, "messages"), Log: n.log, Appender: n.gate})
	must(err)
	mem, err := ingest.NewMemory(n.memory, time.Second)
	must(err)
	n.receiver, err = natsjs.Open(natsjs.Config{
		Connection: natsjs.Connection{URL: n.url}, Subscriptions: n.subs, Node: n.name, Bucket: "sluice", Rejected: "rejected",
		Lease: 1500 * time.Millisecond, Settle: time.Second, AckWait: 2 * time.Second, Publish: n.publish, Replicas: n.replicas,
		Ledger: n.ledger, Policy: everyStream{}, Memory: mem, Metrics: ingest.NewMetrics(nil, nil), Log: testLog(n.t),
	})
	must(err)
}

// stop ends the node in order.
func (n *node) stop() {
	if n.cancel != nil {
		n.cancel()
		<-n.done
		n.cancel = nil
	}
	n.receiver.Close()
	n.log.Close()
	n.log = nil
}

// die ends the node as a kill would, as far as others can see: it says nothing any
// more, gives nothing up, acknowledges nothing.
func (n *node) die() {
	n.receiver.Close() // no word goes out from here on
	n.cancel()
	<-n.done
	n.cancel = nil
	n.log.Close()
	n.log = nil
}

// records are all records of a stream, from the log.
func (n *node) records(stream string) []string {
	n.t.Helper()
	snap, err := n.log.Snapshot(stream)
	if err != nil {
		n.t.Fatal(err)
	}
	defer snap.Close()
	var all []string
	for i := range snap.Batches {
		for b, err := range snap.Batches[i].Blocks(0)() {
			if err != nil {
				n.t.Fatal(err)
			}
			all = append(all, strings.Split(strings.TrimSuffix(string(b.Data), "\n"), "\n")...)
		}
	}
	return all
}

func (n *node) count(stream string) int {
	for _, st := range n.log.Streams() {
		if st.Name == stream {
			return int(st.Records)
		}
	}
	return 0
}

// eventually waits until ok is true: for what other goroutines and a server do, not
// for a time to pass.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after two minutes: %s", what)
		}
	}
}

// once checks that the records {"id":0} to {"id":n-1} are there, each once, in all
// nodes together.
func once(t testing.TB, n int, stream string, nodes ...*node) {
	t.Helper()
	found := map[int]int{}
	for _, node := range nodes {
		for _, r := range node.records(stream) {
			var v struct{ ID *int }
			if err := json.Unmarshal([]byte(r), &v); err != nil || v.ID == nil {
				t.Fatalf("record %s: %v", r, err)
			}
			found[*v.ID]++
		}
	}
	var lost, doubled []string
	for id := range n {
		switch found[id] {
		case 0:
			lost = append(lost, fmt.Sprint(id))
		case 1:
		default:
			doubled = append(doubled, fmt.Sprintf("%d (%d times)", id, found[id]))
		}
	}
	if len(lost)+len(doubled) > 0 || len(found) > n {
		t.Errorf("of %d records %d are lost: %.100s; %d are doubled: %.100s; %d are there", n, len(lost), strings.Join(lost, " "), len(doubled), strings.Join(doubled, " "), len(found))
	}
}

func makeStream(t testing.TB, js jetstream.JetStream, name string, subjects ...string) {
	t.Helper()
	if _, err := js.CreateStream(context.Background(), jetstream.StreamConfig{Name: name, Subjects: subjects}); err != nil {
		t.Fatal(err)
	}
}

// publish publishes the records {"id":from} to {"id":to-1}.
func publish(t testing.TB, js jetstream.JetStream, subject string, from, to int) {
	t.Helper()
	var futures []jetstream.PubAckFuture
	for id := from; id < to; id++ {
		f, err := js.PublishAsync(subject, fmt.Appendf(nil, `{"id":%d}`, id))
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

func acknowledged(t testing.TB, js jetstream.JetStream, stream, consumer string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	st, err := js.Stream(ctx, stream)
	if err != nil {
		return false
	}
	c, err := st.Consumer(ctx, consumer)
	if err != nil {
		return false
	}
	i := c.CachedInfo()
	// What is pending does not count the messages that the consumer has not heard of.
	last := st.CachedInfo().State.LastSeq
	if filter := i.Config.FilterSubject; filter != "" {
		m, err := st.GetLastMsgForSubject(ctx, filter)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return true
		}
		if err != nil {
			return false
		}
		last = m.Sequence
	}
	return i.NumPending == 0 && i.NumAckPending == 0 && i.AckFloor.Stream >= last
}
