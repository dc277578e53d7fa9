package query

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one engine.
type metrics struct {
	queries    *prometheus.CounterVec // by outcome: ok or an error's code
	duration   prometheus.Histogram
	rows       prometheus.Counter
	files      prometheus.Counter
	bytes      prometheus.Counter
	fetched    prometheus.Counter
	cached     prometheus.Counter
	requests   prometheus.Counter
	partitions *prometheus.CounterVec // by what became of them: read, pruned
	liveRows   prometheus.Counter
}

func newMetrics(r prometheus.Registerer, q *queue) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "sluice", Subsystem: "query", Name: name, Help: help})
	}
	vec := func(name, label, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "sluice", Subsystem: "query", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		queries: vec("queries_total", "outcome", "Queries ended, by outcome: ok or the code of the error."),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "sluice", Subsystem: "query",
			Name: "duration_seconds", Help: "Time from a query's arrival to its last row.", Buckets: prometheus.ExponentialBuckets(0.002, 2.5, 14)}),
		rows:       counter("rows_total", "Rows answered."),
		files:      counter("files_total", "Files planned to be scanned."),
		bytes:      counter("bytes_total", "Bytes of the column chunks planned to be scanned."),
		cached:     counter("cached_bytes_total", "Bytes of column chunks needed that had been fetched before."),
		requests:   counter("requests_total", "Requests to a remote store for data."),
		fetched:    counter("fetched_bytes_total", "Bytes fetched from a remote store."),
		partitions: vec("partitions_total", "state", "Partitions of the tables referenced: read or pruned."),
		liveRows:   counter("live_rows_total", "Rows taken from the buffer."),
	}
	if r == nil {
		return m
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "sluice", Subsystem: "query", Name: name, Help: help}, f)
	}
	r.MustRegister(m.queries, m.duration, m.rows, m.files, m.bytes, m.fetched, m.cached, m.requests, m.partitions, m.liveRows,
		gauge("running", "Queries running.", func() float64 { return float64(len(q.running)) }),
		gauge("waiting", "Queries waiting for their turn.", func() float64 { return float64(q.waiting.Load()) }))
	return m
}

func (m *metrics) ended(outcome Code, s Stats, took time.Duration) {
	m.queries.WithLabelValues(string(outcome)).Inc()
	m.duration.Observe(took.Seconds())
	m.rows.Add(float64(s.Rows))
	m.files.Add(float64(s.Files))
	m.bytes.Add(float64(s.Bytes))
	m.fetched.Add(float64(s.FetchedBytes))
	m.cached.Add(float64(s.CachedBytes))
	m.requests.Add(float64(s.Requests))
	m.partitions.WithLabelValues("pruned").Add(float64(s.PartitionsPruned))
	m.partitions.WithLabelValues("read").Add(float64(s.Partitions - s.PartitionsPruned))
	m.liveRows.Add(float64(s.LiveRows))
}
