package compact

import (
	"time"

	"sluice/internal/lake/store"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	files, bytes    *prometheus.GaugeVec
	backlog, last   prometheus.Gauge
	partitions      *prometheus.CounterVec
	merged, deleted prometheus.Counter
	failures        prometheus.Counter
}

// The size classes of files, by their upper bounds in bytes; the last has none.
var classes = []struct {
	name string
	to   int64
}{{"under_1MiB", 1 << 20}, {"under_16MiB", 16 << 20}, {"under_128MiB", 128 << 20}, {"under_1GiB", 1 << 30}, {"over_1GiB", 1 << 62}}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		files:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_compaction_files", Help: "Files of the tables that the last scheduled round looked at, by size class"}, []string{"size"}),
		bytes:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_compaction_bytes", Help: "Bytes of those files, by size class"}, []string{"size"}),
		backlog:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_compaction_backlog_partitions", Help: "Partitions that were due for compaction when the last scheduled round looked at them"}),
		last:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_compaction_last_round_timestamp_seconds", Help: "When the last scheduled round ended, in seconds since 1970; 0 before the first"}),
		partitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_compaction_partitions_total", Help: "Partitions looked at, by what became of them: compacted, skipped or failed"}, []string{"outcome"}),
		merged:     prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_compaction_merged_bytes_total", Help: "Bytes of files that were merged into others"}),
		deleted:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_compaction_deleted_objects_total", Help: "Objects deleted where partitions had been, when the grace period was over"}),
		failures:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_compaction_failures_total", Help: "Scheduled rounds in which something went wrong"}),
	}
	for _, c := range classes {
		m.files.WithLabelValues(c.name)
		m.bytes.WithLabelValues(c.name)
	}
	for _, outcome := range []string{"compacted", "skipped", "failed"} {
		m.partitions.WithLabelValues(outcome)
	}
	if reg != nil {
		reg.MustRegister(m.files, m.bytes, m.backlog, m.last, m.partitions, m.merged, m.deleted, m.failures)
	}
	return m
}

// current has the metrics tell how far the partition is that is being compacted.
func (m *metrics) current(reg prometheus.Registerer, status func() (Status, bool)) {
	if reg == nil {
		return
	}
	gauge := func(name, help string, value func(Status) int64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			s, _ := status()
			return float64(value(s))
		}))
	}
	gauge("sluice_compaction_current_bytes", "Bytes of the files of the partition that is being compacted; 0: none is", func(s Status) int64 { return s.Total })
	gauge("sluice_compaction_current_done_bytes", "Bytes of those that are done", func(s Status) int64 { return s.Done })
}

func (m *metrics) partition(p Partition) {
	outcome := "skipped"
	if p.Err != nil {
		outcome = "failed"
	} else if p.Moved {
		outcome = "compacted"
	}
	m.partitions.WithLabelValues(outcome).Inc()
}

// A census counts files by their size.
type census struct {
	files, bytes []float64
	backlog      int
}

func newCensus() *census {
	return &census{files: make([]float64, len(classes)), bytes: make([]float64, len(classes))}
}

func (c *census) add(objects []store.Object, due bool) {
	if c == nil {
		return
	}
	if due {
		c.backlog++
	}
	for _, o := range objects {
		for i, class := range classes {
			if o.Size < class.to {
				c.files[i]++
				c.bytes[i] += float64(o.Size)
				break
			}
		}
	}
}

func (m *metrics) round(c *census) {
	for i, class := range classes {
		m.files.WithLabelValues(class.name).Set(c.files[i])
		m.bytes.WithLabelValues(class.name).Set(c.bytes[i])
	}
	m.backlog.Set(float64(c.backlog))
	m.last.Set(float64(time.Now().Unix()))
}
