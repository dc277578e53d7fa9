package convert

import (
	"strconv"

	"sluice/internal/jsonscan"
)

// A rescued value's path names keys joined by dots, array elements by their
// index in brackets, as in items[2].price. A key that is empty or has other
// characters than letters, digits, _, - and $ is written as a JSON string in
// brackets, as in ["a.b"].c. A key given twice in one object has the number of
// its value behind its path: a#2 is the second a, or the second key that has the
// column of a.

// rescuePath appends to s.paths the path of n, and below it of the quoted key if
// there is one, and begins a rescue with it.
func (s *shredder) rescuePath(n *node, quotedKey []byte) {
	start := len(s.paths)
	s.appendNode(n, len(s.index))
	if quotedKey != nil {
		s.appendKey(jsonscan.AppendUnquoted(nil, quotedKey))
	}
	s.rescues = append(s.rescues, rescue{pathStart: int32(start), pathEnd: int32(len(s.paths))})
}

// rescue ends the rescue begun last with its value.
func (s *shredder) rescue(start, end int) {
	r := &s.rescues[len(s.rescues)-1]
	r.start, r.end = int32(start), int32(end)
}

// appendNode appends the path of n; lists are how many arrays enclose it.
func (s *shredder) appendNode(n *node, lists int) {
	if n.parent == nil {
		return
	}
	switch n.parent.kind {
	case listNode:
		s.appendNode(n.parent, lists-1)
		s.paths = append(s.paths, '[')
		s.paths = strconv.AppendInt(s.paths, int64(s.index[lists-1]), 10)
		s.paths = append(s.paths, ']')
	case mapNode:
		// The value's own key is the last one.
		s.appendNode(n.parent, lists)
		keys := s.out.columns[n.parent.key.id]
		s.appendKey(s.out.text(keys[len(keys)-1].value))
	default:
		s.appendNode(n.parent, lists)
		s.appendKey([]byte(n.spelt))
	}
}

func (s *shredder) appendKey(key []byte) {
	if plainKey(key) {
		if !s.atPathStart() {
			s.paths = append(s.paths, '.')
		}
		s.paths = append(s.paths, key...)
		return
	}
	s.paths = append(s.paths, '[')
	s.paths = appendJSONString(s.paths, key)
	s.paths = append(s.paths, ']')
}

// atPathStart reports whether the path being built is empty so far.
func (s *shredder) atPathStart() bool {
	end := 0
	if n := len(s.rescues); n > 0 {
		end = int(s.rescues[n-1].pathEnd)
	}
	return len(s.paths) == end
}

func plainKey(key []byte) bool {
	for _, c := range key {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '$') {
			return false
		}
	}
	return len(key) > 0
}

// appendJSONString appends valid UTF-8 as a JSON string.
func appendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// lookUp finds the JSON text of a partition field that is no node of the schema,
// nil where it is absent.
func (s *shredder) lookUp(field int) []byte {
	i := jsonscan.SkipSpace(s.data, s.start)
	for _, seg := range s.fields[field] {
		if i < 0 || s.data[i] != '{' {
			return nil
		}
		i = s.member(i, seg)
	}
	if i < 0 {
		return nil
	}
	n, _ := jsonscan.Value(s.data[i:])
	return s.data[i : i+n]
}

// member is where the value of the first such key of the valid object at i
// begins, -1 where there is none.
func (s *shredder) member(i int, key string) int {
	for i = jsonscan.SkipSpace(s.data, i+1); s.data[i] != '}'; i = jsonscan.SkipSpace(s.data, i) {
		if s.data[i] == ',' {
			i = jsonscan.SkipSpace(s.data, i+1)
		}
		end, escaped, _ := jsonscan.String(s.data, i)
		name := s.data[i+1 : end-1]
		if escaped {
			name = jsonscan.AppendUnquoted(nil, s.data[i:end])
		}
		i = jsonscan.SkipSpace(s.data, jsonscan.SkipSpace(s.data, end)+1)
		if string(name) == key {
			return i
		}
		n, _ := jsonscan.Value(s.data[i:])
		i += n
	}
	return -1
}

// rescueAgain rescues the value of a key whose column another value of the same
// object has taken, the key's own or that of another spelling.
func (s *shredder) rescueAgain(n *node, keyStart, keyEnd, i int) (int, error) {
	end, err := s.rescueKey(n, keyStart, keyEnd, i)
	if err == nil {
		s.rescues[len(s.rescues)-1].again = true
	}
	return end, err
}

// A pathUse is what a record's rescued values have made of a path so far.
type pathUse struct {
	taken bool
	next  int // the number to try next behind it: a key may be given 100,000 times
}

// distinct is the path, with #2, #3… behind it where it is taken, and takes it.
// Again says that the path itself stands for a value before this one.
func distinct(path string, again bool, uses map[string]pathUse) string {
	use := uses[path]
	if !use.taken && !again {
		uses[path] = pathUse{true, use.next}
		return path
	}
	for k := max(use.next, 2); ; k++ {
		p := path + "#" + strconv.Itoa(k)
		if its := uses[p]; !its.taken {
			uses[p] = pathUse{true, its.next}
			uses[path] = pathUse{use.taken, k + 1}
			return p
		}
	}
}

// rescueText rescues a value of n; text is a slice of out.data, whose capacity
// ends where that of out.data does.
func (s *shredder) rescueText(n *node, text []byte) {
	start := cap(s.out.data) - cap(text)
	s.rescuePath(n, nil)
	s.rescue(start, start+len(text))
}

// putRescues puts the record's rescued values into its _rescued. A path that is
// there already (a key given three times) gets a number, as no reader takes a map
// with a key twice.
func (s *shredder) putRescues() {
	n := s.schema.rescued
	s.out.put(n, int64(len(s.rescues)))
	uses := make(map[string]pathUse, len(s.rescues))
	for _, r := range s.rescues {
		s.out.slot(n)
		s.out.putExtra(n.key, distinct(string(s.paths[r.pathStart:r.pathEnd]), r.again, uses))
		s.out.put(n.elem, int64(r.start)<<32|int64(r.end))
	}
}
