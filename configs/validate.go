package configs

import (
	"time"

	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"sluice/internal/lake"
)

// Validate reports everything that is wrong with the configuration, as Faults.
func (c Config) Validate() error { return c.faults().err() }

// rawPrefix keeps the raw copy in a folder of its own, out of _errors too.
var rawPrefix = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]{0,99}$`)

// A checker collects the faults of one configuration.
type checker struct{ faults Faults }

func (k *checker) add(path, format string, args ...any) {
	k.faults = append(k.faults, Fault{Path: path, Text: fmt.Sprintf(format, args...)})
}

func (c Config) faults() Faults {
	var k checker
	walk(reflect.ValueOf(c), "", func(path string, v reflect.Value) {
		if r, ok := rules[path]; ok && !ofEntry(path) {
			if text := r.check(v); text != "" {
				k.add(path, "%s", text)
			}
		}
	})
	if host, ok := k.listen("listen", c.Listen); ok {
		k.exposed(c, host)
	}
	k.access(c)
	if c.Admin.Pprof != "" {
		k.loopback("admin.pprof", c.Admin.Pprof)
	}
	if c.DataDir == "" || strings.ContainsRune(c.DataDir, 0) {
		k.add("data_dir", "found %q, want a folder, such as ./sluice-data", c.DataDir)
	}
	k.lake(c.Lake)
	if c.Database == "" || c.Database != lake.CleanName(c.Database) {
		k.add("database", "found %q, want a name of a–z, 0–9 and _, such as %s", shorten(c.Database), lake.CleanName(c.Database))
	}
	k.endpoint("s3.endpoint", c.S3.Endpoint)
	k.endpoint("glue.endpoint", c.Glue.Endpoint)
	k.endpoint("athena.endpoint", c.Athena.Endpoint)
	k.endpoint("trino.server", c.Trino.Server)
	if i := c.Reconcile.Interval; i > 0 && i < time.Minute {
		k.add("reconcile.interval", "found %s, want 0 for never or at least 1m: each time lists the whole lake", i)
	}
	if i := c.Vacuum.Interval; i > 0 && i < time.Minute {
		k.add("vacuum.interval", "found %s, want 0 for never or at least 1m: each time lists the whole lake", i)
	}
	k.sizes(c)
	if !rawPrefix.MatchString(c.Raw.Prefix) || c.Raw.Prefix == lake.CleanName(c.Raw.Prefix) {
		k.add("raw.prefix", "found %q, want one folder's name of letters, digits, - and ., with a - or . in it, such as raw-logs: no database's folder can be in its way", shorten(c.Raw.Prefix))
	}
	k.nats(c)
	k.segment(c.Segment)
	k.otlp(c)
	k.streams(c)
	k.retention(c)
	k.compaction(c)
	return k.faults
}

// sizes checks the settings that must fit one another.
func (k *checker) sizes(c Config) {
	if c.Buffer.MaxBytes < c.Buffer.Size {
		k.add("buffer.max_bytes", "found %s, want at least buffer.size (%s): a batch could never fill", c.Buffer.MaxBytes, c.Buffer.Size)
	}
	k.level("convert.compression_level", c.Convert.Compression, c.Convert.CompressionLevel)
	if c.Convert.RowGroup > c.Convert.Memory {
		k.add("convert.row_group", "found %s, want at most convert.memory (%s): a row group is built in memory", c.Convert.RowGroup, c.Convert.Memory)
	}
}

// listen checks a host:port to listen on.
func (k *checker) listen(path, addr string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		var n uint64
		if n, err = strconv.ParseUint(port, 10, 16); err == nil && strconv.FormatUint(n, 10) == port {
			return host, true
		}
	}
	k.add(path, "found %q, want host:port, such as 127.0.0.1:8080 (or :8080 for every address of the machine)", shorten(addr))
	return "", false
}

// loopback checks an address that nobody but this machine may reach.
func (k *checker) loopback(path, addr string) {
	if host, ok := k.listen(path, addr); !ok || isLoopback(host) {
		return
	}
	k.add(path, "found %q, want a loopback address, such as 127.0.0.1:6060: profiles show what the process holds", shorten(addr))
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)

// lake checks the root of the tables.
func (k *checker) lake(uri string) {
	const want = "want file:///absolute/folder or s3://bucket/prefix"
	scheme, rest, ok := strings.Cut(uri, "://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	switch {
	case uri == "":
	case !ok && strings.HasPrefix(uri, "/"):
		k.add("lake", "found %q, %s; did you mean file://%s?", shorten(uri), want, shorten(uri))
	case !ok, scheme != "file" && scheme != "s3":
		k.add("lake", "found %q, %s", shorten(uri), want)
	case scheme == "file" && !strings.HasPrefix(rest, "/"):
		k.add("lake", "found %q; the folder of a file URI is absolute: file:///%s", shorten(uri), shorten(rest))
	case scheme == "s3" && !bucketName.MatchString(bucket):
		k.add("lake", "found %q; %q is not the name of a bucket; %s", shorten(uri), shorten(bucket), want)
	case !cleanPath(strings.TrimRight(prefix, "/")):
		k.add("lake", "found %q; empty, . and .. parts and control characters are not allowed in the path", shorten(uri))
	}
}

func cleanPath(path string) bool {
	if path == "" {
		return true
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return false
		}
	}
	return true
}

// endpoint checks the URL of a service; empty is that of AWS.
func (k *checker) endpoint(path, endpoint string) {
	if endpoint == "" {
		return
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		k.add(path, "found %q, want a URL, such as http://127.0.0.1:9000", shorten(endpoint))
	}
}
