package records

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"sluice/ingest"
	"sluice/ingest/access"
)

// post takes records: POST /v1/streams/{stream}/records.
func (h *Handler) post(w http.ResponseWriter, r *http.Request) int {
	if !ingest.CheckMethod(w, r, http.MethodPost) {
		return http.StatusMethodNotAllowed
	}
	stream := r.PathValue("stream")
	who, p := h.enter(r, stream, "write to")
	if p != nil {
		return h.fail(w, r, p)
	}
	if p := ingest.CheckStream(stream, h.Policy); p != nil {
		return h.fail(w, r, p)
	}
	key, p := requestKey(r)
	if p != nil {
		return h.fail(w, r, p)
	}
	// How much comes is known at the end; until it is paid for, the next one waits.
	if wait, ok := h.Access.Limit(who, 0, 0); !ok {
		return h.fail(w, r, access.Limited(who, wait))
	}
	body, p := ingest.OpenBody(w, r, h.Memory, h.MaxBody)
	if p != nil {
		return h.fail(w, r, p)
	}
	defer body.Close()
	s, ok := h.splitters.Get().(*splitter)
	if !ok {
		s = new(splitter)
	}
	s.ctx, s.src, s.mem, s.hint = r.Context(), body, h.Memory, hint(r)
	s.block.store, s.block.stream, s.block.request = h.Appender, stream, key
	s.list.mem = h.Memory
	defer func() {
		s.free()
		h.splitters.Put(s)
	}()
	p = s.verdict(s.run())
	h.count(s, stream)
	bytes := body.Taken()
	if p != nil && p.Retryable() {
		bytes = s.bytes // what comes again is paid for then
	}
	h.Access.Charge(who, s.done.index, bytes)
	s.freeBuffers() // an answer may be taken slowly
	if p == nil {
		w.Header()["Content-Type"] = jsonType
		s.answer(w, nil)
		return http.StatusOK
	}
	h.log(r, p)
	p.WriteHead(w)
	s.answer(w, p)
	return p.Status
}

var jsonType = []string{"application/json"}

// hint is how many bytes of content to expect, -1 if unknown.
func hint(r *http.Request) int64 {
	if r.Header.Get("Content-Encoding") != "" {
		return -1
	}
	return r.ContentLength
}

func (h *Handler) count(s *splitter, stream string) {
	if s.accepted > 0 {
		h.Metrics.Accepted(stream, s.accepted, s.bytes)
	}
	for reason, n := range s.done.reasons {
		if n > 0 {
			h.Metrics.Rejected(receiver, ingest.Reason(reason), n)
		}
	}
}

// verdict is the problem that the answer reports, or nil for 200; p is what
// kept run from its work.
func (s *splitter) verdict(p *ingest.Problem) *ingest.Problem {
	switch {
	case p != nil:
		told := *p
		if s.block.request != "" {
			told.Message += "; send the whole request again with the same " + keyHeader + ", what is stored of it is not stored twice"
		} else if s.done.index > 0 {
			told.Message += fmt.Sprintf("; the first %d records of the request are done with, send again from there", s.done.index)
		}
		return &told
	case s.cause != nil:
		return s.cause
	case s.unread:
		return &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeNotRead,
			Message: fmt.Sprintf("the body could be read up to record %d only; the last of \"rejected\" says why", s.done.index-1)}
	case s.done.index == 0 && s.mode == modeStart:
		return &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeEmpty,
			Message: "the body is empty: send a JSON object, an array of objects, or one object a line"}
	case s.accepted == 0 && s.done.index > 0:
		return &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeNoneAccepted,
			Message: "no record was accepted; \"rejected\" says why"}
	}
	return nil
}

// smallAnswer is what net/http holds back until the handler has returned; the
// memory of a longer list is held until the client has taken it.
const smallAnswer = 1 << 10

// answer writes the body of the answer.
func (s *splitter) answer(w http.ResponseWriter, p *ingest.Problem) {
	list := s.list.list(&s.done)
	b := append(s.text[:0], `{"accepted":`...)
	b = strconv.AppendInt(b, s.accepted, 10)
	b = append(b, `,"rejected":[`...)
	if len(list) <= smallAnswer {
		b = append(b, list...)
	} else {
		ctl := http.NewResponseController(w)
		ctl.SetWriteDeadline(time.Now().Add(ingest.BodyTimeout))
		w.Write(b)
		w.Write(list)
		ctl.Flush()
		ctl.SetWriteDeadline(time.Time{}) // the next answer on the connection has its own time
		b = b[:0]
	}
	b = append(b, ']')
	if s.done.rejected > int64(s.done.listed) {
		b = append(b, `,"rejected_total":`...)
		b = strconv.AppendInt(b, s.done.rejected, 10)
	}
	if p != nil && p.Retryable() && s.block.request == "" {
		b = append(b, `,"resume_from":`...)
		b = strconv.AppendInt(b, s.done.index, 10)
	}
	if p != nil {
		b = append(b, ',')
		b = p.AppendMember(b)
	}
	b = append(b, "}\n"...)
	w.Write(b)
	s.text = b
}
