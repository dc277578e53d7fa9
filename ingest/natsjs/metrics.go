package natsjs

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// What became of a message, as metrics say it.
const (
	resultStored   = "stored"   // now
	resultKnown    = "known"    // was stored before, here or by another node
	resultRejected = "rejected" // is no records: kept in the stream of rejected messages
	resultDelayed  = "delayed"  // not now: the server gives it again
	resultDropped  = "dropped"  // of a core subscription, without room for it
)

// metrics are labelled by what the configuration names, never by a message.
type metrics struct {
	messages    *prometheus.CounterVec
	redelivered *prometheus.CounterVec
	pending     *prometheus.GaugeVec
	unacked     *prometheus.GaugeVec
	lag         *prometheus.GaugeVec
	owned       *prometheus.GaugeVec
	connected   prometheus.Gauge
	reconnects  prometheus.Counter
	published   prometheus.Counter
	publishedB  prometheus.Counter
}

// connection notes that there is one, or none.
func (m *metrics) connection(there, again bool) {
	switch {
	case m == nil:
	case !there:
		m.connected.Set(0)
	default:
		m.connected.Set(1)
		if again {
			m.reconnects.Inc()
		}
	}
}

// show makes a subscription's metrics appear before anything has happened.
func (m *metrics) show(sub *Subscription) {
	results := []string{resultStored, resultRejected}
	if sub.Stream == "" {
		results = append(results, resultDropped)
	} else {
		results = append(results, resultKnown, resultDelayed)
		for _, g := range []*prometheus.GaugeVec{m.pending, m.unacked, m.lag, m.owned} {
			g.WithLabelValues(sub.name())
		}
		m.redelivered.WithLabelValues(sub.name())
	}
	for _, r := range results {
		m.messages.WithLabelValues(sub.name(), r)
	}
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	sub := []string{"subscription"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, sub)
	}
	return &metrics{
		messages: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_nats_messages_total",
			Help: "Messages taken, by what became of them: stored, known, rejected, delayed, dropped."}, []string{"subscription", "result"}),
		redelivered: f.NewCounterVec(prometheus.CounterOpts{Name: "sluice_nats_redelivered_total",
			Help: "Messages that JetStream gave more than once."}, sub),
		pending: gauge("sluice_nats_pending", "Messages that the consumer has not delivered yet."),
		unacked: gauge("sluice_nats_unacknowledged", "Messages delivered and not acknowledged."),
		lag:     gauge("sluice_nats_lag_seconds", "Time from a message's arrival in JetStream until it was stored, of the last one."),
		owned:   gauge("sluice_nats_owned", "1 while this node owns the consumer."),
		connected: f.NewGauge(prometheus.GaugeOpts{Name: "sluice_nats_connected",
			Help: "1 while there is a connection to NATS."}),
		reconnects: f.NewCounter(prometheus.CounterOpts{Name: "sluice_nats_reconnects_total",
			Help: "Connections to NATS made again."}),
		published: f.NewCounter(prometheus.CounterOpts{Name: "sluice_nats_published_messages_total",
			Help: "Messages published by receivers and acknowledged by JetStream."}),
		publishedB: f.NewCounter(prometheus.CounterOpts{Name: "sluice_nats_published_bytes_total",
			Help: "Bytes of their records."}),
	}
}
