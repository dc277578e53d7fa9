package convert

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	seconds prometheus.Histogram
	records *prometheus.CounterVec
	json    prometheus.Counter
	parquet prometheus.Counter
	files   prometheus.Counter
	rescued prometheus.Counter
	again   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sluice_convert_seconds", Help: "Time to convert a batch.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_convert_records_total", Help: "Records converted, by what became of them."}, []string{"result"}),
		json:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_convert_json_bytes_total", Help: "Bytes of JSON converted."}),
		parquet: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_convert_parquet_bytes_total", Help: "Bytes of Parquet made."}),
		files:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_convert_files_total", Help: "Parquet files made."}),
		rescued: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_convert_rescued_values_total", Help: "Values that went to _rescued."}),
		again:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_convert_restarts_total", Help: "Conversions begun again because a value needed another column or type."}),
	}
	if reg != nil {
		reg.MustRegister(m.seconds, m.records, m.json, m.parquet, m.files, m.rescued, m.again)
	}
	return m
}

func (m *metrics) start() time.Time { return time.Now() }

func (m *metrics) done(start time.Time, r Result) {
	m.seconds.Observe(time.Since(start).Seconds())
	m.records.WithLabelValues("row").Add(float64(r.Rows))
	m.records.WithLabelValues("failed").Add(float64(r.Failed))
	m.records.WithLabelValues("filtered").Add(float64(r.Filtered))
	m.json.Add(float64(r.Bytes))
	m.rescued.Add(float64(r.Rescued))
	m.files.Add(float64(len(r.Files)))
	for _, f := range r.Files {
		m.parquet.Add(float64(f.Bytes))
	}
}
