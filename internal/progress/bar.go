package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	drawEvery = 100 * time.Millisecond // on a terminal
	lineEvery = 5 * time.Second        // elsewhere
	// rateOver is how far back the rate looks: long enough to be calm, short
	// enough to show a stall.
	rateOver = 10 * time.Second
)

// Config is how a Bar looks.
type Config struct {
	Label string // what is done, such as "send"
	Total int64  // bytes; 0: not known
	Quiet bool   // show nothing but notes
	// Status adds something to every line, such as a count of records; it may
	// be nil. It is called from another goroutine.
	Status func() string
}

// A Bar shows how many bytes of a total are done. Its methods may be called by
// several goroutines at once, and on nil.
type Bar struct {
	cfg   Config
	out   io.Writer
	width func() int // of the terminal in columns; nil where there is none
	done  atomic.Int64
	total atomic.Int64

	mu    sync.Mutex // guards what follows, and writing to out
	drawn bool       // a bar stands on the terminal's last line
	past  []sample   // of the last rateOver
}

type sample struct {
	at   time.Time
	done int64
}

// New makes a bar that writes to out, standard error for a command.
func New(out io.Writer, cfg Config) *Bar {
	b := &Bar{cfg: cfg, out: out}
	b.total.Store(cfg.Total)
	if f, ok := out.(*os.File); ok && IsTerminal(f) {
		b.width = func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil || w <= 0 {
				return 80
			}
			return w
		}
	}
	return b
}

// IsTerminal reports whether f is a terminal that can move its cursor.
func IsTerminal(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Add counts n more bytes as done.
func (b *Bar) Add(n int64) {
	if b != nil {
		b.done.Add(n)
	}
}

// Set says how many bytes are done, and of how many, where that becomes known on the way.
func (b *Bar) Set(done, total int64) {
	if b != nil {
		b.done.Store(done)
		b.total.Store(total)
	}
}

// Note writes a line of its own, quiet or not.
func (b *Bar) Note(text string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clearLocked()
	fmt.Fprintln(b.out, text)
}

// Start shows the bar until stop is called, which waits until it is gone. What
// was done can then be told in better words than the bar's.
func (b *Bar) Start() (stop func()) {
	if b == nil || b.cfg.Quiet {
		return func() {}
	}
	every := lineEvery
	if b.width != nil {
		every = drawEvery
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	b.mu.Lock()
	b.past = []sample{{time.Now(), b.done.Load()}}
	b.mu.Unlock()
	go func() {
		defer close(gone)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				b.draw()
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-gone
		b.mu.Lock()
		defer b.mu.Unlock()
		b.clearLocked()
	})
}

func (b *Bar) clearLocked() {
	if b.drawn {
		io.WriteString(b.out, "\r\x1b[K")
		b.drawn = false
	}
}

func (b *Bar) draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := sample{time.Now(), b.done.Load()}
	b.past = append(b.past, s)
	for len(b.past) > 2 && s.at.Sub(b.past[0].at) > rateOver {
		b.past = b.past[1:]
	}
	if b.width == nil {
		fmt.Fprintf(b.out, "%s: %s\n", b.cfg.Label, strings.Join(b.factsLocked(s), ", "))
		return
	}
	io.WriteString(b.out, "\r\x1b[K"+b.lineLocked(s, b.width()))
	b.drawn = true
}

// factsLocked are the things to say, the most important ones first.
func (b *Bar) factsLocked(now sample) []string {
	facts := []string{Bytes(now.done)}
	if b.total.Load() > 0 {
		facts = []string{fmt.Sprintf("%d %%", b.percent(now)), Bytes(now.done) + " of " + Bytes(b.total.Load())}
	}
	first := b.past[0]
	elapsed := now.at.Sub(first.at).Seconds()
	rate := 0.0
	if elapsed > 0 { // by Set it may have begun anew
		rate = max(0, float64(now.done-first.done)/elapsed)
	}
	facts = append(facts, Bytes(int64(rate))+"/s")
	if left := b.total.Load() - now.done; left > 0 && rate > 0 {
		facts = append(facts, shortDuration(time.Duration(float64(left)/rate*float64(time.Second)))+" left")
	}
	if b.cfg.Status != nil {
		if s := b.cfg.Status(); s != "" {
			facts = append(facts, s)
		}
	}
	return facts
}

func (b *Bar) percent(now sample) int64 {
	return int64(min(100, max(0, float64(now.done)/float64(b.total.Load())*100)))
}

// lineLocked is the bar for a terminal of that width, which it does not fill to
// the last column: some terminals go on to the next line there.
func (b *Bar) lineLocked(now sample, width int) string {
	const barWidth = 24
	text := b.cfg.Label + "  "
	if b.total.Load() > 0 {
		full := int(b.percent(now)) * barWidth / 100
		text += "[" + strings.Repeat("=", full) + strings.Repeat(" ", barWidth-full) + "]  "
	}
	text += strings.Join(b.factsLocked(now), "  ")
	if utf8.RuneCountInString(text) < width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)])
}
