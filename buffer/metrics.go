package buffer

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are one Buffer's. It collects the gauges itself, when asked.
type metrics struct {
	b *Buffer

	appends, records, bytes *prometheus.CounterVec // by stream
	fsync                   prometheus.Histogram
	sealed                  *prometheus.CounterVec // by reason
	full, failed            prometheus.Counter
	recovered               *prometheus.CounterVec // by what
	torn                    *prometheus.CounterVec // by unit
	quarantined             *prometheus.CounterVec // by unit

	heldRecords, heldBytes, oldest, batches, disk *prometheus.Desc
}

// streamMetrics are one stream's counters.
type streamMetrics struct{ appends, records, bytes prometheus.Counter }

func newMetrics(b *Buffer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_buffer_" + name, Help: help}, labels)
	}
	single := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_buffer_" + name, Help: help})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_buffer_"+name, help, labels, nil)
	}
	return &metrics{
		b:       b,
		appends: counter("appends_total", "Blocks made durable.", "stream"),
		records: counter("records_total", "Records made durable.", "stream"),
		bytes:   counter("bytes_total", "Bytes of records made durable.", "stream"),
		fsync: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_buffer_fsync_seconds", Help: "Duration of a commit's fsync.",
			Buckets: prometheus.ExponentialBuckets(0.00005, 2, 17), // to 3.3 s
		}),
		sealed:      counter("sealed_total", "Batches sealed, by reason: size, age, request, space, recovery.", "reason"),
		full:        single("full_total", "Commits refused because a ceiling was reached."),
		failed:      single("failed_total", "Logs that failed for good: a write or an fsync did."),
		recovered:   counter("recovered_total", "What Open found: batches, records, bytes.", "unit"),
		torn:        counter("torn_total", "What Open cut off as the rest of a commit that was never acknowledged: segments, bytes.", "unit"),
		quarantined: counter("quarantined_total", "What Open could not take up: segments moved to quarantine, records known to be lost in them, unusable segments left in place.", "unit"),
		heldRecords: desc("held_records", "Records in the log.", "stream"),
		heldBytes:   desc("held_bytes", "Bytes of the records in the log.", "stream"),
		oldest:      desc("oldest_seconds", "For how long the log has held a record, at most; 0 when it holds none.", "stream"),
		batches:     desc("batches", "Batches in the log, by state: open, sealed.", "stream", "state"),
		disk:        desc("disk_bytes", "Bytes of all segments, preallocated space and files kept for reuse included."),
	}
}

func (m *metrics) stream(name string) streamMetrics {
	return streamMetrics{m.appends.WithLabelValues(name), m.records.WithLabelValues(name), m.bytes.WithLabelValues(name)}
}

func (m *metrics) parts() []prometheus.Collector {
	return []prometheus.Collector{m.appends, m.records, m.bytes, m.fsync, m.sealed, m.full, m.failed, m.recovered, m.torn, m.quarantined}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	if err := r.Register(m); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

func (m *metrics) unregister(r prometheus.Registerer) {
	if r != nil {
		r.Unregister(m)
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(c chan<- *prometheus.Desc) {
	for _, p := range m.parts() {
		p.Describe(c)
	}
	for _, d := range []*prometheus.Desc{m.heldRecords, m.heldBytes, m.oldest, m.batches, m.disk} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(c chan<- prometheus.Metric) {
	for _, p := range m.parts() {
		p.Collect(c)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, st := range m.b.Streams() {
		gauge(m.heldRecords, float64(st.Records), st.Name)
		gauge(m.heldBytes, float64(st.Bytes), st.Name)
		gauge(m.oldest, st.Age.Seconds(), st.Name)
		gauge(m.batches, float64(st.OpenBatches), st.Name, "open")
		gauge(m.batches, float64(st.SealedBatches), st.Name, "sealed")
	}
	m.b.space.mu.Lock()
	used := m.b.space.used
	m.b.space.mu.Unlock()
	gauge(m.disk, float64(used))
}
