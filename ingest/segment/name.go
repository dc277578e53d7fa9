package segment

import (
	"hash/fnv"
	"strconv"

	"sluice/internal/lake"
)

// Tables says how calls are spread over streams, and so over tables.
type Tables string

// The ways to spread calls; prefix is Config.Stream.
const (
	OneTable  Tables = "one"    // all in the stream prefix
	PerSource Tables = "source" // prefix.source
	// PerEvent is prefix.source.event: a stream for each event name of track
	// calls, and for each other type of call the one that Segment names its table:
	// identifies, pages, screens, groups, aliases.
	PerEvent Tables = "event"
)

// maxStream is how long a stream's name may be, maxSource how long a source's.
const (
	maxStream = 64
	maxSource = 32
)

// ValidSource reports whether s can name a source: 1 to 32 of [a-zA-Z0-9_-].
func ValidSource(s string) bool {
	if s == "" || len(s) > maxSource {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// stream is the stream of calls that are not spread by event.
func (t Tables) stream(prefix, source string) string {
	if t == OneTable {
		return prefix
	}
	return prefix + "." + source
}

// eventStream is the stream of the calls with an event's name. A name that is too
// long is cut, and has a checksum of the whole at its end.
func eventStream(sourceStream, event string) string {
	name := lake.CleanName(event)
	if room := maxStream - len(sourceStream) - 1; len(name) > room {
		h := fnv.New32a()
		h.Write([]byte(event))
		sum := strconv.FormatUint(uint64(h.Sum32())|1<<32, 16)[1:] // eight digits
		name = name[:room-len(sum)-1] + "_" + sum
	}
	return sourceStream + "." + name
}
