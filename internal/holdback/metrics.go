package holdback

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	pieces, joins, members prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, s *Shelf) *metrics {
	m := &metrics{
		pieces:  prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_holdback_pieces_total", Help: "Files held back, each the rows of a batch and a partition."}),
		joins:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_holdback_joins_total", Help: "Objects delivered that were made of files held back."}),
		members: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_holdback_joined_pieces_total", Help: "Files held back that are in those objects."}),
	}
	if reg == nil {
		return m
	}
	gauge := func(name, help string, value func(h Held) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			total := Held{}
			for _, stream := range s.Streams() {
				h := s.Stream(stream)
				total.Rows += h.Rows
				total.Bytes += h.Bytes
				total.Files += h.Files
			}
			return value(total)
		})
	}
	reg.MustRegister(m.pieces, m.joins, m.members,
		gauge("sluice_holdback_rows", "Rows held back.", func(h Held) float64 { return float64(h.Rows) }),
		gauge("sluice_holdback_bytes", "Bytes of Parquet held back.", func(h Held) float64 { return float64(h.Bytes) }),
		gauge("sluice_holdback_files", "Files held back.", func(h Held) float64 { return float64(h.Files) }))
	return m
}

func (m *metrics) put(n int) { m.pieces.Add(float64(n)) }

func (m *metrics) joined(n int) {
	m.joins.Inc()
	m.members.Add(float64(n))
}
