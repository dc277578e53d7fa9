package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"sluice/internal/clienttest"
)

// OpenTelemetry's exporters as they are published send 10,000 log records each. In
// the middle batches are refused with 503 and 429. SQL finds each record once.
func TestOTLPClients(t *testing.T) {
	const records, from, to = 10_000, 5, 9
	for name, send := range map[string]func(t *testing.T, url string){
		"go": func(t *testing.T, url string) { exportLogs(t, url, records) },
		"python": func(t *testing.T, url string) {
			clienttest.Python(t, filepath.Join("testdata", "clients", "otlp.py"), "opentelemetry.exporter.otlp.proto.http._log_exporter", url, strconv.Itoa(records))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it waits
			c := startServe(t, t.TempDir())
			p := clienttest.NewPressure(t, c.url, `(?s).+`, from, to) // a batch is sent again byte by byte
			p.Statuses = []int{503, 429}                              // not an answer that is lost: what is stored twice then is found twice
			send(t, p.URL)
			if p.Refused(503) != (to-from)/2 || p.Refused(429) != (to-from)/2 {
				t.Errorf("%d batches were answered 503, %d 429", p.Refused(503), p.Refused(429))
			}
			c.wantLogs(records)
			c.flush("otel_logs")
			c.wantLogs(records)
		})
	}
}

// exportLogs sends log records with otlploghttp.
func exportLogs(t *testing.T, url string, n int) {
	t.Helper()
	ctx := context.Background()
	exporter, err := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(url+"/v1/logs"), otlploghttp.WithCompression(otlploghttp.GzipCompression),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: true, InitialInterval: 10 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, sdklog.WithMaxQueueSize(2*n), sdklog.WithExportMaxBatchSize(500))))
	logger := provider.Logger("test", log.WithInstrumentationVersion("1.2"))
	for i := range n {
		var r log.Record
		r.SetTimestamp(time.Unix(1769860800, int64(i)*1000))
		r.SetSeverity(log.SeverityInfo)
		r.SetSeverityText("INFO")
		r.SetBody(attribute.StringValue(fmt.Sprintf("message %d", i)))
		r.AddAttributes(attribute.Int("n", i), attribute.String("shop.name", "é"), attribute.Bool("ok", true))
		logger.Emit(ctx, r)
	}
	if err := provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

// wantLogs wants the log records with the attribute n from 0 on, each once.
func (c *child) wantLogs(n int) {
	c.t.Helper()
	var got struct{ N, Ns, Low, High, Whole int }
	row := c.row(`select count(*) as n, count(distinct attributes['n']) as ns, min(cast(attributes['n'] as int)) as low, max(cast(attributes['n'] as int)) as high,
		sum(case when body = 'message ' || attributes['n'] and severity_text = 'INFO' and severity_number = 9 and attributes['shop.name'] = 'é'
			and resource_attributes['service.name'] is not null and scope_name = 'test' and time is not null and observed_time is not null then 1 else 0 end) as whole
		from otel_logs`)
	if err := json.Unmarshal([]byte(row), &got); err != nil {
		c.t.Fatal(err)
	}
	if got.N != n || got.Ns != n || got.Low != 0 || got.High != n-1 || got.Whole != n {
		c.t.Errorf("%d records were sent, but there are %s\n%s", n, row, c.log)
	}
}
