package segment

import (
	"net/http"
	"strings"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// headerKey is the write key of a request's Authorization, empty if there is none:
// the user of Basic authentication, whose password is empty.
func headerKey(r *http.Request) string {
	user, _, _ := r.BasicAuth()
	return user
}

// sourceOf is the source that a request writes as.
func (h *Handler) sourceOf(r *http.Request, key string) (string, *ingest.Problem) {
	path := r.PathValue("source")
	if path != "" && !ValidSource(path) {
		return "", &ingest.Problem{Status: http.StatusBadRequest, Code: codeBadSource,
			Message: "the path does not name a source: want 1 to 32 of a-z, A-Z, 0-9, '_' and '-'"}
	}
	switch {
	case h.Keys == nil && path != "":
		return path, nil
	case h.Keys == nil:
		return h.Source, nil
	case key == "":
		return "", &ingest.Problem{Status: http.StatusUnauthorized, Code: codeNoKey,
			Message: "a write key is needed: as the user of Basic authentication, or as writeKey in the body"}
	}
	source, p := h.Keys.Source(r, key)
	if p != nil {
		return "", p
	}
	if path != "" && path != source {
		return "", &ingest.Problem{Status: http.StatusUnauthorized, Code: codeBadKey, Message: "the write key is another source's than the path's"}
	}
	return source, nil
}

// text is the text of a JSON string, without quotes and escapes.
func text(quoted []byte) string {
	if strings.IndexByte(string(quoted), '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	return string(jsonscan.AppendUnquoted(nil, quoted))
}
