package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// A report gathers what happened in all rounds. It is safe for concurrent use.
type report struct {
	seed  uint64
	begun time.Time
	out   io.Writer // for progress; nil: none

	kills, startKills, stepKills, doubleKills, terms, termKills atomic.Int64
	posts, answered, unanswered, resumed                        atomic.Int64
	queries, queryFailures, torn, flushes, flushFailures        atomic.Int64
	acked, uncertain, refusedFull, deduplicated                 atomic.Int64
	lost, doubled                                               atomic.Int64
	sieges, givenUp                                             atomic.Int64
	rss, logDisk                                                peak
	start, stop                                                 peak // in ms: until serving, of what was left alone; of SIGTERM

	mu         sync.Mutex
	violations []string       // guarded by mu
	more       int            // violations not kept; guarded by mu
	phases     map[string]int // guarded by mu
	rounds     map[string]int // by mode; guarded by mu
	skipped    []string       // guarded by mu
	kept       []string       // folders; guarded by mu
}

// A peak is the largest number given to it.
type peak struct{ n atomic.Int64 }

func (p *peak) see(n int64) {
	for old := p.n.Load(); n > old && !p.n.CompareAndSwap(old, n); old = p.n.Load() {
	}
}

func newReport(cfg config) *report {
	return &report{seed: cfg.seed, begun: time.Now(), out: cfg.progress, phases: map[string]int{}, rounds: map[string]int{}}
}

const maxViolations = 50

// violate notes that something did not hold.
func (r *report) violate(format string, args ...any) {
	text := strings.ToValidUTF8(fmt.Sprintf(format, args...), "?")
	if len(text) > 1500 {
		text = text[:1500] + " …"
	}
	text = fmt.Sprintf("%.1fs: %s", time.Since(r.begun).Seconds(), text)
	r.mu.Lock()
	if len(r.violations) < maxViolations {
		r.violations = append(r.violations, text)
	} else {
		r.more++
	}
	r.mu.Unlock()
	r.tell("VIOLATION %s", text)
}

// tell reports progress.
func (r *report) tell(format string, args ...any) {
	if r.out == nil {
		return
	}
	line := fmt.Sprintf("%7.1fs  %s\n", time.Since(r.begun).Seconds(), fmt.Sprintf(format, args...))
	r.mu.Lock()
	defer r.mu.Unlock()
	io.WriteString(r.out, line)
}

func (r *report) phase(name string) {
	r.mu.Lock()
	r.phases[name]++
	r.mu.Unlock()
}

// skip notes, once, what cannot be shown here.
func (r *report) skip(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.skipped, what) {
		r.skipped = append(r.skipped, what)
	}
}

func (r *report) keep(dir string) {
	r.mu.Lock()
	r.kept = append(r.kept, dir)
	r.mu.Unlock()
}

func (r *report) broken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.violations) > 0
}

// print writes the summary.
func (r *report) print(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("seed", "%d", r.seed)
	line("took", "%v", time.Since(r.begun).Round(time.Second))
	line("rounds", "%s", counts(r.rounds))
	line("kills", "%d: %d during start-up, %d right after a step of a delivery, %d soon after another; %d more stopped by SIGTERM, of which %d killed while stopping",
		r.kills.Load(), r.startKills.Load(), r.stepKills.Load(), r.doubleKills.Load(), r.terms.Load(), r.termKills.Load())
	line("fault phases", "%s", counts(r.phases))
	line("long outages", "%d, in which %d attempts to deliver were given up", r.sieges.Load(), r.givenUp.Load())
	line("requests", "%d, %d without an answer, %d sent again", r.posts.Load(), r.unanswered.Load(), r.resumed.Load())
	line("records acked", "%d; uncertain %d, refused as full %d, dropped as duplicates %d", r.acked.Load(), r.uncertain.Load(), r.refusedFull.Load(), r.deduplicated.Load())
	line("queries checked", "%d, and %d failed while something was broken; %d asked again after a connection broke that nobody disturbed",
		r.queries.Load(), r.queryFailures.Load(), r.torn.Load())
	line("flushes", "%d, and %d failed or were cut short", r.flushes.Load(), r.flushFailures.Load())
	line("start-up, stop", "at most %d ms, %d ms", r.start.n.Load(), r.stop.n.Load())
	line("max RSS", "%.0f MiB", mib(r.rss.n.Load()))
	line("max log on disk", "%.1f MiB of %d", mib(r.logDisk.n.Load()), maxLog>>20)
	line("lost", "%d", r.lost.Load())
	line("doubled", "%d", r.doubled.Load())
	line("violations", "%d", len(r.violations)+r.more)
	t.Flush()
	for _, s := range r.skipped {
		fmt.Fprintln(w, "SKIPPED:", s)
	}
	for _, v := range r.violations {
		fmt.Fprintln(w, "VIOLATION", v)
	}
	for _, k := range r.kept {
		fmt.Fprintln(w, "kept:", k)
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func counts(m map[string]int) string {
	var s []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s = append(s, fmt.Sprintf("%s %d", k, m[k]))
	}
	if s == nil {
		return "none"
	}
	return strings.Join(s, ", ")
}
