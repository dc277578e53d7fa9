package access

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"sluice/configs"
)

// Why a caller was turned away, in metrics.
const (
	reasonMissing   = "missing"   // no proof
	reasonUnknown   = "unknown"   // of nobody known
	reasonMalformed = "malformed" // that cannot be read
	reasonSignature = "signature" // a signature that is wrong or of another time
	reasonForbidden = "forbidden" // known, but may not do that
)

type metrics struct {
	refused *prometheus.CounterVec
	limited *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, keys map[string]configs.Key) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		refused: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_access_refused_total",
			Help: "Requests turned away, by why: missing, unknown, malformed, signature, forbidden."}, []string{"reason"}),
		limited: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_access_limited_total",
			Help: "Requests over a key's rate or quota, by the key's name."}, []string{"key"}),
	}
	for _, reason := range []string{reasonMissing, reasonUnknown, reasonMalformed, reasonSignature, reasonForbidden} {
		m.refused.WithLabelValues(reason)
	}
	for name := range keys {
		m.limited.WithLabelValues(name)
	}
	if len(keys) == 0 {
		m.limited.WithLabelValues(anyone.name)
	}
	return m
}

// throttled counts; the label is a name of the configuration.
func (m *metrics) throttled(p *Principal) { m.limited.WithLabelValues(p.Name()).Inc() }

func (m *metrics) turnedAway(reason string) { m.refused.WithLabelValues(reason).Inc() }
