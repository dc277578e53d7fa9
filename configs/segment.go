package configs

import (
	"reflect"
	"regexp"
	"strings"

	"sluice/internal/lake"
)

// The values of Segment.Tables; the streams' names are those of package
// ingest/segment.
const (
	OneTable        = "one"    // stream {stream}
	TablesPerSource = "source" // stream {stream}.{source}
	TablesPerEvent  = "event"  // stream {stream}.{source}.{event}, table {source}.{event}
)

var defaultSegment = Segment{Tables: TablesPerSource, Stream: "segment", Source: "default", DedupeWindow: DefaultDedupeWindow,
	MaxEvent: 32 * KiB, MaxBatch: 500 * KiB, MaxEvents: 2500, Origins: "*"}

// owns reports whether calls of the tracking API go to the stream.
func (s Segment) owns(stream string) bool {
	rest, ok := strings.CutPrefix(stream, s.Stream)
	if s.Tables == OneTable {
		return ok && rest == ""
	}
	return ok && len(rest) > 1 && rest[0] == '.'
}

// table is where a stream with the calls of an event goes: as in Segment's Data
// Lakes, to the table of the event in the database of the source. It is empty for
// other streams.
func (s Segment) table(stream string) string {
	if s.Tables != TablesPerEvent || !s.owns(stream) {
		return ""
	}
	source, event, ok := strings.Cut(stream[len(s.Stream)+1:], ".")
	if !ok {
		return ""
	}
	return lake.CleanName(source) + "." + lake.CleanName(event)
}

// segment checks the names that streams are made of, and the limits that must fit
// one another.
func (k *checker) segment(s Segment) {
	if err := CheckStreamName(s.Stream); err != nil || len(s.Stream) > maxSegmentStream {
		k.add("segment.stream", "found %q, want 1 to %d of a–z, A–Z, 0–9, _, . and -: there must be room for a source's and an event's name behind it", shorten(s.Stream), maxSegmentStream)
	}
	if !segmentSource.MatchString(s.Source) {
		k.add("segment.source", "found %q, want 1 to 32 of a–z, A–Z, 0–9, _ and -", shorten(s.Source))
	}
	if s.DedupeWindow != 0 && keyWindow.check(reflect.ValueOf(s.DedupeWindow)) != "" {
		k.add("segment.dedupe_window", "%s; or 0s for no deduplication", keyWindow.check(reflect.ValueOf(s.DedupeWindow)))
	}
	if s.MaxBatch < s.MaxEvent {
		k.add("segment.max_batch", "found %s, want at least segment.max_event (%s)", s.MaxBatch, s.MaxEvent)
	}
	if strings.ContainsFunc(s.Origins, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
		k.add("segment.origins", "found %q, want * or one origin, such as https://www.example.com, or nothing", shorten(s.Origins))
	}
}

// A stream's name has 64 characters: those, a source's, and some of an event's.
const maxSegmentStream = 20

var segmentSource = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,32}$`)
