package function

import (
	"bytes"
	"strconv"

	"sluice/internal/jsonscan"
)

// A path with [*] or .* gives an array of all that it leads to. Before the first of
// them a name that is not there is NULL; from there on it leads nowhere. (That is
// what JsonPath does, by which PrestoDB reads such a path.)

// Wild reports whether a path is a valid one with a wildcard.
func Wild(path string) bool { return CheckPath(path) == nil && wild([]byte(path)) }

// wild reports whether a path, which is a valid one, has a wildcard.
func wild(path []byte) bool {
	steps := pathReader{rest: path}
	if bytes.IndexByte(path, '*') < 0 || !steps.begin() {
		return false
	}
	for {
		_, ok, bad := steps.next()
		if !ok || bad {
			return false
		}
		if steps.all {
			return true
		}
	}
}

// extractAll is json_extract of a path with a wildcard.
func extractAll(dst, text, path []byte) ([]byte, bool) {
	start := jsonscan.SkipSpace(text, 0)
	n, err := jsonscan.Value(text)
	if err != nil && start < len(text) {
		return dst, true
	}
	var found [][]byte
	if start < len(text) {
		found = append(found, text[start:n])
	}
	steps, after := pathReader{rest: path}, false
	steps.begin()
	for {
		name, ok, _ := steps.next()
		if !ok {
			break
		}
		if steps.all {
			after = true
			found = within(found)
			continue
		}
		var there bool
		if found, there = below(found, name, steps.index); !there && !after {
			return dst, true
		}
	}
	dst = append(dst, '[')
	for _, value := range found {
		dst = appendValue(separated(dst, '['), value, lastOnes)
	}
	return append(dst, ']'), false
}

// within are the elements and the members' values of all values.
func within(values [][]byte) [][]byte {
	var out [][]byte
	for _, v := range values {
		switch v[0] {
		case '[':
			for from, end, ok := jsonscan.NextElement(v, 0); ok; from, end, ok = jsonscan.NextElement(v, end) {
				out = append(out, v[from:end])
			}
		case '{':
			for _, m := range membersOf(v) {
				out = append(out, m.value)
			}
		}
	}
	return out
}

// below are the values one step below all values. There is none where a value is not
// of the kind that has such, or has not the name; an index that is too high is only
// empty.
func below(values [][]byte, name []byte, index bool) (out [][]byte, there bool) {
	for _, v := range values {
		switch {
		case index && v[0] == '[':
			there = true
			if i := element(v, 0, name); i < len(v) {
				n, _ := jsonscan.Value(v[i:])
				out = append(out, v[i:i+n])
			}
		case !index && v[0] == '{':
			for _, m := range membersOf(v) {
				if bytes.Equal(m.name, name) {
					there = true
					out = append(out, m.value)
				}
			}
		}
	}
	return out, there
}

// membersOf are an object's members; of those with one name the last value, in the
// place of the first.
func membersOf(object []byte) []namedValue {
	var members []namedValue
	places := make(map[string]int)
	for m, ok := jsonscan.NextMember(object, 0); ok; m, ok = jsonscan.NextMember(object, m.End) {
		named := namedValue{m.Name(object), object[m.Value:m.End]}
		if i, known := places[string(named.name)]; known {
			members[i].value = named.value
			continue
		}
		places[string(named.name)] = len(members)
		members = append(members, named)
	}
	return members
}

// jsonSize is json_size of a path with a wildcard: how many values there are.
func jsonSize(dst []byte, args [][]byte) ([]byte, bool, error) {
	list, null := extractAll(nil, args[0], args[1])
	if null {
		return dst, true, nil
	}
	n := 0
	for _, end, ok := jsonscan.NextElement(list, 0); ok; _, end, ok = jsonscan.NextElement(list, end) {
		n++
	}
	return strconv.AppendInt(dst, int64(n), 10), false, nil
}
