package segment

import (
	"cmp"
	"net/http"
	"strings"

	"sluice/ingest"
	"sluice/ingest/access"
	"sluice/internal/jsonscan"
)

// headerKey is the write key of a request's Authorization, empty if there is none:
// the user of Basic authentication, whose password is empty.
func headerKey(r *http.Request) string {
	user, _, _ := r.BasicAuth()
	return user
}

// A writer is who sends a request.
type writer struct {
	source string // empty while that is not known
	who    *access.Principal
}

// admit finds out who writes with a key and as which source, and sends those away
// that are over what they may send.
func (h *Handler) admit(r *http.Request, key string) (writer, *ingest.Problem) {
	path := r.PathValue("source")
	if path != "" && !ValidSource(path) {
		return writer{}, &ingest.Problem{Status: http.StatusBadRequest, Code: codeBadSource,
			Message: "the path does not name a source: want 1 to 32 of a-z, A-Z, 0-9, '_' and '-'"}
	}
	if key == "" && !h.Access.IsOpen() {
		return writer{}, &ingest.Problem{Status: http.StatusUnauthorized, Code: codeNoKey,
			Message: "a write key is needed: as the user of Basic authentication, or as writeKey in the body"}
	}
	source, who, ok := h.Access.SegmentSource(key)
	switch {
	case !ok:
		return writer{}, &ingest.Problem{Status: http.StatusUnauthorized, Code: codeBadKey, Message: "no source has this write key here"}
	case source == "":
		source = cmp.Or(path, h.Source)
	case path != "" && path != source:
		return writer{}, &ingest.Problem{Status: http.StatusUnauthorized, Code: codeBadKey, Message: "the write key is another source's than the path's"}
	}
	// What comes is counted when it is stored; until it is paid for, the next one waits.
	if wait, ok := h.Access.Limit(who, 0, 0); !ok {
		return writer{}, access.Limited(who, wait)
	}
	return writer{source, who}, nil
}

// text is the text of a JSON string, without quotes and escapes.
func text(quoted []byte) string {
	if strings.IndexByte(string(quoted), '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	return string(jsonscan.AppendUnquoted(nil, quoted))
}
