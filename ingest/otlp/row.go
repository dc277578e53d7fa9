package otlp

import "strconv"

// A row is the JSON object of a log record being made.
type row struct {
	dst    []byte
	mapped bool // attributes are text, whatever their type
}

// name begins a member. The first one of a row is always there (observed_time), so
// that all others have a comma before them.
func (r *row) name(name string) {
	r.dst = append(r.dst, ',', '"')
	r.dst = append(r.dst, name...)
	r.dst = append(r.dst, '"', ':')
}

// text appends a member that is a string, unless it is empty.
func (r *row) text(name string, text []byte) (err error) {
	if len(text) == 0 {
		return nil
	}
	r.name(name)
	r.dst, err = appendQuoted(r.dst, text)
	return err
}

// number appends a member that is a number, unless it is 0.
func (r *row) number(name string, n uint64) {
	if n != 0 {
		r.name(name)
		r.dst = strconv.AppendUint(r.dst, n, 10)
	}
}

// id appends a member that is an id, unless there is none.
func (r *row) id(name string, id []byte) {
	if !none(id) {
		r.name(name)
		r.dst = appendHex(r.dst, id)
	}
}

// time appends a member that is a time, unless it is 0.
func (r *row) time(name string, nanos uint64) {
	if nanos != 0 {
		r.name(name)
		r.dst = appendTime(r.dst, nanos)
	}
}

// asText makes the value that was appended since offset from a string, if it is none.
func (r *row) asText(from int) {
	if r.dst[from] != '"' {
		r.dst = quoteFrom(r.dst, from)
	}
}

// attributes begins a member that is an object; the function appends its members,
// each with a comma before it. Without members there is no object either.
func (r *row) attributes(name string, members func() error) error {
	before := len(r.dst)
	r.name(name)
	open := len(r.dst)
	if err := members(); err != nil {
		return err
	}
	if len(r.dst) == open {
		r.dst = r.dst[:before]
		return nil
	}
	r.dst[open] = '{'
	r.dst = append(r.dst, '}')
	return nil
}
