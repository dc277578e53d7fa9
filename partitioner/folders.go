package partitioner

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// folderState is what an Evaluator of a prefix keeps between records.
type folderState struct {
	folders []folder
	queries []query
	zone    *time.Location
	arrival time.Time
	seed    string
	// required: a record must have all keys. fault is what the last one lacked.
	required bool
	fault    *KeyError
	cached   [][]byte // of each folder: its text for the arrival, where no record changes it
	limits   []int    // bytes that the path may have after each folder
	text     []byte   // scratch
}

func newFolderState(r *Rules) *folderState {
	s := &folderState{folders: r.folders, queries: r.queries, zone: r.zone, required: r.required, cached: make([][]byte, len(r.folders)), limits: make([]int, len(r.folders))}
	left := 0
	for i := len(r.folders) - 1; i >= 0; i-- {
		s.limits[i] = MaxPath - left
		left += len(r.folders[i].prefix) + len(lake.NullPartition)
	}
	return s
}

// Seed makes what a prefix calls random follow from a text, such as a batch's id: the
// same seed gives the same paths.
func (e *Evaluator) Seed(seed string) {
	if e.prefix != nil && e.prefix.seed != seed {
		e.prefix.seed = seed
		e.prefix.arrival = time.Time{}
	}
}

// same reports whether the last path was made of the same arrival, and of nothing else.
func (s *folderState) same(arrival time.Time) bool {
	return s.fault == nil && arrival.Equal(s.arrival) && !slices.ContainsFunc(s.folders, func(f folder) bool { return f.reads() })
}

// appendFolders is AppendPath for a prefix.
func (e *Evaluator) appendFolders(dst []byte, values [][]byte, arrival time.Time) []byte {
	s := e.prefix
	s.fault = nil
	if !arrival.Equal(s.arrival) {
		s.arrival = arrival
		clear(s.cached)
	}
	start, column := len(dst), 0
	for i := range s.folders {
		f := &s.folders[i]
		from := len(dst)
		dst = append(dst, f.prefix...)
		if f.name == "" {
			continue
		}
		value := len(dst)
		text, ok := s.cached[i], true
		if text == nil {
			text, ok = e.folderText(f, values)
			if !f.reads() {
				s.cached[i] = slices.Clone(text)
			}
		}
		if f.prefix == "" || f.prefix == "/" {
			dst = appendFolder(dst, text)
		} else {
			dst = appendEscaped(dst, text)
		}
		ok = ok && len(text) > 0 && len(dst)-from <= MaxSegment+min(i, 1) && len(dst)-start <= s.limits[i]
		if field, identity := s.identity(f); identity && (!ok || string(text) == lake.NullPartition) && !absent(values[field]) {
			e.lost |= 1 << column
		}
		if !ok {
			dst = append(dst[:value], lake.NullPartition...)
			if s.required && s.fault == nil && f.reads() {
				s.fault = e.keyError(f, values)
			}
		}
		column++
	}
	return dst
}

// reads reports whether a record's fields are in the folder's text.
func (f *folder) reads() bool {
	return slices.ContainsFunc(f.elements, func(e element) bool { return e.kind == queryValue })
}

// identity is the field whose plain value the folder is.
func (s *folderState) identity(f *folder) (field int, ok bool) {
	if len(f.elements) != 1 || f.elements[0].kind != queryValue {
		return 0, false
	}
	q := s.queries[f.elements[0].index]
	return q.field, q.part == partValue
}

// folderText is the folder's text before it is escaped; ok is false where a field in
// it has none.
func (e *Evaluator) folderText(f *folder, values [][]byte) (text []byte, ok bool) {
	s := e.prefix
	text = s.text[:0]
	for _, el := range f.elements {
		switch el.kind {
		case literal:
			text = append(text, el.text...)
		case timePart:
			text = el.time.appendTo(text, s.arrival.In(s.zone))
		case randomText:
			text = appendRandom(text, s.seed, el.index)
		case queryValue:
			q := s.queries[el.index]
			before := len(text)
			if text, ok = e.appendQuery(text, q, values[q.field]); !ok || len(text) == before {
				return nil, false
			}
		}
	}
	s.text = text
	return text, true
}

// appendQuery appends a field's text, or a part of the time in it.
func (e *Evaluator) appendQuery(dst []byte, q query, token []byte) (_ []byte, ok bool) {
	if q.part != partValue {
		k := key{part: q.part, day: -1 << 62}
		return k.appendPart(dst, e.moment(token))
	}
	if absent(token) || token[0] == '{' || token[0] == '[' {
		return dst, false
	}
	if token[0] == '"' {
		return jsonscan.AppendUnquoted(dst, token), true
	}
	return append(dst, token...), true
}

const (
	randomLen      = 11
	randomAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// appendRandom appends what looks random and follows from the seed.
func appendRandom(dst []byte, seed string, index int) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s", index, seed))
	for _, b := range sum[:randomLen] {
		dst = append(dst, randomAlphabet[int(b)%len(randomAlphabet)])
	}
	return dst
}

// ParsePath reads the raw values back from a path that an Evaluator of these rules
// made.
func (r *Rules) ParsePath(path string) (values []string, err error) {
	if r.folders == nil {
		return ParsePath(r.Keys(), path)
	}
	parts := strings.Split(path, "/")
	if len(parts) != len(r.folders) {
		return nil, fmt.Errorf("partition path %q: %d folders, want %d", path, len(parts), len(r.folders))
	}
	for i, f := range r.folders {
		value, ok := strings.CutPrefix(parts[i], strings.TrimPrefix(f.prefix, "/"))
		switch {
		case !ok || (f.name == "") != (value == ""):
			return nil, fmt.Errorf("partition path %q: folder %q is not one of the prefix", path, parts[i])
		case f.name != "":
			values = append(values, Unescape(value))
		}
	}
	return values, nil
}

// An ErrorPrefix is the custom prefix of documents of records that became no row.
type ErrorPrefix struct {
	elements []element
	zone     *time.Location
}

// ParseErrorPrefix reads a custom prefix for errors; timeZone is as in Spec.
func ParseErrorPrefix(prefix, timeZone string) (*ErrorPrefix, error) {
	zone, err := loadZone(timeZone)
	if err != nil {
		return nil, err
	}
	elements, err := parseElements(prefix, nil, errorSpaces)
	if err != nil {
		return nil, fmt.Errorf("error prefix %q: %w", prefix, err)
	}
	p := &ErrorPrefix{elements, zone}
	if path := p.Path("x", time.Unix(0, 0), ""); len(path) > maxPrefix || path == "" {
		return nil, fmt.Errorf("error prefix %q: want 1 to %d bytes when evaluated, %q has %d", prefix, maxPrefix, path, len(path))
	}
	return p, nil
}

// Path is the folder, without a slash at either end, of errors of a type, such as
// format-conversion-failed; seed is as in Evaluator.Seed.
func (p *ErrorPrefix) Path(kind string, arrival time.Time, seed string) string {
	var text []byte
	for _, e := range p.elements {
		switch e.kind {
		case literal:
			text = append(text, e.text...)
		case timePart:
			text = e.time.appendTo(text, arrival.In(p.zone))
		case randomText:
			text = appendRandom(text, seed, e.index)
		case errorType:
			text = append(text, kind...)
		}
	}
	var path []byte
	for folder := range strings.SplitSeq(string(text), "/") {
		if folder == "" {
			continue
		}
		if len(path) > 0 {
			path = append(path, '/')
		}
		path = appendFolder(path, folder)
	}
	return string(path)
}
