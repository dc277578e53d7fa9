package access_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/configs"
	"sluice/ingest/access"
)

const (
	shopKey    = "sluice_shop-key-0123456789"
	segmentKey = "segment-write-key-0123456789"
	opsKey     = "sluice_ops-key-0123456789"
)

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

var keys = map[string]configs.Key{
	"shop":    {SHA256: hashOf(shopKey), Write: []string{"purchases", "web-*"}, Query: []string{"Shop", "tmp_*"}},
	"website": {SHA256: strings.ToUpper(hashOf(segmentKey)), Source: "web", Write: []string{"web"}},
	"ops":     {SHA256: hashOf(opsKey), Admin: true},
	"machine": {Certificate: "machine.example.com", Write: []string{"metrics"}},
}

func open(t *testing.T, keys map[string]configs.Key) *access.Guard {
	t.Helper()
	g, err := access.New(access.Config{Keys: keys, Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// withCertificate is a request over TLS whose client showed a certificate, which
// the handshake verified.
func withCertificate(r *http.Request, c *x509.Certificate) *http.Request {
	r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{c}}, PeerCertificates: []*x509.Certificate{c}}
	return r
}

func TestAuthenticate(t *testing.T) {
	reg := prometheus.NewRegistry()
	g, err := access.New(access.Config{Keys: keys, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		headers []string // name, value, …
		who     string   // "" for a refusal
		part    string   // in the refusal
	}{
		{"bearer", []string{"Authorization", "Bearer " + shopKey}, "shop", ""},
		{"bearer in any case", []string{"authorization", "bEaReR  " + shopKey + " "}, "shop", ""},
		{"password", []string{"Authorization", basic("anyone", shopKey)}, "shop", ""},
		{"user without password", []string{"Authorization", basic(segmentKey, "")}, "website", ""},
		{"padding left out", []string{"Authorization", strings.TrimRight(basic(segmentKey, ""), "=")}, "website", ""},
		{"header", []string{"X-Api-Key", opsKey}, "ops", ""},
		{"none", nil, "", "an API key is needed"},
		{"wrong", []string{"Authorization", "Bearer " + shopKey + "x"}, "", "not known"},
		{"prefix", []string{"Authorization", "Bearer " + shopKey[:20]}, "", "not known"},
		{"the hash", []string{"Authorization", "Bearer " + hashOf(shopKey)}, "", "not known"},
		{"wrong password, right user", []string{"Authorization", basic(shopKey, "x")}, "", "not known"},
		{"empty", []string{"Authorization", ""}, "", "cannot be read"},
		{"empty bearer", []string{"Authorization", "Bearer "}, "", "cannot be read"},
		{"empty header", []string{"X-Api-Key", ""}, "", "cannot be read"},
		{"no scheme", []string{"Authorization", shopKey}, "", "cannot be read"},
		{"other scheme", []string{"Authorization", "Digest x"}, "", "cannot be read"},
		{"not base64", []string{"Authorization", "Basic !"}, "", "cannot be read"},
		{"no colon", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(shopKey))}, "", "cannot be read"},
		{"too long", []string{"X-Api-Key", strings.Repeat("x", 600)}, "", "cannot be read"},
		{"too long, base64", []string{"Authorization", "Basic " + strings.Repeat("x", 60_000)}, "", "cannot be read"},
		{"two", []string{"Authorization", "Bearer " + shopKey, "Authorization", "Bearer " + shopKey}, "", "cannot be read"},
		{"two kinds", []string{"Authorization", "Bearer " + shopKey, "X-Api-Key", shopKey}, "", "cannot be read"},
		{"signed", []string{"Authorization", "AWS4-HMAC-SHA256 Credential=x"}, "", "POST /"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			for i := 0; i < len(tc.headers); i += 2 {
				r.Header.Add(tc.headers[i], tc.headers[i+1])
			}
			who, p := g.Authenticate(r)
			if tc.who != "" {
				if p != nil || who.Name() != tc.who {
					t.Errorf("got %v, %v", who, p)
				}
				return
			}
			if p == nil || who != nil || p.Status != http.StatusUnauthorized || !strings.Contains(p.Message, tc.part) {
				t.Fatalf("got %v, %v; want 401 with %q", who, p, tc.part)
			}
			for _, secret := range []string{shopKey, segmentKey, opsKey, hashOf(shopKey)} {
				if strings.Contains(p.Error(), secret[:15]) {
					t.Errorf("a key is in %q", p.Error())
				}
			}
		})
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series, counted := 0, 0.0
	for _, f := range families {
		for _, m := range f.Metric {
			series++
			counted += m.Counter.GetValue()
		}
	}
	if series != 5+len(keys) || counted != 17 {
		t.Errorf("%d series that count %v: they must not grow with what is sent, and count each refusal", series, counted)
	}
}

