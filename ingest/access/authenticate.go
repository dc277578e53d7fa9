package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"net/http"
	"strings"
	"time"

	"sluice/ingest"
	"sluice/ingest/sigv4"
)

// The codes of a problem with access.
const (
	CodeUnauthorized = "unauthorized" // 401: no proof, or one of nobody known
	CodeForbidden    = "forbidden"    // 403: may not do that
	CodeLimited      = "rate_limited" // 429: over the key's rate or quota
)

// Authenticate says who calls, by an API key or a client certificate. A key that
// is wrong is refused even with a good certificate.
func (g *Guard) Authenticate(r *http.Request) (*Principal, *ingest.Problem) {
	if g.open {
		return anyone, nil
	}
	key, claim := apiKey(r.Header)
	switch claim {
	case keyClaim:
		if p, ok := g.key(key); ok {
			return p, nil
		}
		g.metrics.turnedAway(reasonUnknown)
		return nil, unauthorized("the API key is not known here")
	case malformed:
		g.metrics.turnedAway(reasonMalformed)
		return nil, unauthorized("the credentials cannot be read: want one of Authorization: Bearer KEY, Authorization: Basic with the key as its password, X-Api-Key: KEY")
	case signed:
		g.metrics.turnedAway(reasonMalformed)
		return nil, unauthorized("AWS signatures are for POST /; here want an API key, as Authorization: Bearer KEY")
	}
	if p := g.certificate(r); p != nil {
		return p, nil
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		g.metrics.turnedAway(reasonUnknown)
		return nil, unauthorized("no key has the name of the client certificate; name it as certificate: in keys, or bring an API key")
	}
	g.metrics.turnedAway(reasonMissing)
	return nil, unauthorized("an API key is needed: Authorization: Bearer KEY")
}

func unauthorized(message string) *ingest.Problem {
	return &ingest.Problem{Status: http.StatusUnauthorized, Code: CodeUnauthorized, Message: message}
}

// Forbidden counts and makes the answer to a known caller who may not do what it
// asks for: what says it, as in "write to the stream purchases".
func (g *Guard) Forbidden(p *Principal, what string) *ingest.Problem {
	g.metrics.turnedAway(reasonForbidden)
	return &ingest.Problem{Status: http.StatusForbidden, Code: CodeForbidden, Message: "the key " + p.Name() + " may not " + what}
}

// Limited makes the answer to a caller that Limit stopped.
func Limited(p *Principal, retryAfter time.Duration) *ingest.Problem {
	return &ingest.Problem{Status: http.StatusTooManyRequests, Code: CodeLimited, RetryAfter: max(retryAfter, time.Second),
		Message: "the key " + p.Name() + " is over its rate or quota; send again after Retry-After"}
}

// key finds the owner of an API key. The lookup is by the hash of what was sent:
// what its time tells of a hash does not help to find a key for it. The
// comparison after it takes the same time however much agrees.
func (g *Guard) key(key string) (*Principal, bool) {
	hash := sha256.Sum256([]byte(key))
	e := g.byHash[hash]
	if e == nil || subtle.ConstantTimeCompare(e.hash[:], hash[:]) != 1 {
		return nil, false
	}
	return e.Principal, true
}

// certificate finds the owner of the request's client certificate, by any of the
// names in it; nil if there is none. The handshake has verified it.
func (g *Guard) certificate(r *http.Request) *Principal {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		return nil
	}
	for _, name := range certificateNames(r.TLS.VerifiedChains[0][0]) {
		if e := g.byCertName[strings.ToLower(name)]; e != nil {
			return e.Principal
		}
	}
	return nil
}

func certificateNames(c *x509.Certificate) []string {
	names := append([]string{c.Subject.CommonName}, c.DNSNames...)
	names = append(names, c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	return names
}

// SegmentSource says which source a Segment write key belongs to. Where nobody is
// asked, every write key is good and source is empty.
func (g *Guard) SegmentSource(writeKey string) (source string, p *Principal, ok bool) {
	if g.open {
		return "", anyone, true
	}
	p, ok = g.key(writeKey)
	if !ok || p.source == "" {
		g.metrics.turnedAway(reasonUnknown)
		return "", nil, false
	}
	return p.source, p, true
}

// FirehoseAccessKey says who sends a delivery with this X-Amz-Firehose-Access-Key,
// which is an API key.
func (g *Guard) FirehoseAccessKey(key string) (p *Principal, ok bool) {
	if g.open {
		return anyone, true
	}
	if p, ok = g.key(key); !ok {
		g.metrics.turnedAway(reasonUnknown)
	}
	return p, ok
}

// VerifySigV4 says who calls an AWS API: by a signature for the service, such as
// "firehose", or, where there is none, by an API key or a client certificate.
// Errors are answered with status 403. For a body that is large, CheckSigV4 tells
// before it is read what can be told.
func (g *Guard) VerifySigV4(r *http.Request, body []byte, service string) (*Principal, *sigv4.Error) {
	pending, err := g.CheckSigV4(r, service)
	if err != nil {
		return nil, err
	}
	return pending.Verify(sha256.Sum256(body))
}

// A Pending caller has named a known key, and not proved yet that it is its own.
type Pending struct {
	guard     *Guard
	r         *http.Request
	principal *Principal // proved already, if not nil
	signature *sigv4.Signature
	secret    sigv4.Secret
	owner     *Principal
}

// CheckSigV4 is VerifySigV4 up to where the body is needed.
func (g *Guard) CheckSigV4(r *http.Request, service string) (*Pending, *sigv4.Error) {
	if g.open {
		return &Pending{principal: anyone}, nil
	}
	if !sigv4.Signed(r) {
		p, problem := g.Authenticate(r)
		if problem == nil {
			return &Pending{principal: p}, nil
		}
		if _, claim := apiKey(r.Header); claim == noClaim {
			_, missing := sigv4.Parse(r)
			return nil, missing
		}
		return nil, &sigv4.Error{Code: sigv4.CodeUnrecognized, Message: problem.Message}
	}
	s, err := sigv4.Parse(r)
	if err != nil {
		g.metrics.turnedAway(reasonMalformed)
		return nil, err
	}
	e := g.byAccessKey[s.AccessKeyID]
	if e == nil {
		g.metrics.turnedAway(reasonUnknown)
		return nil, &sigv4.Error{Code: sigv4.CodeUnrecognized, Message: "the access key id is not known here; keys in the configuration lists those that are"}
	}
	if err := s.Check(r, service, time.Now()); err != nil {
		g.metrics.turnedAway(reasonSignature)
		return nil, err
	}
	return &Pending{guard: g, r: r, signature: s, secret: e.secret, owner: e.Principal}, nil
}

// Verify says who calls, given the SHA-256 of the body as it was sent.
func (p *Pending) Verify(body [sha256.Size]byte) (*Principal, *sigv4.Error) {
	if p.principal != nil {
		return p.principal, nil
	}
	if err := p.signature.Verify(p.r, body, p.secret); err != nil {
		p.guard.metrics.turnedAway(reasonSignature)
		return nil, err
	}
	return p.owner, nil
}
