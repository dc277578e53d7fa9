package access

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// maxKey bounds an API key in a header; ours have 50 characters.
const maxKey = 512

// What a request's headers hold.
type claim uint8

const (
	noClaim   claim = iota // nothing that proves who calls
	keyClaim               // an API key
	signed                 // a signature, which this is not about
	malformed              // what cannot be read, or is there twice
)

// apiKey finds the API key in a request's headers: Authorization: Bearer KEY;
// Authorization: Basic, where the key is the password or, with an empty password,
// the user; X-Api-Key: KEY.
func apiKey(h http.Header) (key string, c claim) {
	lines, plain := h["Authorization"], h["X-Api-Key"]
	switch {
	case len(lines) > 1 || len(plain) > 1 || len(lines) == 1 && len(plain) == 1:
		return "", malformed
	case len(plain) == 1:
		return checkKey(plain[0])
	case len(lines) == 0:
		return "", noClaim
	}
	scheme, value, _ := strings.Cut(strings.TrimSpace(lines[0]), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return checkKey(value)
	case strings.EqualFold(scheme, "Basic"):
		return basicKey(value)
	case strings.HasPrefix(scheme, "AWS4-HMAC-SHA256"):
		return "", signed
	}
	return "", malformed
}

func basicKey(value string) (string, claim) {
	value = strings.TrimSpace(value)
	if len(value) > 4*maxKey {
		return "", malformed
	}
	// Some clients leave the padding out.
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	user, password, ok := strings.Cut(string(text), ":")
	switch {
	case err != nil || !ok:
		return "", malformed
	case password == "":
		return checkKey(user)
	}
	return checkKey(password)
}

func checkKey(key string) (string, claim) {
	key = strings.TrimSpace(key)
	if key == "" || len(key) > maxKey {
		return "", malformed
	}
	return key, keyClaim
}
