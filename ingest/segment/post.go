package segment

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"sluice/ingest"
)

// A form is what a path takes: a call of a kind, or a batch.
type form struct {
	kind  kind
	batch bool
}

// A post is one request being served. It is used again for others.
type post struct {
	h   *Handler
	ctx context.Context
	form
	decoder decoder
	event   event
	stamp   stamp

	streams streams
	block   block

	rejected rejections
	accepted int64
	bytes    int64
}

// success is the body of most answers.
var success = []byte(`{"success":true}` + "\n")

// post takes a call or a batch.
func (h *Handler) post(w http.ResponseWriter, r *http.Request, f form) int {
	if !ingest.CheckMethod(w, r, http.MethodPost) {
		return http.StatusMethodNotAllowed
	}
	limit, setting := h.MaxEvent, "max_event"
	if f.batch {
		limit, setting = h.MaxBatch, "max_batch"
	}
	var from writer
	if key := headerKey(r); key != "" { // before a byte of the body
		var p *ingest.Problem
		if from, p = h.admit(r, key); p != nil {
			return h.fail(w, r, p, nil)
		}
	}
	body, p := h.read(w, r, limit, setting)
	if p != nil {
		return h.fail(w, r, p, nil)
	}
	defer body.Free()
	return h.serve(w, r, body.B, f, from)
}

// read reads the body whole.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, limit int64, setting string) (*ingest.Whole, *ingest.Problem) {
	body, p := ingest.OpenBody(w, r, h.Memory, limit)
	if p == nil {
		defer body.Close()
		hint := r.ContentLength
		if r.Header.Get("Content-Encoding") != "" {
			hint = -1
		}
		var whole *ingest.Whole
		if whole, p = h.Memory.ReadAll(r.Context(), body, hint); p == nil {
			return whole, nil
		}
	}
	if p.Code == ingest.CodeTooLarge { // Segment's answer is 400
		told := *p
		told.Status = http.StatusBadRequest
		told.Message = fmt.Sprintf("the body is larger than segment.%s, %d bytes; nothing of it was stored", setting, limit)
		w.Header().Set("Connection", "close") // the rest of the body is not read
		return nil, &told
	}
	return nil, p
}

// serve stores the calls in a body. from has no source when the key is in the body.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, body []byte, f form, from writer) int {
	lists := int64(64)
	if f.batch {
		lists *= int64(h.MaxEvents)
	}
	if p := h.Memory.Reserve(r.Context(), lists); p != nil {
		return h.fail(w, r, p, nil)
	}
	defer h.Memory.Release(lists)
	t, ok := h.posts.Get().(*post)
	if !ok {
		t = &post{h: h}
	}
	defer h.posts.Put(t)
	t.begin(r.Context(), f)
	defer t.end()
	p := t.decode(body)
	if p == nil && from.source == "" {
		from, p = h.admit(r, t.key())
	}
	if p == nil {
		p = t.store(from.source)
	}
	if p != nil && p.Retryable() {
		h.Access.Charge(from.who, t.accepted, t.bytes) // what comes again is paid for then
	} else {
		h.Access.Charge(from.who, int64(len(t.decoder.items)), int64(len(body)))
	}
	for reason, n := range t.rejected.reasons {
		if n > 0 {
			h.Metrics.Rejected(receiver, ingest.Reason(reason), n)
		}
	}
	if p == nil && t.accepted == 0 && t.rejected.total > 0 {
		p = &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeNoneAccepted, Message: "no call was accepted: " + t.rejected.first}
	}
	if p != nil {
		return h.fail(w, r, p, &t.rejected)
	}
	if t.rejected.total == 0 {
		ingest.WriteBody(w, success)
		return http.StatusOK
	}
	answer := t.rejected.appendMember([]byte(`{"success":true`))
	ingest.WriteBody(w, append(answer, "}\n"...))
	return http.StatusOK
}

func (t *post) begin(ctx context.Context, f form) {
	t.ctx, t.form = ctx, f
	t.decoder.max = 1
	if f.batch {
		t.decoder.max = t.h.MaxEvents
	}
	t.accepted, t.bytes = 0, 0
	t.rejected = rejections{}
}

