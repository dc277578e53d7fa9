package natsjs

import (
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"sluice/ingest"
)

// rejectedPart is how many bytes of a rejected message one record holds: in base64,
// with what is said of it, that is less than ingest.MaxRecord.
const rejectedPart = 700_000

// reject puts a message that cannot be records into the stream of rejected messages,
// whole, in base64, in as many records as it takes. Its last record carries its
// number: if we crash between its parts, all of them are stored again.
func (w *worker) reject(it *item, err error) {
	var why *rejection
	if !errors.As(err, &why) {
		why = &rejection{ingest.Malformed, err.Error()}
	}
	w.s.r.cfg.Metrics.Rejected(receiver, why.reason, 1)
	stream := w.s.r.cfg.Rejected
	about := rejected{subject: it.subject, source: w.s.sub.name(), seq: it.seq, at: time.Unix(0, it.at), why: why, data: it.data}
	for part := range about.parts() {
		b := w.open[stream]
		if b == nil || len(b.data)+2*rejectedPart > blockBytes || !b.list.Room() {
			b = w.newBlock(stream)
			w.open[stream] = b
		}
		b.data = about.append(b.data, part)
		b.records++
		if part == about.parts()-1 {
			w.note(b, it)
		}
	}
}

// A rejected is a message on its way to the stream of rejected messages.
type rejected struct {
	subject, source string
	seq             uint64 // 0: of a core subscription
	at              time.Time
	why             *rejection
	data            []byte
}

func (r *rejected) parts() int { return max(1, (len(r.data)+rejectedPart-1)/rejectedPart) }

// append appends one part as a record, with its newline.
func (r *rejected) append(dst []byte, part int) []byte {
	text := func(name, value string) {
		dst = append(dst, name...)
		dst = ingest.AppendString(dst, value)
	}
	number := func(name string, value uint64) {
		dst = append(dst, name...)
		dst = strconv.AppendUint(dst, value, 10)
	}
	text(`{"subject":`, r.subject)
	text(`,"source":`, r.source)
	if r.seq > 0 {
		number(`,"sequence":`, r.seq)
	}
	text(`,"time":`, r.at.UTC().Format(time.RFC3339Nano))
	text(`,"reason":`, r.why.reason.String())
	text(`,"message":`, r.why.message)
	number(`,"part":`, uint64(part+1))
	number(`,"parts":`, uint64(r.parts()))
	dst = append(dst, `,"data":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, r.data[part*rejectedPart:min((part+1)*rejectedPart, len(r.data))])
	return append(dst, "\"}\n"...)
}
