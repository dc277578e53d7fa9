package segment_test

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sluice/ingest"
	"sluice/ingest/segment"
	"sluice/internal/intaketest"
	"sluice/internal/sample"
)

// BenchmarkIntake sends 100 calls of 700 bytes or so a request on 8 connections, as
// NDJSON and as a batch, to one stream and to one for each event. Bytes are those of
// the calls. Client and server share the machine. void appends to nothing, which
// leaves the receivers; sluice to the real log.
func BenchmarkIntake(b *testing.B) {
	calls := benchCalls(b, 100)
	ndjson := strings.Join(calls, "\n")
	batch := `{"batch":[` + strings.Join(calls, ",") + `],"writeKey":"KEY","sentAt":"2026-11-21T08:44:48.398Z"}`
	load := func(path, headers, body string) intaketest.Load {
		return intaketest.Load{Connections: 8, Request: intaketest.Post(path, headers, []byte(body)), Size: len(ndjson) + 1}
	}
	loads := map[string]intaketest.Load{
		"ndjson":  load("/v1/streams/s/records", "", ndjson),
		"segment": load("/v1/batch", "Authorization: Basic S0VZOg==\r\n", batch),
	}
	loads["events"] = loads["segment"]
	for _, log := range []string{"void", "sluice"} {
		for _, protocol := range []string{"ndjson", "segment", "events"} {
			b.Run(log+"/"+protocol, func(b *testing.B) {
				tables := segment.OneTable
				if protocol == "events" {
					tables = segment.PerEvent
				}
				if log == "void" {
					intaketest.Drive(b, benchHandler(b, intaketest.Void{}, tables), loads[protocol], nil)
					return
				}
				warm := loads["ndjson"]
				intaketest.Drive(b, benchHandler(b, intaketest.Log(b), tables), loads[protocol], &warm)
			})
		}
	}
}

// benchCalls are calls as a browser's SDK sends them.
func benchCalls(b *testing.B, n int) []string {
	g, err := sample.New("segment", 1)
	if err != nil {
		b.Fatal(err)
	}
	added := regexp.MustCompile(`"(receivedAt|sentAt|originalTimestamp)":"[^"]*",`)
	var calls []string
	for range n {
		call := string(bytes.TrimSpace(g.AppendEvent(nil)))
		calls = append(calls, added.ReplaceAllString(call, ""))
	}
	return calls
}

func benchHandler(b *testing.B, log ingest.Appender, tables segment.Tables) http.Handler {
	mem, err := ingest.NewMemory(256<<20, 0)
	if err != nil {
		b.Fatal(err)
	}
	known := policy(func(string) bool { return true })
	s, err := segment.New(segment.Config{Appender: log, Policy: known, Memory: mem, Metrics: ingest.NewMetrics(nil, nil), Source: "web",
		Stream: "segment", Tables: tables, MaxEvent: 32 << 10, MaxBatch: 500 << 10, MaxEvents: 2500})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	intaketest.Records(b, mux, log, mem)
	s.Register(mux)
	return mux
}
