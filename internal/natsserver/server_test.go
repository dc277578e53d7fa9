package natsserver_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"sluice/internal/natsserver"
)

func TestOpenToNobodyByAccident(t *testing.T) {
	for _, c := range []natsserver.Config{
		{Listen: "0.0.0.0:0"}, {Listen: ":0"}, {Listen: "127.0.0.1:0", ClusterListen: "0.0.0.0:0", Cluster: "c", Name: "n"},
	} {
		c.Dir, c.Memory, c.Disk = t.TempDir(), 1<<20, 1<<20
		if _, err := natsserver.Start(c); err == nil || !strings.Contains(err.Error(), "no token") {
			t.Errorf("listening on %s, %s: %v", c.Listen, c.ClusterListen, err)
		}
	}
}

func TestToken(t *testing.T) {
	s, err := natsserver.Start(natsserver.Config{Listen: "127.0.0.1:0", Token: "s3cret", Dir: t.TempDir(), Memory: 1 << 20, Disk: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	if nc, err := nats.Connect(s.URL()); err == nil {
		nc.Close()
		t.Error("connected without the token")
	}
	nc, err := nats.Connect(s.URL(), nats.Token("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if strings.Contains(s.URL(), "s3cret") {
		t.Errorf("%s holds the token", s.URL())
	}
}

// Past its ceiling the server stores nothing, and says so.
func TestDiskCeiling(t *testing.T) {
	s, err := natsserver.Start(natsserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Memory: 1 << 20, Disk: 1 << 20, Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if _, err = js.Publish("s", make([]byte, 100_000)); err != nil {
			return
		}
	}
	t.Error("4 MB are stored where 1 MB may be")
}
