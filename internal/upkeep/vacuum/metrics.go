package vacuum

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	uploads, objects, bytes prometheus.Counter
	folders, unfinished     prometheus.Gauge
	runs                    *prometheus.CounterVec
	lastRun                 prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		uploads:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_vacuum_uploads_removed_total", Help: "Unfinished uploads removed."}),
		objects:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_vacuum_objects_removed_total", Help: "Objects of unregistered folders removed."}),
		bytes:      prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_vacuum_bytes_removed_total", Help: "Bytes of those objects."}),
		folders:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_vacuum_unregistered_folders", Help: "Folders of partitions with files that the last scheduled run found not to be registered."}),
		unfinished: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_vacuum_unfinished_uploads", Help: "Unfinished uploads that the last scheduled run found."}),
		runs:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_vacuum_runs_total", Help: "Scheduled runs of vacuum, by outcome: ok or failed."}, []string{"outcome"}),
		lastRun:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_vacuum_last_success_timestamp_seconds", Help: "When the last scheduled run of vacuum ended without a fault, in seconds since 1970."}),
	}
	for _, outcome := range []string{"ok", "failed"} {
		m.runs.WithLabelValues(outcome)
	}
	if reg != nil {
		reg.MustRegister(m.uploads, m.objects, m.bytes, m.folders, m.unfinished, m.runs, m.lastRun)
	}
	return m
}

func (m *metrics) removed(bytes int64) {
	m.objects.Inc()
	m.bytes.Add(float64(bytes))
}

func (m *metrics) ran(rep Report, ok bool) {
	m.folders.Set(float64(rep.FolderCount))
	m.unfinished.Set(float64(rep.UploadCount))
	if !ok {
		m.runs.WithLabelValues("failed").Inc()
		return
	}
	m.runs.WithLabelValues("ok").Inc()
	m.lastRun.SetToCurrentTime()
}
