package configs

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// NATS reaches a NATS server, or runs one.
type NATS struct {
	URL          string       `yaml:"url"`           // servers, parted by commas; embedded; empty: no NATS
	Credentials  string       `yaml:"credentials"`   // .creds file
	NKey         string       `yaml:"nkey"`          // file with a seed
	User         string       `yaml:"user"`          // with a password
	Password     string       `yaml:"password"`      // or
	PasswordFile string       `yaml:"password_file"` // a file that holds it
	Token        string       `yaml:"token"`         // or
	TokenFile    string       `yaml:"token_file"`    // a file that holds it
	CA           string       `yaml:"ca"`            // file of the authorities that sign the server's certificate
	Cert         string       `yaml:"cert"`          // file of this client's certificate
	Key          string       `yaml:"key"`           // file of its private key
	Bucket       string       `yaml:"bucket"`        // key-value bucket that says which node owns which consumer
	Replicas     int          `yaml:"replicas"`      // of what Sluice makes in JetStream
	Rejected     string       `yaml:"rejected"`      // stream for messages that are no records
	Publish      NATSPublish  `yaml:"publish"`
	Embedded     NATSEmbedded `yaml:"embedded"`
}

// shorthand takes nats: embedded for nats: {url: embedded}.
func (n *NATS) shorthand(text string) bool {
	if text != NATSEmbeddedURL {
		return false
	}
	n.URL = text
	return true
}

// NATSPublish says whether receivers publish what they take to JetStream.
type NATSPublish struct {
	Enabled    bool   `yaml:"enabled"`
	Consume    bool   `yaml:"consume"`    // whether this node also stores what was published
	Stream     string `yaml:"stream"`     // JetStream stream
	Partitions int    `yaml:"partitions"` // of its consumers
	MaxBytes   Bytes  `yaml:"max_bytes"`  // of the stream
}

// NATSEmbedded is the server that runs with url: embedded.
type NATSEmbedded struct {
	Listen        string   `yaml:"listen"`
	Memory        Bytes    `yaml:"memory"` // of streams kept in memory
	Disk          Bytes    `yaml:"disk"`   // of streams kept on disk
	Sync          bool     `yaml:"sync"`   // each message before it is acknowledged
	MaxPayload    Bytes    `yaml:"max_payload"`
	Name          string   `yaml:"name"`
	Cluster       string   `yaml:"cluster"`
	ClusterListen string   `yaml:"cluster_listen"`
	Routes        []string `yaml:"routes"`
}

// A Subscription is what is taken from NATS: the messages of a JetStream consumer,
// or of a core subscription.
type Subscription struct {
	JetStream     string `yaml:"jetstream"` // stream; empty: a core subscription
	Consumer      string `yaml:"consumer"`
	Subject       string `yaml:"subject"`
	Queue         string `yaml:"queue"`
	Into          string `yaml:"into"`
	SubjectColumn string `yaml:"subject_column"`
}

// NATSEmbeddedURL is the value of NATS.URL that runs a server in this process.
const NATSEmbeddedURL = "embedded"

// DefaultConsumer names the durable consumer, and the queue group, of a subscription
// that names none.
const DefaultConsumer = "sluice"

// defaultNATS are the defaults.
func defaultNATS() NATS {
	return NATS{
		Bucket: "sluice", Replicas: 1, Rejected: "nats_rejected",
		Publish:  NATSPublish{Consume: true, Stream: "SLUICE", Partitions: 4, MaxBytes: 10 * GiB},
		Embedded: NATSEmbedded{Listen: "127.0.0.1:4222", Memory: 256 * MiB, Disk: 20 * GiB, Sync: true, MaxPayload: 2 * MiB, Routes: []string{}},
	}
}

// Subscription is one with everything left out filled in.
func (c Config) Subscription(name string) Subscription {
	s := c.Subscriptions[name]
	if s.Consumer == "" {
		s.Consumer = DefaultConsumer
	}
	if s.Queue == "" {
		s.Queue = DefaultConsumer
	}
	if s.Into == "" {
		s.Into = name
	}
	return s
}

