package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/configs"
	"sluice/ingest/sigv4"
)

// A Config is what a Guard works with.
type Config struct {
	Keys       map[string]configs.Key   // by name
	Env        func(name string) string // looks a variable up, as os.Getenv does
	Registerer prometheus.Registerer    // nil: no metrics
}

// A Guard knows the keys. Its methods may be called at the same time.
type Guard struct {
	open        bool // nobody is asked
	byHash      map[[sha256.Size]byte]*entry
	byAccessKey map[string]*entry
	byCertName  map[string]*entry
	metrics     *metrics
}

// An entry is a configured key.
type entry struct {
	*Principal
	hash   [sha256.Size]byte
	secret sigv4.Secret
}

// New makes a Guard; it reads the secrets of signatures. What is wrong with the
// keys is reported at once.
func New(cfg Config) (*Guard, error) {
	g := &Guard{
		open:   len(cfg.Keys) == 0,
		byHash: make(map[[sha256.Size]byte]*entry), byAccessKey: make(map[string]*entry), byCertName: make(map[string]*entry),
		metrics: newMetrics(cfg.Registerer, cfg.Keys),
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Keys)) {
		k := cfg.Keys[name]
		e := &entry{Principal: newPrincipal(name, k)}
		if k.SHA256 != "" {
			if n, err := hex.Decode(e.hash[:], []byte(k.SHA256)); err != nil || n != len(e.hash) {
				errs = append(errs, fmt.Errorf("keys.%s.sha256 is not a SHA-256 in hex", name))
			}
			g.byHash[e.hash] = e
		}
		if k.AccessKeyID != "" {
			var err error
			if e.secret, err = readSecret(k, cfg.Env); err != nil {
				errs = append(errs, fmt.Errorf("keys.%s: %w", name, err))
			}
			g.byAccessKey[k.AccessKeyID] = e
		}
		if k.Certificate != "" {
			g.byCertName[strings.ToLower(k.Certificate)] = e
		}
	}
	return g, errors.Join(errs...)
}

// Open is a Guard that asks nobody.
func Open() *Guard { return &Guard{open: true, metrics: newMetrics(nil, nil)} }

// IsOpen reports whether nobody is asked who they are.
func (g *Guard) IsOpen() bool { return g.open }

// Limit charges what a caller wants to send, or says how long it should wait and
// charges nothing. What is sent may exceed what is left: it is then owed, and the
// next wait is longer.
func (g *Guard) Limit(p *Principal, records int, bytes int64) (retryAfter time.Duration, ok bool) {
	if p == nil {
		return time.Minute, false
	}
	retryAfter, ok = p.limits.take(records, bytes, time.Now())
	if !ok {
		g.metrics.throttled(p)
	}
	return retryAfter, ok
}

// Charge counts what a caller sent after Limit(p, 0, 0) let it, where it is not
// known before how much that is.
func (g *Guard) Charge(p *Principal, records int64, bytes int64) {
	if p != nil {
		p.limits.charge(records, bytes, time.Now())
	}
}
