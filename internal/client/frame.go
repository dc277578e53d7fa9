package client

import (
	"bytes"
	"errors"

	"sluice/internal/jsonscan"
)

// maxRecord is the server's limit of a record in bytes.
const maxRecord = 1_024_000

// offsetOf finds where record k of a request begins, counting as the server
// does: a line holds records, one after the other, and what is malformed in it
// counts as one more; blank lines do not count. k may be one past the last. ok
// is false where an oversized record makes the count doubtful.
func offsetOf(body []byte, k int64) (offset int, ok bool) {
	i := 0
	for {
		i = jsonscan.SkipSpace(body, i)
		if k == 0 || i == len(body) {
			return i, k == 0
		}
		line := body[i:]
		if nl := bytes.IndexByte(line, '\n'); nl >= 0 {
			line = line[:nl]
		}
		n, err := jsonscan.Object(line)
		if n > maxRecord || err != nil && len(line) > maxRecord {
			return 0, false
		}
		if err != nil {
			n = len(line)
		}
		i += n
		k--
	}
}

// lineFramed is how much of body, which begins with a line, can be sent in one
// request so that the server takes it line by line. The server reads a body
// whose first line stops inside an object as objects regardless of lines; such a
// line goes alone.
func lineFramed(body []byte) int {
	end := bytes.IndexByte(body, '\n') + 1
	if end == 0 {
		return len(body)
	}
	if incomplete(body[:end]) {
		return end
	}
	return len(body)
}

// incomplete reports whether a line stops inside an object.
func incomplete(line []byte) bool {
	_, err := jsonscan.Object(bytes.TrimSpace(line))
	var at *jsonscan.SyntaxError
	return errors.As(err, &at) && at.Incomplete
}
