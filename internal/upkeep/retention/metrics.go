package retention

import (
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	dropped prometheus.Counter
	objects prometheus.Counter
	bytes   prometheus.Counter
	late    prometheus.Counter
	passed  *prometheus.GaugeVec
	rounds  *prometheus.CounterVec
	lastRun prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, r *Reaper) *metrics {
	m := &metrics{
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_retention_partitions_dropped_total", Help: "Partitions past their time taken out of the catalog."}),
		objects: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_retention_objects_deleted_total", Help: "Objects of dropped partitions deleted."}),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_retention_bytes_deleted_total", Help: "Bytes of those objects."}),
		late:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_retention_late_total", Help: "Partitions and objects that came while or after a partition was dropped."}),
		passed:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_retention_passed_partitions", Help: "Partitions that retention left alone in its last round, since they have no date or lie where it does not delete."}, []string{"table"}),
		rounds:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_retention_rounds_total", Help: "Rounds of retention, by outcome: ok or failed."}, []string{"outcome"}),
		lastRun: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_retention_last_success_timestamp_seconds", Help: "When the last round of retention ended without a fault, in seconds since 1970."}),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(m.dropped, m.objects, m.bytes, m.late, m.passed, m.rounds, m.lastRun,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sluice_retention_waiting_partitions", Help: "Dropped partitions whose objects are to be deleted."}, func() float64 {
			n := 0
			for _, e := range r.pending() {
				n += len(e.Parts)
			}
			return float64(n)
		}))
	for table := range r.cfg.Rules {
		m.passed.WithLabelValues(table.String())
	}
	for _, outcome := range []string{"ok", "failed"} {
		m.rounds.WithLabelValues(outcome)
	}
	return m
}

func (m *metrics) ran(ok bool) {
	if !ok {
		m.rounds.WithLabelValues("failed").Inc()
		return
	}
	m.rounds.WithLabelValues("ok").Inc()
	m.lastRun.SetToCurrentTime()
}

func (m *metrics) deleted(bytes int64) {
	m.objects.Inc()
	m.bytes.Add(float64(bytes))
}
