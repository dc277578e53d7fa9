package natsjs

import (
	"bytes"
	"errors"
	"fmt"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// maxMessage is the largest message that is taken apart, in bytes: what becomes of it
// is one frame of the log.
const maxMessage = 8 << 20

// A parser takes messages apart. It is used by one goroutine at a time.
type parser struct {
	scan jsonscan.Scanner
	// column, if not empty, is the beginning of every record: {"name":
	column []byte
}

// newParser adds the subject to every record as the named column; "" for none.
func newParser(column string) *parser {
	p := &parser{}
	if column != "" {
		p.column = append(ingest.AppendString([]byte{'{'}, column), ':')
	}
	return p
}

// records appends the records of a message, each ended by a newline: of one object,
// of an array of objects, or of objects one after another (NDJSON, say). A message is
// taken as a whole or not at all; after an error dst is as it was.
func (p *parser) records(dst, payload []byte, subject string) (out []byte, n int, err error) {
	if len(payload) > maxMessage {
		return dst, 0, &rejection{ingest.Oversize, fmt.Sprintf("the message has %d bytes, more than %d", len(payload), maxMessage)}
	}
	at := 0
	if bytes.HasPrefix(payload, []byte("\xEF\xBB\xBF")) {
		at = 3
	}
	at = jsonscan.SkipSpace(payload, at)
	if at == len(payload) {
		return dst, 0, &rejection{ingest.Malformed, "the message is empty"}
	}
	if payload[at] == '[' {
		out, n, err = p.array(dst, payload, at+1, subject)
	} else {
		out, n, err = p.objects(dst, payload, at, subject)
	}
	if err != nil {
		return dst, 0, err
	}
	return out, n, nil
}

// objects takes objects up to the end.
func (p *parser) objects(dst, payload []byte, at int, subject string) ([]byte, int, error) {
	n, from := 0, len(dst)
	for at < len(payload) {
		end, err := p.object(payload, at, n, subject)
		if err != nil {
			return dst, n, err
		}
		if dst = p.add(dst, payload[at:end], subject); len(dst)-from > maxMessage {
			return dst, n, errGrown
		}
		n++
		at = jsonscan.SkipSpace(payload, end)
	}
	return dst, n, nil
}

// array takes the elements of an array whose bracket is before at.
func (p *parser) array(dst, payload []byte, at int, subject string) ([]byte, int, error) {
	n, from := 0, len(dst)
	at = jsonscan.SkipSpace(payload, at)
	if at < len(payload) && payload[at] == ']' {
		return dst, 0, ended(payload, at+1)
	}
	for {
		end, err := p.object(payload, at, n, subject)
		if err != nil {
			return dst, n, err
		}
		if dst = p.add(dst, payload[at:end], subject); len(dst)-from > maxMessage {
			return dst, n, errGrown
		}
		n++
		at = jsonscan.SkipSpace(payload, end)
		switch {
		case at < len(payload) && payload[at] == ',':
			at = jsonscan.SkipSpace(payload, at+1)
		case at < len(payload) && payload[at] == ']':
			return dst, n, ended(payload, at+1)
		default:
			return dst, n, &rejection{ingest.Malformed, fmt.Sprintf("malformed array: expected ',' or ']' after element %d", n-1)}
		}
	}
}

func ended(payload []byte, at int) error {
	if at = jsonscan.SkipSpace(payload, at); at < len(payload) {
		return &rejection{ingest.Malformed, fmt.Sprintf("there is more after the end of the array, at byte %d", at)}
	}
	return nil
}

// object finds the end of the object at at, the n-th of the message.
func (p *parser) object(payload []byte, at, n int, subject string) (end int, err error) {
	if at < len(payload) && payload[at] != '{' {
		return 0, &rejection{ingest.NotObject, fmt.Sprintf("record %d is not a JSON object", n)}
	}
	size, err := p.scan.Object(payload[at:])
	if err != nil {
		var syntax *jsonscan.SyntaxError
		if errors.As(err, &syntax) {
			return 0, &rejection{ingest.Malformed, fmt.Sprintf("record %d: malformed JSON: %v", n, syntax)}
		}
		return 0, &rejection{ingest.Malformed, err.Error()}
	}
	if size+p.extra(subject) > ingest.MaxRecord {
		return 0, &rejection{ingest.Oversize, fmt.Sprintf("record %d is over the limit of %d bytes: it has %d", n, ingest.MaxRecord, size)}
	}
	return at + size, nil
}

// extra is how many bytes the subject adds to a record, about.
func (p *parser) extra(subject string) int {
	if p.column == nil {
		return 0
	}
	return len(p.column) + len(subject) + 3
}

// add appends one record.
func (p *parser) add(dst, object []byte, subject string) []byte {
	if p.column != nil {
		rest := object[jsonscan.SkipSpace(object, 1):]
		dst = ingest.AppendString(append(dst, p.column...), subject)
		if rest[0] != '}' {
			dst = append(dst, ',')
		}
		return appendCompact(dst, rest)
	}
	return appendCompact(dst, object)
}

// appendCompact appends an object without newlines in it, and a newline.
func appendCompact(dst, object []byte) []byte {
	if bytes.IndexByte(object, '\n') >= 0 {
		dst = jsonscan.AppendCompact(dst, object)
	} else {
		dst = append(dst, object...)
	}
	return append(dst, '\n')
}

// errGrown is of a message that the subject in each record makes too large.
var errGrown = &rejection{ingest.Oversize, fmt.Sprintf("with the subject in every record the message has more than %d bytes", maxMessage)}

// A rejection is why a message cannot be records.
type rejection struct {
	reason  ingest.Reason
	message string
}

func (r *rejection) Error() string { return r.message }
