package repartition

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	files, bytes, rows prometheus.Counter
	runs               *prometheus.CounterVec
	lastRun            prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, r *Rewriter) *metrics {
	m := &metrics{
		files:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_rewrite_files_total", Help: "Files whose rows were brought into tables with other partitions."}),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_rewrite_bytes_total", Help: "Bytes of those files."}),
		rows:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_rewrite_rows_total", Help: "Rows of those files."}),
		runs:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_rewrite_runs_total", Help: "Tables that were to be rewritten, by outcome: ok or failed; what is left is done by the next run."}, []string{"outcome"}),
		lastRun: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_rewrite_last_success_timestamp_seconds", Help: "When a table was last rewritten to its end, in seconds since 1970; 0 before the first."}),
	}
	for _, outcome := range []string{"ok", "failed"} {
		m.runs.WithLabelValues(outcome)
	}
	if reg == nil {
		return m
	}
	gauge := func(name, help string, value func(Status) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			s, _ := r.Status()
			return float64(value(s))
		})
	}
	reg.MustRegister(m.files, m.bytes, m.rows, m.runs, m.lastRun,
		gauge("sluice_rewrite_current_bytes", "Bytes of the files that the table being rewritten had left at its start; 0: none is.", func(s Status) int64 { return s.Total }),
		gauge("sluice_rewrite_current_done_bytes", "Bytes of those that are done.", func(s Status) int64 { return s.Done }))
	return m
}

func (m *metrics) brought(files int, bytes, rows int64) {
	m.files.Add(float64(files))
	m.bytes.Add(float64(bytes))
	m.rows.Add(float64(rows))
}

func (m *metrics) ran(ok bool) {
	if !ok {
		m.runs.WithLabelValues("failed").Inc()
		return
	}
	m.runs.WithLabelValues("ok").Inc()
	m.lastRun.SetToCurrentTime()
}