// NATSDir holds what the embedded server keeps.
func (c Config) NATSDir() string { return filepath.Join(c.DataDir, "nats", "jetstream") }

// NodeFile holds the name of this node.
func (c Config) NodeFile() string { return filepath.Join(c.DataDir, "nats", "node") }

// MessagesDir holds which messages are stored.
func (c Config) MessagesDir() string { return filepath.Join(c.DataDir, "messages") }

var natsName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// nats checks everything about NATS. No message repeats what may be a secret.
func (k *checker) nats(c Config) {
	n := c.NATS
	if n.URL != "" && n.URL != NATSEmbeddedURL {
		for u := range strings.SplitSeq(n.URL, ",") {
			parsed, err := url.Parse(strings.TrimSpace(u))
			if err != nil || parsed.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, parsed.Scheme) {
				k.add("nats.url", "want nats://host:4222, tls://host:4222, several of them parted by commas, or embedded")
			}
		}
	}
	if (len(c.Subscriptions) > 0 || n.Publish.Enabled) && n.URL == "" {
		k.add("nats.url", "is missing; want nats://host:4222, or embedded for a server in this process")
	}
	if (n.Cert == "") != (n.Key == "") {
		k.add("nats.cert", "and nats.key go together: want both files or neither")
	}
	if n.User != "" && n.Password == "" && n.PasswordFile == "" {
		k.add("nats.password", "is missing for nats.user; want it (SLUICE_NATS_PASSWORD) or nats.password_file")
	}
	for path, name := range map[string]string{"nats.bucket": n.Bucket, "nats.publish.stream": n.Publish.Stream} {
		if !natsName.MatchString(name) {
			k.add(path, "found %q, want letters, digits, _ and -", shorten(name))
		}
	}
	if err := CheckStreamName(n.Rejected); err != nil {
		k.add("nats.rejected", "%v", err)
	}
	if n.URL == NATSEmbeddedURL {
		k.natsEmbedded(n)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Subscriptions)) {
		k.subscription("subscriptions."+name, name, c.Subscription(name))
	}
}

func (k *checker) natsEmbedded(n NATS) {
	e, hasToken := n.Embedded, n.Token != "" || n.TokenFile != ""
	for path, addr := range map[string]string{"nats.embedded.listen": e.Listen, "nats.embedded.cluster_listen": e.ClusterListen} {
		if addr == "" && path != "nats.embedded.listen" {
			continue
		}
		if host, ok := k.listen(path, addr); ok && !isLoopback(host) && !hasToken {
			k.add(path, "%s can be reached from other machines, and there is no token: give nats.token_file (or nats.token), or listen on 127.0.0.1", addr)
		}
	}
	if e.ClusterListen != "" && (!natsName.MatchString(e.Name) || !natsName.MatchString(e.Cluster)) {
		k.add("nats.embedded.cluster_listen", "makes this one node of a cluster: want nats.embedded.name (of this node alone) and nats.embedded.cluster, of letters, digits, _ and -")
	}
	for i, r := range e.Routes {
		k.listen(fmt.Sprintf("nats.embedded.routes[%d]", i), r)
	}
}

func (k *checker) subscription(path, name string, s Subscription) {
	if err := CheckStreamName(name); err != nil {
		k.add(path, "%v", err)
	}
	if s.JetStream == "" && s.Subject == "" {
		k.add(path+".subject", "is missing; want a subject, such as events.>, or jetstream with the name of a stream")
	}
	if s.JetStream != "" && !natsName.MatchString(s.JetStream) {
		k.add(path+".jetstream", "found %q, want letters, digits, _ and -", shorten(s.JetStream))
	}
	if !natsName.MatchString(s.Consumer) {
		k.add(path+".consumer", "found %q, want letters, digits, _ and -", shorten(s.Consumer))
	}
	if strings.Contains(s.Into, "$") && s.Subject == "" {
		k.add(path+".into", "found %q, but there is no subject whose wildcards $1 and so on could stand for", shorten(s.Into))
	}
}
