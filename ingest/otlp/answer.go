package otlp

import (
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"sluice/ingest"
)

var (
	protoType = []string{"application/x-protobuf"}
	jsonType  = []string{"application/json"}
)

// succeed answers with an ExportLogsServiceResponse:
// {partial_success = 1: {rejected_log_records = 1, error_message = 2}}.
func (f form) succeed(w http.ResponseWriter, rejected int64, reason string) {
	var b []byte
	if f == jsonForm {
		w.Header()["Content-Type"] = jsonType
		b = append(b, '{')
		if rejected > 0 {
			b = append(b, `"partialSuccess":{"rejectedLogRecords":"`...)
			b = strconv.AppendInt(b, rejected, 10)
			b = append(b, `","errorMessage":`...)
			b = ingest.AppendString(b, reason)
			b = append(b, '}')
		}
		w.Write(append(b, '}'))
		return
	}
	w.Header()["Content-Type"] = protoType
	if rejected > 0 {
		var partial []byte
		partial = protowire.AppendTag(partial, 1, protowire.VarintType)
		partial = protowire.AppendVarint(partial, uint64(rejected))
		partial = protowire.AppendTag(partial, 2, protowire.BytesType)
		partial = protowire.AppendString(partial, reason)
		b = protowire.AppendTag(b, 1, protowire.BytesType)
		b = protowire.AppendBytes(b, partial)
	}
	w.Write(b)
}

// fail answers with a google.rpc.Status: {code = 1, message = 2}.
func (f form) fail(w http.ResponseWriter, p *ingest.Problem) {
	head := contentType{ResponseWriter: w, value: protoType}
	if f == jsonForm {
		head.value = jsonType
	}
	p.WriteHead(head)
	code := rpcCode(p.Status)
	if f == jsonForm {
		b := append([]byte(`{"code":`), strconv.Itoa(int(code))...)
		b = append(b, `,"message":`...)
		b = ingest.AppendString(b, p.Message)
		w.Write(append(b, '}'))
		return
	}
	b := protowire.AppendTag(nil, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, code)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	w.Write(protowire.AppendString(b, p.Message))
}

// A contentType sends a header with another type than the one given.
type contentType struct {
	http.ResponseWriter
	value []string
}

func (c contentType) WriteHeader(status int) {
	c.Header()["Content-Type"] = c.value
	c.ResponseWriter.WriteHeader(status)
}

// rpcCode is the google.rpc.Code that goes with a status of HTTP.
func rpcCode(status int) uint64 {
	switch status {
	case http.StatusUnauthorized:
		return 16
	case http.StatusForbidden:
		return 7
	case http.StatusNotFound:
		return 5
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return 8
	}
	if status >= 500 || status == ingest.StatusClientGone {
		return 14
	}
	return 3
}
