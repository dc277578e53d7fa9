package segment

import "slices"

// streams are those that the calls of one request go to.
type streams struct {
	root  string   // of the names that go by event
	names []string // those seen; the root alone where calls do not go by event
	byRaw map[string]int
}

func (s *streams) reset(root string) {
	s.root = root
	s.names = append(s.names[:0], root)
	clear(s.byRaw)
}

// known is the index of the stream of an event's name, given as JSON.
func (s *streams) known(raw []byte) (int, bool) {
	i, ok := s.byRaw[string(raw)]
	return i, ok
}

func (s *streams) named(stream string) (int, bool) {
	i := slices.Index(s.names, stream)
	return i, i >= 0
}

// add adds a stream unless it is there, and remembers the name that led to it.
func (s *streams) add(stream string, raw []byte) int {
	i, ok := s.named(stream)
	if !ok {
		i = len(s.names)
		s.names = append(s.names, stream)
	}
	if raw != nil {
		if s.byRaw == nil {
			s.byRaw = map[string]int{}
		}
		s.byRaw[string(raw)] = i
	}
	return i
}