func TestCertificates(t *testing.T) {
	g := open(t, keys)
	uri := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	named := func(cn string) *x509.Certificate { return &x509.Certificate{Subject: pkix.Name{CommonName: cn}} }
	for i, c := range []*x509.Certificate{named("machine.example.com"), named("Machine.Example.COM"), {DNSNames: []string{"a", "machine.example.com"}},
		{EmailAddresses: []string{"machine.example.com"}}, {URIs: []*url.URL{uri("machine.example.com")}}} {
		if who, p := g.Authenticate(withCertificate(httptest.NewRequest("GET", "/", nil), c)); p != nil || who.Name() != "machine" {
			t.Errorf("certificate %d: %v, %v", i, who, p)
		}
	}
	for _, cn := range []string{"", "example.com", "*", "shop", "machine"} {
		if who, p := g.Authenticate(withCertificate(httptest.NewRequest("GET", "/", nil), named(cn))); p == nil {
			t.Errorf("the certificate of %q is taken for %v", cn, who)
		}
	}
	// One that the handshake did not verify counts for nothing.
	r := httptest.NewRequest("GET", "/", nil)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{named("machine.example.com")}}
	if who, p := g.Authenticate(r); p == nil {
		t.Errorf("a certificate that nobody verified is taken for %v", who)
	}
	// A key that is wrong is not made good by a certificate; one that is right wins.
	r = withCertificate(httptest.NewRequest("GET", "/", nil), named("machine.example.com"))
	r.Header.Set("X-Api-Key", "wrong")
	if _, p := g.Authenticate(r); p == nil {
		t.Error("a wrong key passed beside a certificate")
	}
	r.Header.Set("X-Api-Key", shopKey)
	if who, p := g.Authenticate(r); p != nil || who.Name() != "shop" {
		t.Error(who, p)
	}
}

func TestScopes(t *testing.T) {
	g := open(t, keys)
	who := func(key string) *access.Principal {
		t.Helper()
		p, ok := g.FirehoseAccessKey(key)
		if !ok {
			t.Fatal("the key is not known")
		}
		return p
	}
	shop, website, ops := who(shopKey), who(segmentKey), who(opsKey)
	for _, tc := range []struct {
		what      string
		got, want bool
	}{
		{"shop writes purchases", shop.MayWrite("purchases"), true},
		{"shop writes Purchases", shop.MayWrite("Purchases"), false},
		{"shop writes purchases2", shop.MayWrite("purchases2"), false},
		{"shop writes web-", shop.MayWrite("web-"), true},
		{"shop writes web-a-b", shop.MayWrite("web-a-b"), true},
		{"shop writes xweb-a", shop.MayWrite("xweb-a"), false},
		{"shop writes nothing", shop.MayWrite(""), false},
		{"shop queries shop", shop.MayQuery("shop"), true},
		{"shop queries SHOP", shop.MayQuery("SHOP"), true},
		{"shop queries tmp_1", shop.MayQuery("tmp_1"), true},
		{"shop queries default", shop.MayQuery("default"), false},
		{"shop queries", shop.MayQueryAny(), true},
		{"shop is admin", shop.Admin(), false},
		{"website queries", website.MayQueryAny(), false},
		{"website writes web", website.MayWrite("web"), true},
		{"ops writes", ops.MayWrite("anything"), true},
		{"ops queries", ops.MayQuery("anything"), true},
		{"ops is admin", ops.Admin(), true},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v", tc.what, tc.got)
		}
	}
	var nobody *access.Principal
	if nobody.MayWrite("purchases") || nobody.MayQuery("shop") || nobody.MayQueryAny() || nobody.Admin() || nobody.Source() != "" || nobody.Name() != "nobody" {
		t.Error("nobody may do something")
	}
	if _, ok := g.Limit(nobody, 1, 1); ok {
		t.Error("nobody passes the limits")
	}
}

func TestSegmentKeys(t *testing.T) {
	g := open(t, keys)
	if source, who, ok := g.SegmentSource(segmentKey); !ok || source != "web" || who.Name() != "website" || who.Source() != "web" {
		t.Error(source, who, ok)
	}
	for _, key := range []string{"", "x", shopKey, opsKey, hashOf(segmentKey)} {
		if source, who, ok := g.SegmentSource(key); ok {
			t.Errorf("%q is a write key of %s for %v", key, source, who)
		}
	}
	if who, ok := g.FirehoseAccessKey("x"); ok || who != nil {
		t.Error("an unknown access key passes")
	}
}

// Without keys nobody is asked, whatever they bring.
func TestOpen(t *testing.T) {
	for _, g := range []*access.Guard{access.Open(), open(t, nil)} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense")
		who, p := g.Authenticate(r)
		if p != nil || !who.Admin() || !g.IsOpen() {
			t.Error(who, p)
		}
		if who, err := g.VerifySigV4(r, nil, "firehose"); err != nil || !who.Admin() {
			t.Error(who, err)
		}
		if source, who, ok := g.SegmentSource("any"); !ok || source != "" || !who.Admin() {
			t.Error(source, who, ok)
		}
		if wait, ok := g.Limit(who, 1<<30, 1<<60); !ok || wait != 0 {
			t.Error(wait, ok)
		}
	}
}

// Whatever the headers hold, only those who bring a key pass.
func FuzzAuthenticate(f *testing.F) {
	f.Add("Bearer "+shopKey, "")
	f.Add(basic("u", segmentKey), "")
	f.Add("", opsKey)
	f.Add("Basic ====", "\x00")
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/1/2/3/aws4_request", "")
	g, err := access.New(access.Config{Keys: keys})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, authorization, apiKey string) {
		r := httptest.NewRequest("POST", "/", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if apiKey != "" {
			r.Header.Set("X-Api-Key", apiKey)
		}
		who, p := g.Authenticate(r)
		if (who == nil) == (p == nil) {
			t.Fatal("neither in nor out")
		}
		if _, err := g.VerifySigV4(r, nil, "glue"); (err == nil) != (p == nil) {
			t.Errorf("as an AWS call: %v, else %v", err, p)
		}
		if who == nil {
			return
		}
		_, encoded, _ := strings.Cut(strings.TrimSpace(authorization), " ")
		decoded, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(encoded), "="))
		all := authorization + apiKey + string(decoded)
		for _, key := range []string{shopKey, segmentKey, opsKey} {
			if strings.Contains(all, key) {
				return
			}
		}
		t.Errorf("%q %q passes as %v", authorization, apiKey, who)
	})
}
