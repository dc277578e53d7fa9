package intaketest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"sluice/ingest"
	"sluice/ingest/records"
)

// Records adds the receiver of records to mux, in front of log: what every other
// receiver is measured beside.
func Records(b *testing.B, mux *http.ServeMux, log ingest.Appender, mem *ingest.Memory) {
	b.Helper()
	r, err := records.New(records.Config{Appender: log, Policy: none{}, Flusher: none{}, Streams: none{}, Memory: mem,
		Metrics: ingest.NewMetrics(nil, mem), MaxBody: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	r.Register(mux)
}

// none knows every stream, and nothing of any.
type none struct{}

func (none) Known(string) bool                             { return true }
func (none) Streams() []records.StreamState                { return nil }
func (none) Stream(string) (s records.StreamState, _ bool) { return s, false }
func (none) Flush(context.Context, string) (r records.FlushResult, _ error) {
	return r, errors.New("unused")
}
