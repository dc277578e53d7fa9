package dedupe

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are one Filter's. It collects those of streams itself, when asked.
type metrics struct {
	f    *Filter
	full prometheus.Counter
	lost prometheus.Counter

	duplicates, keys, files, disk *prometheus.Desc
}

func newMetrics(f *Filter) *metrics {
	single := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_dedupe_" + name, Help: help})
	}
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_dedupe_"+name, help, []string{"stream"}, nil)
	}
	return &metrics{
		f:          f,
		full:       single("full_total", "Appends refused because a stream remembers as many keys as it may."),
		lost:       single("lost_keys_total", "Keys lost to damage of their files."),
		duplicates: desc("duplicates_total", "Duplicates dropped since the stream began."),
		keys:       desc("keys", "Keys remembered, in memory and in files."),
		files:      desc("files", "Key files."),
		disk:       desc("disk_bytes", "Bytes of key files."),
	}
}

// Describe and Collect make it a prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect sends every metric.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.full.Collect(ch)
	m.lost.Collect(ch)
	for _, s := range m.f.all() {
		var bytes uint64
		var files int
		for _, set := range s.sets() {
			_, b, n := set.stored()
			bytes += b
			files += n
		}
		st := m.f.State(s.name)
		send := func(d *prometheus.Desc, t prometheus.ValueType, v float64) {
			ch <- prometheus.MustNewConstMetric(d, t, v, s.name)
		}
		send(m.duplicates, prometheus.CounterValue, float64(st.Duplicates))
		send(m.keys, prometheus.GaugeValue, float64(st.Keys))
		send(m.files, prometheus.GaugeValue, float64(files))
		send(m.disk, prometheus.GaugeValue, float64(bytes))
	}
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
