package natsjs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/internal/natsserver"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const asServer = "TEST_NATS_SERVER"

// TestMain is also the program of a cluster's node, so that it can be killed.
func TestMain(m *testing.M) {
	text := os.Getenv(asServer)
	if text == "" {
		os.Exit(m.Run())
	}
	var cfg natsserver.Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		panic(err)
	}
	s, err := natsserver.Start(cfg)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.URL())
	bufio.NewReader(os.Stdin).ReadByte() // ends with the test
}

// A member is one node of a cluster, a process of its own.
type member struct {
	t   testing.TB
	cfg natsserver.Config
	cmd *exec.Cmd
}

func (m *member) start() {
	m.t.Helper()
	text, err := json.Marshal(m.cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	m.cmd = exec.Command(os.Args[0])
	m.cmd.Env = append(os.Environ(), asServer+"="+string(text))
	m.cmd.Stderr = os.Stderr
	in, err := m.cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { in.Close() })
	go bufio.NewReader(out).ReadString('\n')
}

func (m *member) signal(s syscall.Signal) { m.cmd.Process.Signal(s) }

func (m *member) kill() {
	m.signal(syscall.SIGKILL)
	m.cmd.Wait()
}

func freeAddr(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// newCluster starts a cluster of three.
func newCluster(t testing.TB) (members []*member, url string) {
	var listen, cluster, urls []string
	for range 3 {
		listen, cluster = append(listen, freeAddr(t)), append(cluster, freeAddr(t))
	}
	for i := range 3 {
		m := &member{t: t, cfg: natsserver.Config{
			Listen: listen[i], Dir: t.TempDir(), Memory: 64 << 20, Disk: 8 << 30, Sync: false, Token: "s3cret",
			Name: "n" + strconv.Itoa(i), Cluster: "test", ClusterListen: cluster[i], Routes: cluster,
		}}
		m.start()
		t.Cleanup(m.kill)
		members = append(members, m)
		urls = append(urls, "nats://s3cret@"+listen[i])
	}
	return members, strings.Join(urls, ",")
}

// clusterEvents is how many events flow; the long form takes minutes.
func clusterEvents(t *testing.T) int {
	if s := os.Getenv("TEST_NATS_EVENTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 30_000
}

// While events flow through a cluster of three, the server that leads the stream is
// killed and comes back, the next that leads it is cut off (stopped in the middle of what it does,
// and let go on later, which is what a partition looks like to the others and to it),
// and the node that owns the consumer dies between fsync and acknowledgement. Every
// event that JetStream acknowledged is in one log, once.
//
// TEST_NATS_EVENTS=1000000 is the long form.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers and their elections take a while")
	}
	events := clusterEvents(t)
	members, url := newCluster(t)
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true),
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2000), jetstream.WithPublishAsyncTimeout(3*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster takes a stream", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, Replicas: 3, Duplicates: 10 * time.Minute})
		return err == nil
	})
	a, b := newNode(t, "A", url, orders), newNode(t, "B", url, orders)
	a.replicas, b.replicas = 3, 3
	a.start()
	eventually(t, "A owns the consumer", func() bool { return len(a.receiver.Owned()) == 1 })
	b.start()

	var sent atomic.Int64
	published := make(chan struct{})
	go func() {
		defer close(published)
		publishAll(js, events, &sent)
	}()
	at := func(part int) { // that many tenths of the events are acknowledged
		eventually(t, fmt.Sprintf("%d tenths are published", part), func() bool { return sent.Load() >= int64(events*part/10) })
	}
	at(2)
	leader := leaderOf(t, js, members)
	leader.kill()
	at(4)
	leader.start()
	at(5)
	other := leaderOf(t, js, members)
	other.signal(syscall.SIGSTOP)
	at(6)
	select { // the owner, whichever it is by now
	case <-a.gate.dieAfterAppend():
	case <-b.gate.dieAfterAppend():
	}
	var dead, alive []*node
	for _, n := range []*node{a, b} {
		if n.gate.live() {
			alive = append(alive, n)
			continue
		}
		n.die()
		dead = append(dead, n)
	}
	at(7)
	other.signal(syscall.SIGCONT)
	for _, n := range alive {
		eventually(t, n.name+" takes over", func() bool { return len(n.receiver.Owned()) == 1 })
	}
	for _, n := range dead {
		n.start()
	}
	<-published
	eventually(t, "everything is acknowledged", func() bool {
		t.Logf("A has %d, B %d", a.count("orders"), b.count("orders"))
		time.Sleep(time.Second) // each look asks the cluster
		return a.count("orders")+b.count("orders") >= events && acknowledged(t, js, "ORDERS", "sluice")
	})
	once(t, events, "orders", a, b)
}

// publishAll publishes events until JetStream has acknowledged each, and counts.
func publishAll(js jetstream.JetStream, events int, sent *atomic.Int64) {
	type flight struct {
		id     int
		future jetstream.PubAckFuture
	}
	message := func(id int) *nats.Msg {
		return &nats.Msg{Subject: "orders.new", Data: fmt.Appendf(nil, `{"id":%d}`, id), Header: nats.Header{nats.MsgIdHdr: []string{strconv.Itoa(id)}}}
	}
	flights := make(chan flight, 1000)
	go func() {
		defer close(flights)
		for id := range events {
			f, _ := js.PublishMsgAsync(message(id)) // one that fails has no future
			flights <- flight{id, f}
		}
	}()
	for f := range flights {
		for ok := false; !ok; {
			if f.future != nil {
				select {
				case <-f.future.Ok():
					ok = true
				case <-f.future.Err():
				}
				f.future = nil
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := js.PublishMsg(ctx, message(f.id))
			cancel()
			ok = err == nil
		}
		sent.Add(1)
	}
}

// leaderOf is the server that leads the stream.
func leaderOf(t testing.TB, js jetstream.JetStream, members []*member) *member {
	var leader *member
	eventually(t, "the stream has a leader", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s, err := js.Stream(ctx, "ORDERS")
		if err != nil {
			return false
		}
		for _, m := range members {
			if c := s.CachedInfo().Cluster; c != nil && c.Leader == m.cfg.Name {
				leader = m
			}
		}
		return leader != nil
	})
	return leader
}
