package segment

import (
	"encoding/base64"
	"net/http"
	"strings"

	"sluice/ingest"
)

// gif is a transparent picture of one pixel.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// pixel takes a call from where only a picture can be asked for, such as a mail:
// GET …/pixel/{type}?data=, base64 of the call's JSON, with its writeKey.
func (h *Handler) pixel(w http.ResponseWriter, r *http.Request, k kind) int {
	if !ingest.CheckMethod(w, r, http.MethodGet) {
		return http.StatusMethodNotAllowed
	}
	// A + that was not escaped has become a space.
	data := strings.TrimRight(strings.ReplaceAll(r.URL.Query().Get("data"), " ", "+"), "=")
	if int64(base64.RawStdEncoding.DecodedLen(len(data))) > h.MaxEvent {
		return h.fail(w, r, &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeTooLarge, Message: "the call is larger than segment.max_event"}, nil)
	}
	decode := base64.RawStdEncoding
	if strings.ContainsAny(data, "-_") {
		decode = base64.RawURLEncoding
	}
	body, err := decode.DecodeString(data)
	if err != nil {
		return h.fail(w, r, &ingest.Problem{Status: http.StatusBadRequest, Code: codeMalformed, Message: "data is not base64: " + err.Error()}, nil)
	}
	return h.serve(&pixelWriter{ResponseWriter: w}, r, body, form{kind: k}, writer{})
}

// A pixelWriter answers with the picture where a call's answer would be a success.
type pixelWriter struct {
	http.ResponseWriter
	failed bool
}

func (w *pixelWriter) WriteHeader(status int) {
	w.failed = status != http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

func (w *pixelWriter) Write(b []byte) (int, error) {
	if w.failed {
		return w.ResponseWriter.Write(b)
	}
	head := w.Header()
	head.Set("Content-Type", "image/gif")
	head.Set("Cache-Control", "no-store")
	if _, err := w.ResponseWriter.Write([]byte(gif)); err != nil {
		return 0, err
	}
	return len(b), nil
}
