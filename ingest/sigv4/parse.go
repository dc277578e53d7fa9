package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dayFormat  = "20060102"
	maxSigned  = 100                // headers; SDKs sign 3 to 8
	maxExpires = 7 * 24 * time.Hour // of a presigned request
)

// A Signature is what a request says about its signature, not yet verified.
type Signature struct {
	AccessKeyID string
	Region      string
	Service     string
	Time        time.Time // when it was signed

	headers   []string // signed, lower case, in the order given
	signature [32]byte
	expires   time.Duration // of a presigned request; 0: not said
}

// Signed reports whether a request claims to be signed so.
func Signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), algorithm) || strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=")
}

// Parse reads the signature of a request, from the Authorization header or the
// query. It does not read the body.
func Parse(r *http.Request) (*Signature, *Error) {
	switch lines := r.Header["Authorization"]; {
	case len(lines) > 1:
		return nil, fail(CodeIncomplete, "there are %d Authorization headers; want one", len(lines))
	case len(lines) == 1 && strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm="):
		return nil, fail(CodeIncomplete, "the request is signed in the query and has an Authorization header; want one of them")
	case len(lines) == 1:
		return parseHeader(r, lines[0])
	case strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm="):
		return parseQuery(r)
	}
	return nil, fail(CodeMissing, "the request is not signed; want an Authorization header with Signature Version 4")
}

// parseHeader reads AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=….
func parseHeader(r *http.Request, header string) (*Signature, *Error) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return nil, fail(CodeIncomplete, "the Authorization header does not begin with %s", algorithm)
	}
	fields := make(map[string]string, 3)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[name]; !ok || twice || len(fields) == 3 {
			return nil, fail(CodeIncomplete, "the Authorization header is not Credential=…, SignedHeaders=…, Signature=…")
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return nil, fail(CodeIncomplete, "the Authorization header lacks %s", name)
		}
	}
	s := &Signature{}
	at, err := headerTime(r.Header)
	if err != nil {
		return nil, err
	}
	return s, s.fill(at, fields["Credential"], fields["SignedHeaders"], fields["Signature"])
}

// headerTime is when the request was signed: X-Amz-Date, or else Date.
func headerTime(h http.Header) (time.Time, *Error) {
	text := h.Get("X-Amz-Date")
	if text == "" {
		text = h.Get("Date")
		if at, err := http.ParseTime(text); err == nil {
			return at, nil
		}
	}
	if text == "" {
		return time.Time{}, fail(CodeIncomplete, "there is neither an X-Amz-Date nor a Date header")
	}
	return parseTime(text)
}

func parseTime(text string) (time.Time, *Error) {
	at, err := time.Parse(timeFormat, text)
	if err != nil {
		return at, fail(CodeIncomplete, "the date %.40q is not of the form 20260131T120000Z", text)
	}
	return at, nil
}

// parseQuery reads a presigned request.
func parseQuery(r *http.Request) (*Signature, *Error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fail(CodeIncomplete, "the query cannot be read")
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(q[name]) != 1 || q[name][0] == "" {
			return nil, fail(CodeIncomplete, "the query has %s %d times; want it once", name, len(q[name]))
		}
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, fail(CodeIncomplete, "X-Amz-Algorithm is not %s", algorithm)
	}
	s := &Signature{}
	// AWS's test vectors leave X-Amz-Expires out at times; then Window holds.
	if text := q.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if s.expires = time.Duration(seconds) * time.Second; err != nil || seconds == 0 || s.expires > maxExpires {
			return nil, fail(CodeIncomplete, "X-Amz-Expires is not a number of seconds from 1 to %d", int(maxExpires.Seconds()))
		}
	}
	at, bad := parseTime(q.Get("X-Amz-Date"))
	if bad != nil {
		return nil, bad
	}
	return s, s.fill(at, q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"))
}

// fill reads what both forms have.
func (s *Signature) fill(at time.Time, credential, headers, signature string) *Error {
	s.Time = at.UTC()
	// An access key id may hold slashes elsewhere; the scope is the last four.
	parts := strings.Split(credential, "/")
	if len(parts) < 5 || parts[len(parts)-1] != terminator {
		return fail(CodeIncomplete, "the credential is not key/date/region/service/%s", terminator)
	}
	n := len(parts) - 4
	s.AccessKeyID, s.Region, s.Service = strings.Join(parts[:n], "/"), parts[n+1], parts[n+2]
	if day := parts[n]; day != s.Time.Format(dayFormat) {
		return fail(CodeInvalid, "the credential is of the day %.20q, the request of %s", day, s.Time.Format(dayFormat))
	}
	s.headers = strings.Split(headers, ";")
	if len(s.headers) > maxSigned {
		return fail(CodeIncomplete, "more than %d headers are signed", maxSigned)
	}
	for i, h := range s.headers {
		if h == "" || h != strings.ToLower(h) || slices.Contains(s.headers[:i], h) {
			return fail(CodeIncomplete, "the signed headers are not names in lower case, each once, parted by semicolons")
		}
	}
	if n, err := hex.Decode(s.signature[:], []byte(signature[:min(len(signature), 64)])); err != nil || n != 32 || len(signature) != 64 {
		return fail(CodeIncomplete, "the signature is not 64 hexadecimal digits")
	}
	return nil
}
