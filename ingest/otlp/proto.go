package otlp

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages are read off the wire as they are needed, not into a tree of Go
// values first: a few bytes can stand for a large tree. Field numbers are those of
// opentelemetry/proto/logs/v1/logs.proto, v1.

// A field is one field of a message.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	bytes []byte // of a length-delimited one
	n     uint64 // of one of another type
}

var errWire = errors.New("not a protobuf message as it should be")

// next takes the first field off a message.
func next(b []byte) (f field, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, nil, errWire
	}
	f.num, f.typ, b = num, typ, b[n:]
	switch typ {
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(b)
	case protowire.VarintType:
		f.n, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		f.n, n = protowire.ConsumeFixed64(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		f.n = uint64(v)
	default:
		n = protowire.ConsumeFieldValue(num, typ, b)
	}
	if n < 0 {
		return f, nil, errWire
	}
	return f, b[n:], nil
}

// is reports whether the field has a number and a type.
func (f field) is(num protowire.Number, typ protowire.Type) bool { return f.num == num && f.typ == typ }

// eachField calls fn for the fields of a message.
func eachField(b []byte, fn func(field) error) error {
	for len(b) > 0 {
		f, rest, err := next(b)
		if err == nil {
			err = fn(f)
		}
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// A protoBody is an ExportLogsServiceRequest.
type protoBody []byte

// groups calls fn for every list of log records, with what they share. Fields of a
// message may come in any order, so what is shared is looked for first.
func (b protoBody) groups(fn func(g group) error) error {
	return eachField(b, func(f field) error {
		if !f.is(1, protowire.BytesType) { // ResourceLogs
			return nil
		}
		g := group{}
		if err := eachField(f.bytes, func(f field) error {
			switch {
			case f.is(1, protowire.BytesType):
				g.resource = f.bytes
			case f.is(3, protowire.BytesType):
				g.resourceURL = f.bytes
			}
			return nil
		}); err != nil {
			return err
		}
		return eachField(f.bytes, func(f field) error {
			if !f.is(2, protowire.BytesType) { // ScopeLogs
				return nil
			}
			g.scope, g.scopeURL, g.records = nil, nil, f.bytes
			if err := eachField(f.bytes, func(f field) error {
				switch {
				case f.is(1, protowire.BytesType):
					g.scope = f.bytes
				case f.is(3, protowire.BytesType):
					g.scopeURL = f.bytes
				}
				return nil
			}); err != nil {
				return err
			}
			return fn(g)
		})
	})
}

// each calls fn for every log record of a group.
func (protoBody) each(g group, fn func(record []byte) error) error {
	return eachField(g.records, func(f field) error {
		if f.is(2, protowire.BytesType) {
			return fn(f.bytes)
		}
		return nil
	})
}

// shared appends what the records of a group share.
func (protoBody) shared(r *row, g group) error {
	if err := r.protoAttributes("resource_attributes", g.resource, 1); err != nil {
		return err
	}
	if err := r.text("resource_schema_url", g.resourceURL); err != nil {
		return err
	}
	if err := eachField(g.scope, func(f field) error {
		switch {
		case f.is(1, protowire.BytesType):
			return r.text("scope_name", f.bytes)
		case f.is(2, protowire.BytesType):
			return r.text("scope_version", f.bytes)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := r.protoAttributes("scope_attributes", g.scope, 3); err != nil {
		return err
	}
	return r.text("scope_schema_url", g.scopeURL)
}

// times finds the times of a record.
func (protoBody) times(record []byte) (t times, err error) {
	err = eachField(record, func(f field) error {
		switch {
		case f.is(1, protowire.Fixed64Type):
			t.event = f.n
		case f.is(11, protowire.Fixed64Type):
			t.observed = f.n
		}
		return nil
	})
	return t, err
}

// members appends the members of a record but for its times. The last of several
// fields of a number counts.
func (protoBody) members(r *row, record []byte) error {
	var severity, dropped, flags uint64
	var severityText, eventName, trace, span, body []byte
	if err := eachField(record, func(f field) error {
		switch {
		case f.is(2, protowire.VarintType):
			severity = f.n
		case f.is(3, protowire.BytesType):
			severityText = f.bytes
		case f.is(5, protowire.BytesType):
			body = f.bytes
		case f.is(7, protowire.VarintType):
			dropped = f.n
		case f.is(8, protowire.Fixed32Type):
			flags = f.n
		case f.is(9, protowire.BytesType):
			trace = f.bytes
		case f.is(10, protowire.BytesType):
			span = f.bytes
		case f.is(12, protowire.BytesType):
			eventName = f.bytes
		}
		return nil
	}); err != nil {
		return err
	}
	r.number("severity_number", uint64(uint32(severity)))
	r.number("dropped_attributes_count", uint64(uint32(dropped)))
	r.number("flags", flags)
	r.id("trace_id", trace)
	r.id("span_id", span)
	if err := errors.Join(r.text("severity_text", severityText), r.text("event_name", eventName), r.protoText("body", body)); err != nil {
		return err
	}
	return r.protoAttributes("attributes", record, 6)
}

// protoText appends an AnyValue as text, unless there is none.
func (r *row) protoText(name string, value []byte) error {
	if len(value) == 0 {
		return nil
	}
	r.name(name)
	from := len(r.dst)
	if err := r.protoValue(value, 0); err != nil {
		return err
	}
	if string(r.dst[from:]) != "null" {
		r.asText(from)
	}
	return nil
}

// protoAttributes appends the KeyValues that a message has under a number.
func (r *row) protoAttributes(name string, message []byte, num protowire.Number) error {
	return r.attributes(name, func() error {
		return eachField(message, func(f field) error {
			if f.is(num, protowire.BytesType) {
				return r.protoKeyValue(f.bytes, 0, r.mapped)
			}
			return nil
		})
	})
}

// protoKeyValue appends a member with a comma before it.
func (r *row) protoKeyValue(b []byte, depth int, text bool) error {
	var key, value []byte
	if err := eachField(b, func(f field) error {
		switch {
		case f.is(1, protowire.BytesType):
			key = f.bytes
		case f.is(2, protowire.BytesType):
			value = f.bytes
		}
		return nil
	}); err != nil {
		return err
	}
	r.dst = append(r.dst, ',')
	var err error
	if r.dst, err = appendQuoted(r.dst, key); err != nil {
		return err
	}
	r.dst = append(r.dst, ':')
	from := len(r.dst)
	if err := r.protoValue(value, depth); err != nil {
		return err
	}
	if text && string(r.dst[from:]) != "null" {
		r.asText(from)
	}
	return nil
}

// protoValue appends an AnyValue; the last of its fields counts, as of any oneof.
func (r *row) protoValue(b []byte, depth int) error {
	if depth > maxNesting {
		return errDeep
	}
	var last field
	if err := eachField(b, func(f field) error {
		if f.num <= 7 {
			last = f
		}
		return nil
	}); err != nil {
		return err
	}
	var err error
	switch {
	case last.is(1, protowire.BytesType):
		r.dst, err = appendQuoted(r.dst, last.bytes)
	case last.is(2, protowire.VarintType):
		r.dst = strconv.AppendBool(r.dst, last.n != 0)
	case last.is(3, protowire.VarintType):
		r.dst = strconv.AppendInt(r.dst, int64(last.n), 10)
	case last.is(4, protowire.Fixed64Type):
		r.dst = appendDouble(r.dst, math.Float64frombits(last.n))
	case last.is(5, protowire.BytesType):
		err = r.protoList('[', last.bytes, func(f field) error {
			r.dst = append(r.dst, ',')
			return r.protoValue(f.bytes, depth+1)
		})
	case last.is(6, protowire.BytesType):
		err = r.protoList('{', last.bytes, func(f field) error { return r.protoKeyValue(f.bytes, depth+1, false) })
	case last.is(7, protowire.BytesType):
		r.dst = appendBase64(r.dst, last.bytes)
	case last.num != 0:
		return fmt.Errorf("%w: field %d of a value", errWire, last.num)
	default:
		r.dst = append(r.dst, "null"...)
	}
	return err
}

// protoList appends an array or an object, whose elements are appended with a comma
// before each.
func (r *row) protoList(bracket byte, message []byte, element func(field) error) error {
	open := len(r.dst)
	if err := eachField(message, func(f field) error {
		if f.is(1, protowire.BytesType) {
			return element(f)
		}
		return nil
	}); err != nil {
		return err
	}
	if len(r.dst) == open {
		r.dst = append(r.dst, bracket)
	}
	r.dst[open] = bracket
	r.dst = append(r.dst, bracket+2)
	return nil
}
