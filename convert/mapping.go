package convert

import "sluice/internal/jsonscan"

// mapping parses the object whose brace is at i into the map f.
func (s *shredder) mapping(f *node, i int) (int, error) {
	column := &s.out.columns[f.id]
	at, start, kept := len(*column), i, s.kept
	s.out.put(f, 0)
	i = jsonscan.SkipSpace(s.data, i+1)
	if i < len(s.data) && s.data[i] == '}' {
		return i + 1, nil
	}
	var keys keySet
	for {
		i = jsonscan.SkipSpace(s.data, i)
		end, escaped, err := s.key(i)
		if err != nil {
			return i, err
		}
		keyStart, keyEnd := i, end
		if i = jsonscan.SkipSpace(s.data, end); i >= len(s.data) || s.data[i] != ':' {
			return i, s.unexpected(i, "':'")
		}
		i = jsonscan.SkipSpace(s.data, i+1)
		if !keys.add(s.data[keyStart:keyEnd], escaped) {
			i, err = s.rescueAgain(f, keyStart, keyEnd, i)
		} else {
			s.out.slot(f)
			s.out.putString(f.key, keyStart, keyEnd, escaped)
			(*column)[at].value++
			i, err = s.value(f.elem, i)
		}
		if err != nil {
			return i, err
		}
		i = jsonscan.SkipSpace(s.data, i)
		if i < len(s.data) && s.data[i] == ',' {
			i++
			continue
		}
		if i < len(s.data) && s.data[i] == '}' {
			s.markWhole(f, kept, start, i+1)
			return i + 1, nil
		}
		return i, s.unexpected(i, "',' or '}'")
	}
}

// A keySet finds keys that a map has twice, which readers refuse. Few keys are
// compared with each other, many are hashed.
type keySet struct {
	few  [16][]byte
	n    int
	many map[string]struct{}
}

// add takes a quoted key; ok is false when it is there already.
func (k *keySet) add(quoted []byte, escaped bool) (ok bool) {
	key := quoted[1 : len(quoted)-1]
	if escaped {
		key = jsonscan.AppendUnquoted(nil, quoted)
	}
	if k.many != nil {
		_, has := k.many[string(key)]
		k.many[string(key)] = struct{}{}
		return !has
	}
	for _, other := range k.few[:k.n] {
		if string(other) == string(key) {
			return false
		}
	}
	if k.n < len(k.few) {
		k.few[k.n] = key
		k.n++
		return true
	}
	k.many = make(map[string]struct{}, 4*len(k.few))
	for _, other := range k.few {
		k.many[string(other)] = struct{}{}
	}
	k.many[string(key)] = struct{}{}
	return true
}
