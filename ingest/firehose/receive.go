package firehose

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"sluice/ingest"
	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// What a delivery to an HTTP endpoint has in its headers.
const (
	headerRequestID = "X-Amz-Firehose-Request-Id"
	headerAccessKey = "X-Amz-Firehose-Access-Key"
	headerProtocol  = "X-Amz-Firehose-Protocol-Version"
)

// maxDelivery is the largest delivery, by the specification of HTTP endpoints.
const maxDelivery = 64 << 20

// receive takes what AWS delivers: POST /v1/firehose/{stream}. It is stored block by
// block as it comes, each with the request's id, by which what was stored is known
// when the delivery is repeated.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	d := &incoming{Handler: h, ctx: r.Context(), stream: r.PathValue("stream"), id: r.Header.Get(headerRequestID)}
	f := d.serve(w, r)
	status := http.StatusOK
	if f != nil {
		h.log(r, f)
		status = f.status
	}
	answerDelivery(w, d.id, f)
	h.Metrics.Request(receiver, status, time.Since(begun))
}

// An incoming delivery.
type incoming struct {
	*Handler
	ctx    context.Context
	stream string
	id     string
	put    put
	first  uint64 // index of the next line among those of the request
}

func (d *incoming) serve(w http.ResponseWriter, r *http.Request) *fault {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &fault{status: http.StatusMethodNotAllowed, message: "deliveries are sent with POST, not " + r.Method}
	}
	if v := r.Header.Get(headerProtocol); v != "" && v != "1.0" {
		return invalid("%s %.20q is not supported; want 1.0", headerProtocol, v)
	}
	who, ok := d.Access.FirehoseAccessKey(r.Header.Get(headerAccessKey))
	if !ok {
		return &fault{status: http.StatusUnauthorized, message: "the access key is not known here; it is an API key, given as the HTTP endpoint's access key"}
	}
	if err := d.mayWrite(who, d.stream); err != nil {
		return faultOf(err)
	}
	if err := d.charge(who, 0, 0); err != nil {
		return faultOf(err)
	}
	body, p := ingest.OpenBody(w, r, d.Memory, min(d.MaxBody, maxDelivery))
	if p != nil {
		return faultOf(p)
	}
	defer body.Close()
	window, err := openWindow(d.ctx, d.Memory, body)
	if err != nil {
		return faultOf(err)
	}
	defer window.free()
	d.put = put{lines: lines{ctx: d.ctx, mem: d.Memory, full: d.append}}
	defer d.put.lines.free()
	if err = d.read(window); err == nil && len(d.put.lines.blocks) > 0 {
		err = d.append(&d.put.lines.blocks[0])
	}
	d.Access.Charge(who, int64(d.put.lines.entries), body.Taken())
	if err != nil {
		return faultOf(err)
	}
	return nil
}

// read takes the delivery; full blocks are appended on the way.
func (d *incoming) read(w *window) error {
	err := w.object(func(key string) error {
		switch key {
		case keyRequestID:
			return d.requestID(w)
		case keyBatch:
			if d.put.seen {
				return malformed("the delivery has the member records twice")
			}
			d.put.seen = true
			if !validID(d.id) {
				return invalid("a delivery needs %s, or requestId before its records: 1 to %d visible ASCII characters", headerRequestID, lake.MaxRequestKey)
			}
			return w.array(func() error { return d.put.entry(w, keyDatum) })
		}
		_, err := w.value()
		return err
	})
	if err == nil {
		err = w.done()
	}
	if err == nil && !d.put.seen {
		err = malformed("the delivery has no records")
	}
	return err
}

// requestID takes the id in the body, which is the same as the one in the header.
func (d *incoming) requestID(w *window) error {
	value, err := w.value()
	if err != nil {
		return err
	}
	if value[0] != '"' {
		return malformed("requestId must be a string")
	}
	id := string(jsonscan.AppendUnquoted(nil, value))
	if d.id == "" {
		d.id = id
	}
	if id != d.id || !validID(id) {
		return invalid("requestId %.80q: want the same as in %s, 1 to %d visible ASCII characters", id, headerRequestID, lake.MaxRequestKey)
	}
	return nil
}

func validID(id string) bool {
	ok := 1 <= len(id) && len(id) <= lake.MaxRequestKey
	for i := 0; i < len(id) && ok; i++ {
		ok = '!' <= id[i] && id[i] <= '~'
	}
	return ok
}

// append stores a block of the delivery. What an earlier attempt stored of it is
// known again by the id and the places of its lines.
func (d *incoming) append(b *block) error {
	if b.records == 0 {
		return nil
	}
	data := b.buf.B[:b.size]
	leave, err := d.enter(d.stream)
	if err != nil {
		return err
	}
	defer leave()
	err = d.Appender.Append(d.ctx, d.stream, lake.Block{
		Data: data, Records: b.records, Arrival: arrival(), Attrs: lake.AppendRequest(nil, d.id, d.first),
	})
	if err != nil {
		return ingest.AppendProblem(err)
	}
	d.first += uint64(b.records)
	d.Metrics.Accepted(d.stream, int64(b.records), int64(len(data)))
	return nil
}

// answerDelivery answers as the specification of HTTP endpoints has it: Firehose
// repeats what is not answered with 200 and the request's id.
func answerDelivery(w http.ResponseWriter, id string, f *fault) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	b := ingest.AppendString([]byte(`{"requestId":`), id)
	b = strconv.AppendInt(append(b, `,"timestamp":`...), time.Now().UnixMilli(), 10)
	if f != nil {
		if f.retryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
		}
		status := f.status
		if status == ingest.StatusClientGone {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
		b = ingest.AppendString(append(b, `,"errorMessage":`...), f.message)
	}
	w.Write(append(b, '}')) // a client that is gone is no fault here
}
