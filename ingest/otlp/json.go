package otlp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sluice/internal/jsonscan"
)

// A jsonBody is an ExportLogsServiceRequest in OTLP's JSON: names in lowerCamelCase,
// ids in hex, 64-bit numbers as strings or numbers, unknown members ignored. It is
// valid JSON (see jsonscan).
type jsonBody []byte

// eachMember calls fn for the members of an object. Null is as good as not there;
// anything else is an error.
func eachMember(v []byte, what string, fn func(name string, value []byte) error) error {
	switch {
	case len(v) == 0 || v[0] == 'n':
		return nil
	case v[0] != '{':
		return fmt.Errorf("%s is not an object", what)
	}
	for m, ok := jsonscan.NextMember(v, 0); ok; m, ok = jsonscan.NextMember(v, m.End) {
		if v[m.Value] == 'n' {
			continue
		}
		if err := fn(string(m.Name(v)), v[m.Value:m.End]); err != nil {
			return err
		}
	}
	return nil
}

// eachElement calls fn for the elements of an array, as eachMember does.
func eachElement(v []byte, what string, fn func(value []byte) error) error {
	switch {
	case len(v) == 0 || v[0] == 'n':
		return nil
	case v[0] != '[':
		return fmt.Errorf("%s is not an array", what)
	}
	at := 0
	for {
		from, end, ok := jsonscan.NextElement(v, at)
		if !ok {
			return nil
		}
		if err := fn(v[from:end]); err != nil {
			return err
		}
		at = end
	}
}

func (b jsonBody) groups(fn func(g group) error) error {
	return eachMember(b, "the request", func(name string, v []byte) error {
		if name != "resourceLogs" {
			return nil
		}
		return eachElement(v, "resourceLogs", func(v []byte) error {
			g := group{}
			var scopes []byte
			if err := eachMember(v, "an element of resourceLogs", func(name string, v []byte) error {
				switch name {
				case "resource":
					g.resource = v
				case "schemaUrl":
					g.resourceURL = v
				case "scopeLogs":
					scopes = v
				}
				return nil
			}); err != nil {
				return err
			}
			return eachElement(scopes, "scopeLogs", func(v []byte) error {
				g.scope, g.scopeURL, g.records = nil, nil, nil
				if err := eachMember(v, "an element of scopeLogs", func(name string, v []byte) error {
					switch name {
					case "scope":
						g.scope = v
					case "schemaUrl":
						g.scopeURL = v
					case "logRecords":
						g.records = v
					}
					return nil
				}); err != nil {
					return err
				}
				return fn(g)
			})
		})
	})
}

func (jsonBody) each(g group, fn func(record []byte) error) error {
	return eachElement(g.records, "logRecords", fn)
}

