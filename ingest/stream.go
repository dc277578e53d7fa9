package ingest

import (
	"fmt"
	"net/http"
)

// maxStreamName is the Firehose API's limit in bytes.
const maxStreamName = 64

// ValidStream reports whether s can name a stream: 1 to 64 of [a-zA-Z0-9_.-],
// as for a Firehose delivery stream, but not "." or "..", since a stream is also
// a folder of the log.
func ValidStream(s string) bool {
	if s == "" || len(s) > maxStreamName || s == "." || s == ".." {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}

// A Policy says which streams take records.
type Policy interface {
	// Known reports whether a stream is configured, exists already, or may be
	// created on first use. The name is a valid one.
	Known(stream string) bool
}

// CheckStream is the problem with a stream's name, or nil.
func CheckStream(stream string, policy Policy) *Problem {
	if !ValidStream(stream) {
		return &Problem{Status: http.StatusBadRequest, Code: CodeBadStream,
			Message: fmt.Sprintf("%.80q cannot name a stream: want 1 to 64 of a-z, A-Z, 0-9, '_', '.' and '-'", stream)}
	}
	if !policy.Known(stream) {
		return &Problem{Status: http.StatusNotFound, Code: CodeUnknownStream,
			Message: fmt.Sprintf("there is no stream %q, and it does not come to be on first use: auto_create is off here, or max_streams is reached; "+
				"name it under streams: in the configuration, or change that setting (SLUICE_AUTO_CREATE=true, SLUICE_MAX_STREAMS); GET /v1/streams lists those there are", stream)}
	}
	return nil
}
