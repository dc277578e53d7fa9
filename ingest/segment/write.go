package segment

import (
	"bytes"
	"crypto/rand"

	"sluice/internal/jsonscan"
)

// maxAdded bounds the bytes that a stored call has more than what was sent of it and
// what the batch adds: names, times, a made messageId, and the source twice.
const maxAdded = 512

// A stamp is what the server says of every call of a request.
type stamp struct {
	received int64  // microseconds since 1970
	head     []byte // {"sourceId":…,"receivedAt":…,"timestamp":"
}

func (s *stamp) set(source string, received int64) {
	s.received = received
	s.head = append(s.head[:0], `{"sourceId":"`...)
	s.head = append(s.head, source...)
	s.head = append(s.head, `","receivedAt":"`...)
	s.head = appendTime(s.head, received)
	s.head = append(s.head, `","timestamp":"`...)
}

// appendStored appends the call as it is stored, with a newline. What the server
// says comes first, so that it counts where the call has a member that makes the
// same column.
func (e *event) appendStored(dst []byte, s *stamp, env *envelope, fixedKind bool) []byte {
	dst = append(dst, s.head...)
	dst = appendTime(dst, e.time(s.received, env))
	dst = append(dst, '"')
	if fixedKind {
		dst = append(dst, `,"type":"`...)
		dst = append(dst, kindNames[e.kind]...)
		dst = append(dst, '"')
	}
	if e.message.none() {
		dst = append(dst, `,"messageId":"api-`...)
		dst = append(dst, rand.Text()...)
		dst = append(dst, '"')
	}
	if e.original.none() && !e.timestamp.none() {
		dst = append(dst, `,"originalTimestamp":`...)
		dst = append(dst, e.timestamp.of(e.data)...)
	}
	if e.sent.none() && env.sent != nil {
		dst = append(dst, `,"sentAt":`...)
		dst = append(dst, env.sent...)
	}
	dst = e.appendShared(dst, `,"context":`, e.context, env.context)
	dst = e.appendShared(dst, `,"integrations":`, e.integrations, env.integrations)
	for _, run := range e.keep {
		dst = append(dst, ',')
		dst = append(dst, run.of(e.data)...)
	}
	return append(dst, "}\n"...)
}

// time is when the event happened by the server's clock: the client's clock may be
// wrong, but how long before sending it was is right. Without a time of sending the
// client's clock is taken at its word, without a time of the event it is now.
func (e *event) time(received int64, env *envelope) int64 {
	original, ok := e.timeOf(e.original)
	if e.original.none() {
		original, ok = e.timeOf(e.timestamp)
	}
	if !ok {
		return received
	}
	sent, ok := e.timeOf(e.sent)
	if e.sent.none() {
		sent, ok = timeIn(env.sent)
	}
	t := original
	if ok {
		t = received - (sent - original)
	}
	if t < earliest || t > latest {
		return received
	}
	return t
}

func (e *event) timeOf(s span) (micros int64, ok bool) { return timeIn(s.of(e.data)) }

// timeIn reads a time from a JSON value. One with an escape in it is none.
func timeIn(value []byte) (micros int64, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return 0, false
	}
	return parseTime(value[1 : len(value)-1])
}

// appendShared appends a member that the batch has too: the call's own members, then
// those that only the batch has.
func (e *event) appendShared(dst []byte, name string, own span, ofBatch []byte) []byte {
	if ofBatch == nil || !own.none() && e.data[own.from] != '{' {
		return dst // it is stored as it came, or there is none
	}
	dst = append(dst, name...)
	if own.none() {
		return append(dst, ofBatch...)
	}
	object := own.of(e.data)
	dst = append(dst, bytes.TrimRight(object[:len(object)-1], " \t\r")...)
	for m, ok := jsonscan.NextMember(ofBatch, 0); ok; m, ok = jsonscan.NextMember(ofBatch, m.End) {
		if has(object, m.Name(ofBatch)) {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, ofBatch[m.Key:m.End]...)
	}
	return append(dst, '}')
}

// has reports whether an object has a member of that name.
func has(object, name []byte) bool {
	for m, ok := jsonscan.NextMember(object, 0); ok; m, ok = jsonscan.NextMember(object, m.End) {
		if bytes.Equal(m.Name(object), name) {
			return true
		}
	}
	return false
}
