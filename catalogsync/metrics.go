package catalogsync

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one Catalog. Operations are those that this package calls, so the
// label is bounded.
type metrics struct {
	requests   *prometheus.CounterVec   // operation, outcome
	duration   *prometheus.HistogramVec // operation
	conflicts  prometheus.Counter
	partitions prometheus.Counter
	// kind: see Difference.counts
	differences *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_catalogsync_requests_total",
			Help: "Requests to the catalog, every attempt counted, by operation and outcome (ok, rejected, unavailable).",
		}, []string{"operation", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sluice_catalogsync_request_seconds",
			Help:    "Time to the catalog's answer, by operation.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"operation"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sluice_catalogsync_conflicts_total",
			Help: "Changes made anew because another writer's came first.",
		}),
		partitions: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sluice_catalogsync_partitions_registered_total",
			Help: "Partitions added to the catalog.",
		}),
		differences: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sluice_catalogsync_differences",
			Help: "Differences between the lake and the catalog that the last scheduled reconciliation found, by kind: unregistered, empty, elsewhere, columns, strange.",
		}, []string{"kind"}),
	}
	for kind := range (Difference{}).counts() {
		m.differences.WithLabelValues(kind)
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.conflicts, m.partitions, m.differences} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// meter counts what passes through to next.
type meter struct {
	next http.RoundTripper
	m    *metrics
}

func (t meter) RoundTrip(req *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	began := time.Now()
	resp, err := t.next.RoundTrip(req)
	t.m.duration.WithLabelValues(op).Observe(time.Since(began).Seconds())
	outcome := "ok"
	switch {
	case err != nil || resp.StatusCode >= 500:
		outcome = "unavailable"
	case resp.StatusCode >= 400:
		outcome = "rejected"
	}
	t.m.requests.WithLabelValues(op, outcome).Inc()
	return resp, err
}