func (jsonBody) shared(r *row, g group) error {
	if err := eachMember(g.resource, "resource", func(name string, v []byte) error {
		if name == "attributes" {
			return r.jsonAttributes("resource_attributes", v)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := r.jsonText("resource_schema_url", g.resourceURL); err != nil {
		return err
	}
	if err := eachMember(g.scope, "scope", func(name string, v []byte) error {
		switch name {
		case "name":
			return r.jsonText("scope_name", v)
		case "version":
			return r.jsonText("scope_version", v)
		case "attributes":
			return r.jsonAttributes("scope_attributes", v)
		}
		return nil
	}); err != nil {
		return err
	}
	return r.jsonText("scope_schema_url", g.scopeURL)
}

func (jsonBody) times(record []byte) (t times, err error) {
	err = eachMember(record, "a log record", func(name string, v []byte) (err error) {
		switch name {
		case "timeUnixNano":
			t.event, err = unsigned(v, 64)
		case "observedTimeUnixNano":
			t.observed, err = unsigned(v, 64)
		}
		return err
	})
	return t, err
}

func (jsonBody) members(r *row, record []byte) error {
	return eachMember(record, "a log record", func(name string, v []byte) error {
		switch name {
		case "severityNumber":
			return r.jsonNumber("severity_number", v)
		case "severityText":
			return r.jsonText("severity_text", v)
		case "body":
			r.name("body")
			from := len(r.dst)
			err := r.jsonValue(v, 0)
			if err == nil && string(r.dst[from:]) != "null" {
				r.asText(from)
			}
			return err
		case "attributes":
			return r.jsonAttributes("attributes", v)
		case "droppedAttributesCount":
			return r.jsonNumber("dropped_attributes_count", v)
		case "flags":
			return r.jsonNumber("flags", v)
		case "traceId":
			return r.jsonID("trace_id", v)
		case "spanId":
			return r.jsonID("span_id", v)
		case "eventName":
			return r.jsonText("event_name", v)
		}
		return nil
	})
}

// jsonText appends a member that is a string, unless it is empty.
func (r *row) jsonText(name string, v []byte) error {
	switch {
	case len(v) == 0 || v[0] == 'n' || string(v) == `""`:
		return nil
	case v[0] != '"':
		return fmt.Errorf("%s is not a string", name)
	}
	r.name(name)
	r.dst = append(r.dst, v...)
	return nil
}

// jsonNumber appends a member that is a number of 32 bits, unless it is 0.
func (r *row) jsonNumber(name string, v []byte) error {
	n, err := unsigned(v, 32)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.number(name, n)
	return nil
}

// jsonID appends a member that is an id in hex, unless it is empty or all zero.
func (r *row) jsonID(name string, v []byte) error {
	if v[0] != '"' {
		return fmt.Errorf("%s is not a string", name)
	}
	text := v[1 : len(v)-1]
	if len(bytes.Trim(text, "0123456789abcdefABCDEF")) > 0 {
		return fmt.Errorf("%s is not in hexadecimal", name)
	}
	if len(bytes.Trim(text, "0")) > 0 {
		r.name(name)
		r.dst = append(r.dst, strings.ToLower(string(v))...)
	}
	return nil
}

// jsonAttributes appends an object of the KeyValues in an array.
func (r *row) jsonAttributes(name string, v []byte) error {
	return r.attributes(name, func() error {
		return eachElement(v, name, func(v []byte) error { return r.jsonKeyValue(v, 0, r.mapped) })
	})
}

// jsonKeyValue appends a member with a comma before it.
func (r *row) jsonKeyValue(v []byte, depth int, text bool) error {
	key, value := []byte(`""`), []byte(nil)
	if err := eachMember(v, "an attribute", func(name string, v []byte) error {
		switch {
		case name == "key" && v[0] == '"':
			key = v
		case name == "value":
			value = v
		}
		return nil
	}); err != nil {
		return err
	}
	r.dst = append(r.dst, ',')
	r.dst = append(r.dst, key...)
	r.dst = append(r.dst, ':')
	from := len(r.dst)
	if err := r.jsonValue(value, depth); err != nil {
		return err
	}
	if text && string(r.dst[from:]) != "null" {
		r.asText(from)
	}
	return nil
}

// jsonValue appends an AnyValue.
func (r *row) jsonValue(v []byte, depth int) error {
	if depth > maxNesting {
		return errDeep
	}
	begin := len(r.dst)
	if err := eachMember(v, "a value", func(name string, v []byte) error {
		before := len(r.dst)
		r.dst = r.dst[:begin] // the last one counts, as of any oneof
		switch name {
		case "stringValue":
			if v[0] != '"' {
				return errors.New("stringValue is not a string")
			}
			r.dst = append(r.dst, v...)
		case "boolValue":
			if v[0] != 't' && v[0] != 'f' {
				return errors.New("boolValue is not a boolean")
			}
			r.dst = append(r.dst, v...)
		case "intValue":
			n, err := strconv.ParseInt(string(bytes.Trim(v, `"`)), 10, 64)
			if err != nil {
				return errors.New("intValue is not an integer of 64 bits")
			}
			r.dst = strconv.AppendInt(r.dst, n, 10)
		case "doubleValue":
			return r.jsonDouble(v)
		case "arrayValue":
			return r.jsonList('[', v, func(v []byte) error {
				r.dst = append(r.dst, ',')
				return r.jsonValue(v, depth+1)
			})
		case "kvlistValue":
			return r.jsonList('{', v, func(v []byte) error { return r.jsonKeyValue(v, depth+1, false) })
		case "bytesValue":
			if v[0] != '"' {
				return errors.New("bytesValue is not a string")
			}
			b, err := base64.StdEncoding.DecodeString(string(jsonscan.AppendUnquoted(nil, v)))
			if err != nil {
				return errors.New("bytesValue is not base64")
			}
			r.dst = appendBase64(r.dst, b)
		default:
			r.dst = r.dst[:before]
		}
		return nil
	}); err != nil {
		return err
	}
	if len(r.dst) == begin {
		r.dst = append(r.dst, "null"...)
	}
	return nil
}

// jsonDouble appends a number as it is, or one of the strings that stand for those
// that JSON does not have.
func (r *row) jsonDouble(v []byte) error {
	text := strings.Trim(string(v), `"`)
	switch {
	case v[0] != '"' && (v[0] == '-' || '0' <= v[0] && v[0] <= '9'):
		r.dst = append(r.dst, v...)
		return nil
	case v[0] == '"':
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			r.dst = appendDouble(r.dst, f)
			return nil
		}
	}
	return errors.New("doubleValue is not a number")
}

// jsonList appends an array or an object, whose elements are those of values and are
// appended with a comma before each.
func (r *row) jsonList(bracket byte, v []byte, element func([]byte) error) error {
	open := len(r.dst)
	if err := eachMember(v, "a list", func(name string, v []byte) error {
		if name != "values" {
			return nil
		}
		return eachElement(v, name, element)
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

// unsigned reads a number that may stand in quotes.
func unsigned(v []byte, bits int) (uint64, error) {
	n, err := strconv.ParseUint(string(bytes.Trim(v, `"`)), 10, bits)
	if err != nil {
		return 0, fmt.Errorf("want a whole number of %d bits", bits)
	}
	return n, nil
}
