package delivery

import (
	"time"

	"sluice/convert"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	steps    *prometheus.HistogramVec
	batches  prometheus.Counter
	failures prometheus.Counter
	records  *prometheus.CounterVec
	bytes    prometheus.Counter
	seconds  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, d *Deliverer) *metrics {
	buckets := prometheus.ExponentialBuckets(0.005, 3, 12)
	m := &metrics{
		steps:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sluice_delivery_step_seconds", Help: "Time of a step of delivery.", Buckets: buckets}, []string{"step"}),
		batches:  prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_delivery_batches_total", Help: "Batches delivered and released."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_delivery_failed_attempts_total", Help: "Attempts to deliver a batch that failed; each is tried again."}),
		records:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_delivery_records_total", Help: "Records delivered, by stream and by where they went: table or errors, or that they were filtered."}, []string{"stream", "to"}),
		bytes:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_delivery_uploaded_bytes_total", Help: "Bytes of Parquet uploaded by delivered batches."}),
		seconds:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sluice_delivery_seconds", Help: "Time of a successful attempt, from routing to release.", Buckets: buckets}),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(m.steps, m.batches, m.failures, m.records, m.bytes, m.seconds)
	for _, state := range []string{"waiting", "delivering", "retrying"} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sluice_delivery_batches", Help: "Sealed batches not yet released, by state.", ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(d.count(state)) }))
	}
	return m
}

// count is how many batches are in a state.
func (d *Deliverer) count(state string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, a := range d.attempts {
		s := "waiting"
		switch {
		case a.running:
			s = "delivering"
		case a.failures > 0:
			s = "retrying"
		}
		if s == state {
			n++
		}
	}
	return n
}

func (m *metrics) step(name string, start time.Time) {
	m.steps.WithLabelValues(name).Observe(time.Since(start).Seconds())
}

func (m *metrics) delivered(stream string, res convert.Result, held, size int64, begun time.Time) {
	m.batches.Inc()
	m.records.WithLabelValues(stream, "table").Add(float64(res.Rows - held))
	m.records.WithLabelValues(stream, "errors").Add(float64(res.Failed))
	m.records.WithLabelValues(stream, "filtered").Add(float64(res.Filtered))
	m.bytes.Add(float64(size))
	m.seconds.Observe(time.Since(begun).Seconds())
}

// joined counts held rows that were delivered.
func (m *metrics) joined(stream string, rows int64) {
	m.records.WithLabelValues(stream, "table").Add(float64(rows))
}
