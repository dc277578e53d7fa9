package convert

import (
	"bytes"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// A mark is a rescue of a value that its column shows, but not so that it could
// be told from another one: a string column shows 5 and "5" alike. The value is
// then in both, the column's for queries, the exact JSON text for whoever needs to
// know. A value whose column is not null and whose path is in _rescued was what
// _rescued says.

// mark marks the value at data[start:end], which the string leaf f has taken. An
// element of an array or map is not marked by itself: markWhole does that once
// for all of them.
func (s *shredder) mark(f *node, start, end int) {
	if f.typ.Form == lake.FormText {
		return // nobody needs to know
	}
	if k := f.parent.kind; k == listNode || k == mapNode {
		s.kept++
		return
	}
	s.marks++
	s.rescuePath(f, nil)
	s.rescue(start, end)
}

// markWhole marks the array or map at data[start:end] if any of its elements
// needs it; kept is what s.kept was before it.
func (s *shredder) markWhole(f *node, kept, start, end int) {
	if s.kept == kept {
		return
	}
	s.kept = kept
	s.marks++
	s.rescuePath(f, nil)
	s.rescue(start, end)
}

// loneSurrogate reports whether a quoted string has an escape that stands for no
// character, so that its text has U+FFFD in place of it.
func loneSurrogate(quoted []byte) bool {
	if !bytes.Contains(quoted, []byte(`\ud`)) && !bytes.Contains(quoted, []byte(`\uD`)) {
		return false
	}
	const replacement = "\ufffd"
	literal := bytes.Count(quoted, []byte(replacement)) + bytes.Count(bytes.ToLower(quoted), []byte(`\ufffd`))
	return bytes.Count(jsonscan.AppendUnquoted(nil, quoted), []byte(replacement)) > literal
}

// looksBare reports whether the string, as a partition's value, would look like
// a number or a boolean.
func (s *shredder) looksBare(token []byte) bool {
	if token[0] != '"' {
		return false
	}
	text := token[1 : len(token)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		s.scratch = jsonscan.AppendUnquoted(s.scratch[:0], token)
		text = s.scratch
	}
	if string(text) == "true" || string(text) == "false" {
		return true
	}
	end, _, err := jsonscan.Number(text, 0)
	return err == nil && end == len(text)
}
