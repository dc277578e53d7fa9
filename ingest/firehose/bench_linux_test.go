package firehose_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"sluice/ingest"
	"sluice/ingest/firehose"
	"sluice/internal/intaketest"
)

// BenchmarkIntake sends 500 events of 500 bytes a request on 8 connections, as
// NDJSON and as PutRecordBatch. Bytes are those of the events. Client and server
// share the machine. void appends to nothing, which leaves the receivers; sluice to
// the real log.
func BenchmarkIntake(b *testing.B) {
	const events = 500
	event := strings.Replace(benchEvent, "TITLE", strings.Repeat("title ", 50), 1)[:499-len(benchTail)] + benchTail
	ndjson := strings.Repeat(event+"\n", events)
	entry := `{"Data":"` + base64.StdEncoding.EncodeToString([]byte(event)) + `"}`
	batch := `{"DeliveryStreamName":"s","Records":[` + strings.TrimSuffix(strings.Repeat(entry+",", events), ",") + `]}`
	load := func(path, headers, body string) intaketest.Load {
		return intaketest.Load{Connections: 8, Request: intaketest.Post(path, headers, []byte(body)), Size: len(ndjson)}
	}
	loads := map[string]intaketest.Load{
		"ndjson":   load("/v1/streams/s/records", "", ndjson),
		"firehose": load("/", "X-Amz-Target: Firehose_20150804.PutRecordBatch\r\n", batch),
	}
	for _, log := range []string{"void", "sluice"} {
		for _, protocol := range []string{"ndjson", "firehose"} {
			b.Run(log+"/"+protocol, func(b *testing.B) {
				if log == "void" {
					intaketest.Drive(b, benchHandler(b, intaketest.Void{}), loads[protocol], nil)
					return
				}
				warm := loads["ndjson"]
				intaketest.Drive(b, benchHandler(b, intaketest.Log(b)), loads[protocol], &warm)
			})
		}
	}
}

const (
	benchEvent = `{"bookId":"9780140449136","title":"TITLE`
	benchTail  = `","author":"Fyodor Dostoevsky","genre":"Classics","userId":"u-000184467","userCountry":"DE","userAge":42,` +
		`"purchaseTimestamp":"2026-01-31T23:59:59.123Z","price":12.99,"currency":"EUR"}`
)

func benchHandler(b *testing.B, log ingest.Appender) http.Handler {
	mem := must(ingest.NewMemory(256<<20, 0))
	known := policy(func(string) bool { return true })
	f, err := firehose.New(firehose.Config{Appender: log, Policy: known, Memory: mem, Metrics: ingest.NewMetrics(nil, nil), MaxBody: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	intaketest.Records(b, mux, log, mem)
	mux.Handle("/", f)
	return mux
}
