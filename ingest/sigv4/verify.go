package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Window is how far a signature's time may be from the clock. It is AWS's.
const Window = 15 * time.Minute

// Check says what is wrong with a signature before its key is looked at: that it
// is of another time or another service, or covers too little. It does not need
// the body.
func (s *Signature) Check(r *http.Request, service string, now time.Time) *Error {
	for _, name := range []string{"host", "x-amz-target"} {
		if !slices.Contains(s.headers, name) && (name == "host" || r.Header.Get(name) != "") {
			return fail(CodeInvalid, "the header %s is not signed", name)
		}
	}
	if s.Service != service {
		return fail(CodeInvalid, "the request is signed for the service %.40q; this is %s", s.Service, service)
	}
	age := Window
	if s.expires > 0 {
		age = s.expires
	}
	switch {
	case now.Sub(s.Time) > age:
		return fail(CodeInvalid, "signature expired: it is of %s, and it is %s here; is the client's clock right?", s.Time.Format(timeFormat), now.UTC().Format(timeFormat))
	case s.Time.Sub(now) > Window:
		return fail(CodeInvalid, "signature not yet current: it is of %s, and it is %s here; is the client's clock right?", s.Time.Format(timeFormat), now.UTC().Format(timeFormat))
	}
	return nil
}

// Verify says whether the request, with a body of that SHA-256, was signed with
// the secret; nil if it was.
func (s *Signature) Verify(r *http.Request, body [sha256.Size]byte, secret Secret) *Error {
	hash := hex.EncodeToString(body[:])
	switch claimed := r.Header.Get("X-Amz-Content-Sha256"); {
	case claimed == "" || claimed == hash:
	case len(claimed) != len(hash):
		return fail(CodeInvalid, "x-amz-content-sha256 is %.40q; want the SHA-256 of the body, which is signed here always", claimed)
	default:
		return fail(CodeInvalid, "the body is not the one that was signed: its SHA-256 is not that of x-amz-content-sha256")
	}
	text, missing := s.canonical(r)
	if missing != "" {
		return fail(CodeInvalid, "the header %s is signed, but did not arrive; did a proxy take it away?", missing)
	}
	canonical := sha256.Sum256([]byte(text + hash))
	at, day := s.Time.Format(timeFormat), s.Time.Format(dayFormat)
	toSign := strings.Join([]string{algorithm, at, day + "/" + s.Region + "/" + s.Service + "/" + terminator, hex.EncodeToString(canonical[:])}, "\n")
	key := []byte("AWS4" + secret.text)
	for _, part := range []string{day, s.Region, s.Service, terminator, toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if !hmac.Equal(key, s.signature[:]) {
		return fail(CodeInvalid, "the signature is not that of this request and this key; is the secret right, and does every proxy between leave the Host header, the path and the body as they are?")
	}
	return nil
}
