package store

import (
	"errors"
	"io/fs"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a store. A nil *metrics measures nothing. Stores that share a
// registerer share the metrics.
type metrics struct {
	duration *prometheus.HistogramVec // by operation and result
	bytes    *prometheus.CounterVec   // by operation
}

func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		return nil
	}
	return &metrics{
		duration: register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_store_operation_duration_seconds",
			Help: "Time of an operation of the object store; of get until the body begins, of list with what its reader did meanwhile.",
			// 1 ms to 131 s
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 18),
		}, []string{"operation", "result"})),
		bytes: register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_store_bytes_total",
			Help: "Bytes of objects stored (put) and read (get).",
		}, []string{"operation"})),
	}
}

// register returns the collector, or the one that a store before registered.
func register[C prometheus.Collector](r prometheus.Registerer, c C) C {
	err := r.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if c, ok := already.ExistingCollector.(C); ok {
			return c
		}
	}
	if err != nil {
		panic("BUG: register metric: " + err.Error())
	}
	return c
}

func (m *metrics) observe(op string, begin time.Time, err *error) {
	if m == nil {
		return
	}
	result := "ok"
	switch {
	case errors.Is(*err, fs.ErrNotExist):
		result = "absent"
	case *err != nil:
		result = "error"
	}
	m.duration.WithLabelValues(op, result).Observe(time.Since(begin).Seconds())
}

func (m *metrics) addBytes(op string, n int64) {
	if m != nil {
		m.bytes.WithLabelValues(op).Add(float64(n))
	}
}
