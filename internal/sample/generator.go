package sample

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Generator makes the events of one kind, one after the other. It is not for
// use by several goroutines at once.
type Generator struct {
	kind  string
	shape shape
	clock clock
	rng   rng
	count int64 // of events
	bytes int64
}

// A shape is a kind of events.
type shape interface {
	// append adds one event that happened at the time, in epoch milliseconds,
	// and counts it for the truth.
	append(dst []byte, r *rng, millis int64) []byte
	// truth adds what was counted.
	truth(t *Truth)
}

// A recipe is what sets a kind up.
type recipe struct {
	name  string
	size  int64 // bytes of an event on average
	start int64 // of the period, epoch milliseconds
	days  int64 // in the period
	make  func() shape
}

const (
	january2026  = 1767225600000
	august1995   = 807235200000
	dayMillis    = 86_400_000
	defaultBytes = 1_000_000_000 // of events that cover a period
)

var recipes = []recipe{
	{"purchases", 238, january2026, 30, newPurchases},
	{"segment", 780, january2026, 30, newSegment},
	{"nasa", 140, august1995, 31, newNASA},
}

// Kinds are the names that New takes.
func Kinds() []string {
	var names []string
	for _, r := range recipes {
		names = append(names, r.name)
	}
	return names
}

// New makes the generator of a kind. Different seeds give different events.
func New(kind string, seed uint64) (*Generator, error) {
	i := slices.IndexFunc(recipes, func(r recipe) bool { return r.name == kind })
	if i < 0 {
		return nil, fmt.Errorf("unknown kind of events %q: want %s", kind, strings.Join(Kinds(), ", "))
	}
	r := recipes[i]
	g := &Generator{kind: kind, shape: r.make(), rng: newRNG(seed)}
	g.clock.start = r.start
	g.Spread(defaultBytes / r.size)
	return g, nil
}

// Spread makes the first n events cover the whole period of the kind: 30 or 31
// days. Call it before the first event. The events are others for every n.
func (g *Generator) Spread(n int64) {
	r := recipes[slices.IndexFunc(recipes, func(r recipe) bool { return r.name == g.kind })]
	g.clock.slot = uint64(r.days*dayMillis) << clockBits / uint64(max(n, 1))
}

// MeanSize is how many bytes an event of a kind takes on average, its newline
// included; 0 for an unknown kind.
func MeanSize(kind string) int64 {
	for _, r := range recipes {
		if r.name == kind {
			return r.size
		}
	}
	return 0
}

// AppendEvent appends the next event: a line of JSON, with its '\n'.
func (g *Generator) AppendEvent(dst []byte) []byte {
	before := len(dst)
	dst = g.shape.append(dst, &g.rng, g.clock.next(&g.rng))
	g.count++
	g.bytes += int64(len(dst) - before)
	return dst
}

// Reader reads the next n events.
func (g *Generator) Reader(n int64) io.Reader { return &reader{g: g, left: n} }

type reader struct {
	g    *Generator
	left int64
	buf  []byte // holds what is made and not read yet, from off
	off  int
}

// Read fills p whole where there are events enough.
func (r *reader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.off == len(r.buf) {
			if r.left == 0 {
				break
			}
			r.buf, r.off = r.g.AppendEvent(r.buf[:0]), 0
			r.left--
		}
		m := copy(p[n:], r.buf[r.off:])
		n, r.off = n+m, r.off+m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