// end lets go of the request.
func (t *post) end() {
	t.block.free()
	t.streams.reset("")
	t.ctx = nil
	t.decoder.body, t.decoder.env = nil, envelope{}
	t.event = event{keep: t.event.keep[:0]}
}

func (t *post) decode(body []byte) *ingest.Problem {
	if t.batch {
		return t.decoder.batch(body)
	}
	return t.decoder.call(body)
}

// key is the write key in the body, of the batch or of its first call.
func (t *post) key() string {
	if k := t.decoder.env.writeKey; k != nil {
		return text(k)
	}
	if len(t.decoder.items) == 0 {
		return ""
	}
	first := t.decoder.items[0].of(t.decoder.body)
	if first[0] != '{' {
		return ""
	}
	t.event.parse(first, &t.decoder.env, true)
	if k := t.event.writeKey; !k.none() && first[k.from] == '"' {
		return text(k.of(first))
	}
	return ""
}

// store appends the calls to the streams they belong to.
func (t *post) store(source string) *ingest.Problem {
	t.streams.reset(t.h.Tables.stream(t.h.Stream, source))
	if t.h.Tables != PerEvent {
		if p := ingest.CheckStream(t.streams.names[0], t.h.Policy); p != nil {
			return p
		}
	}
	arrival := time.Now().UTC().Truncate(time.Millisecond)
	t.block.arrival = arrival
	t.stamp.set(source, arrival.UnixMicro())
	for i, item := range t.decoder.items {
		if p := t.item(i, item.of(t.decoder.body)); p != nil {
			return p
		}
	}
	return t.flush()
}

// item adds a call to the block, or rejects it.
func (t *post) item(i int, data []byte) *ingest.Problem {
	env := &t.decoder.env
	switch {
	case data[0] != '{':
		t.rejected.add(i, ingest.NotObject, "a call must be a JSON object")
		return nil
	case int64(len(data)) > t.h.MaxEvent:
		t.rejected.add(i, ingest.Oversize, fmt.Sprintf("the call has %d bytes, segment.max_event allows %d", len(data), t.h.MaxEvent))
		return nil
	}
	e := &t.event
	e.parse(data, env, !t.batch)
	e.kind = t.kind
	fault := ""
	if t.batch {
		fault = e.setKind()
	}
	if fault == "" {
		fault = e.fault()
	}
	if fault != "" {
		t.rejected.add(i, ingest.Invalid, fault)
		return nil
	}
	size := len(data) + len(env.context) + len(env.integrations) + len(env.sent) + maxAdded
	if size > ingest.MaxRecord {
		t.rejected.add(i, ingest.Oversize, fmt.Sprintf("with what the batch adds the call is over the limit of %d bytes", ingest.MaxRecord))
		return nil
	}
	stream := 0
	if t.h.Tables == PerEvent {
		var p *ingest.Problem
		if stream, p = t.streamOf(e); p != nil {
			t.rejected.add(i, ingest.Invalid, p.Message)
			return nil
		}
	}
	out, p := t.room(size)
	if p != nil {
		return p
	}
	t.block.add(e.appendStored(out, &t.stamp, env, !t.batch), stream)
	return nil
}

// streamOf is the stream of a call that goes by its event's name. One whose stream
// may not come to be, because there are as many as there may be, goes to tracks.
func (t *post) streamOf(e *event) (int, *ingest.Problem) {
	name := tables[e.kind]
	if e.kind == track {
		if i, ok := t.streams.known(e.name.of(e.data)); ok {
			return i, nil
		}
		quoted := e.name.of(e.data)
		if stream := eventStream(t.streams.root, text(quoted)); t.h.Policy.Known(stream) {
			return t.streams.add(stream, quoted), nil
		}
	}
	stream := eventStream(t.streams.root, name)
	if i, ok := t.streams.named(stream); ok {
		return i, nil
	}
	if p := ingest.CheckStream(stream, t.h.Policy); p != nil {
		return 0, p
	}
	return t.streams.add(stream, nil), nil
}
