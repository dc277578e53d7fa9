package ingest

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// A Reason says in metrics why a record was rejected.
type Reason uint8

// The reasons.
const (
	Malformed Reason = iota // not JSON, or not valid UTF-8
	NotObject               // JSON of another type
	Oversize                // larger than MaxRecord
	Unread                  // the body could not be read past it
	Invalid                 // JSON that is not what the protocol asks for
	reasonCount
)

// Reasons is how many reasons there are.
const Reasons = int(reasonCount)

var reasonNames = [reasonCount]string{"malformed", "not_object", "too_large", "unread", "invalid"}

func (r Reason) String() string { return reasonNames[r] }

// Metrics counts what the receivers of a process take. They share one.
type Metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	records  *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	rejected *prometheus.CounterVec
}

// NewMetrics registers the metrics with reg, and the state of mem; nil for
// either leaves that out.
func NewMetrics(reg prometheus.Registerer, mem *Memory) *Metrics {
	f := promauto.With(reg)
	m := &Metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_ingest_requests_total",
			Help: "Requests answered, by receiver and status code (499: the client went away first)."}, []string{"receiver", "code"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{Name: "sluice_ingest_request_seconds",
			Help:    "Time from a request's headers to its answer, fsync included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"receiver"}),
		records: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_ingest_records_total",
			Help: "Records accepted: on disk before the client was told."}, []string{"stream"}),
		bytes: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_ingest_bytes_total",
			Help: "Bytes of JSON accepted, a newline a record included."}, []string{"stream"}),
		rejected: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_ingest_rejected_records_total",
			Help: "Records rejected, each of them named in an answer, or, of NATS, kept in the stream nats.rejected."}, []string{"receiver", "reason"}),
	}
	if mem != nil {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: "sluice_ingest_memory_bytes",
			Help: "Bytes that requests being read hold."}, func() float64 { return float64(mem.InUse()) })
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: "sluice_ingest_memory_limit_bytes",
			Help: "Bytes that requests being read may hold (http.max_in_flight)."}, func() float64 { return float64(mem.Limit()) })
	}
	return m
}

// Request counts a request answered with a status.
func (m *Metrics) Request(receiver string, status int, took time.Duration) {
	m.requests.WithLabelValues(receiver, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(receiver).Observe(took.Seconds())
}

// Accepted counts what an Append stored. Since it succeeded, the stream exists
// and the label is bounded by the number of streams.
func (m *Metrics) Accepted(stream string, records, bytes int64) {
	m.records.WithLabelValues(stream).Add(float64(records))
	m.bytes.WithLabelValues(stream).Add(float64(bytes))
}

// Rejected counts records rejected for a reason.
func (m *Metrics) Rejected(receiver string, reason Reason, n int64) {
	m.rejected.WithLabelValues(receiver, reason.String()).Add(float64(n))
}
