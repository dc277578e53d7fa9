package sigv4_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sluice/ingest/sigv4"
)

// The example of the AWS documentation: ListUsers of IAM.
func TestDocumentedExample(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "+
		"SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	s, bad := sigv4.Parse(r)
	if bad != nil {
		t.Fatal(bad)
	}
	if s.AccessKeyID != "AKIDEXAMPLE" || s.Region != "us-east-1" || s.Service != "iam" || !s.Time.Equal(suiteTime) {
		t.Errorf("parsed %+v", s)
	}
	if err := verify(r, bodyHash(t, r), "iam", suiteSecret, suiteTime); err != nil {
		t.Error(err)
	}
}

const good = "AWS4-HMAC-SHA256 " + suiteScope + "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"

// What is not as it should be has a code and says why.
func TestRefusals(t *testing.T) {
	type change = func(r *http.Request)
	header := func(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
	auth := func(old, new string) change {
		return header("Authorization", strings.Replace(good, old, new, 1))
	}
	query := func(old, new string) change {
		return func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = strings.Replace(presignedQuery+strings.Repeat("0", 64), old, new, 1)
		}
	}
	for _, tc := range []struct {
		name       string
		change     change
		code, part string
	}{
		{"good", func(*http.Request) {}, "", ""},
		{"no spaces", auth(", ", ","), "", ""},
		{"date only", func(r *http.Request) {
			r.Header.Del("X-Amz-Date")
			r.Header.Set("Date", "Sun, 30 Aug 2015 12:36:00 GMT")
		}, sigv4.CodeInvalid, "did not arrive"},
		{"none", func(r *http.Request) { r.Header.Del("Authorization") }, sigv4.CodeMissing, "not signed"},
		{"twice", func(r *http.Request) { r.Header.Add("Authorization", good) }, sigv4.CodeIncomplete, "2 Authorization headers"},
		{"two ways", func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=x" }, sigv4.CodeIncomplete, "want one of them"},
		{"bearer", header("Authorization", "Bearer x"), sigv4.CodeIncomplete, "does not begin"},
		{"other algorithm", auth("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "), sigv4.CodeIncomplete, "does not begin"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, sigv4.CodeIncomplete, "neither"},
		{"bad date", header("X-Amz-Date", "yesterday"), sigv4.CodeIncomplete, "yesterday"},
		{"other day", auth("/20150830/", "/20150831/"), sigv4.CodeInvalid, "20150831"},
		{"no credential", auth("Credential=", "Cred="), sigv4.CodeIncomplete, "lacks Credential"},
		{"short credential", auth("AKIDEXAMPLE/", ""), sigv4.CodeIncomplete, "key/date"},
		{"other terminator", auth("aws4_request", "aws5_request"), sigv4.CodeIncomplete, "key/date"},
		{"field twice", auth("SignedHeaders", "Credential"), sigv4.CodeIncomplete, "is not Credential"},
		{"a fourth field", auth("Signature=", "X=1, Signature="), sigv4.CodeIncomplete, "is not Credential"},
		{"short signature", auth("5da7", ""), sigv4.CodeIncomplete, "64 hexadecimal"},
		{"long signature", auth("5da7", "5da75da7"), sigv4.CodeIncomplete, "64 hexadecimal"},
		{"no hex", auth("5da7", "xda7"), sigv4.CodeIncomplete, "64 hexadecimal"},
		{"capitals", auth("host;", "Host;"), sigv4.CodeIncomplete, "lower case"},
		{"header twice", auth("host;", "host;host;"), sigv4.CodeIncomplete, "each once"},
		{"many headers", auth("host;", "host;"+strings.Repeat("a;", 100)), sigv4.CodeIncomplete, "more than 100"},
		{"host not signed", auth("host;", ""), sigv4.CodeInvalid, "host is not signed"},
		{"target not signed", header("X-Amz-Target", "Firehose_20150804.PutRecord"), sigv4.CodeInvalid, "x-amz-target is not signed"},
		{"header gone", auth("host;", "host;x-gone;"), sigv4.CodeInvalid, "x-gone is signed, but did not arrive"},
		{"other service", auth("/service/", "/glue/"), sigv4.CodeInvalid, `service "glue"; this is service`},
		{"claimed hash", header("X-Amz-Content-Sha256", strings.Repeat("0", 64)), sigv4.CodeInvalid, "not the one that was signed"},
		{"unsigned body", header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), sigv4.CodeInvalid, "UNSIGNED-PAYLOAD"},
		{"streaming", header("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), sigv4.CodeInvalid, "STREAMING"},
		{"wrong", auth("5da7", "5da8"), sigv4.CodeInvalid, "is the secret right"},
		{"query wrong", query("", ""), sigv4.CodeInvalid, "is the secret right"},
		{"query twice", query("X-Amz-Date", "X-Amz-Date=1&X-Amz-Date"), sigv4.CodeIncomplete, "X-Amz-Date 2 times"},
		{"query lacks", query("X-Amz-Date", "Date"), sigv4.CodeIncomplete, "X-Amz-Date 0 times"},
		{"query algorithm", query("HMAC", "X"), sigv4.CodeIncomplete, "X-Amz-Algorithm"},
		{"query forever", query("Expires=3600", "Expires=604801"), sigv4.CodeIncomplete, "X-Amz-Expires"},
		{"query expires 0", query("Expires=3600", "Expires=0"), sigv4.CodeIncomplete, "X-Amz-Expires"},
		{"query escape", query("X-Amz-Date", "%zz&X-Amz-Date"), sigv4.CodeIncomplete, "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := vector{line: "POST /", signature: good[len(good)-64:]}.request(t)
			tc.change(r)
			err := verify(r, bodyHash(t, r), suiteService, suiteSecret, suiteTime)
			switch {
			case tc.code == "" && err != nil:
				t.Error(err)
			case tc.code != "" && (err == nil || err.Code != tc.code || !strings.Contains(err.Message, tc.part)):
				t.Errorf("got %v, want %s with %q", err, tc.code, tc.part)
			case err != nil && strings.Contains(err.Error(), suiteSecret):
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

// A secret does not show, however it is printed.
func TestSecretDoesNotShow(t *testing.T) {
	s := sigv4.NewSecret("xyzzy")
	type holder struct{ S sigv4.Secret }
	marshalled, err := json.Marshal(holder{s})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s, "holder", holder{s}, "pointer", &s)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", s, "holder", holder{s}, "pointer", &holder{s})
	all := fmt.Sprint(s, &s, holder{s}, &holder{s}, []sigv4.Secret{s}) + fmt.Sprintf("%v %+v %#v %s %q %x %d %T", s, holder{s}, holder{s}, s, s, s, s, s) +
		fmt.Errorf("oops: %v", s).Error() + string(marshalled) + logged.String() + s.String()
	if strings.Contains(all, "xyzzy") || strings.Contains(all, "78797a7a79") {
		t.Error(all)
	}
}

// What comes over the wire never panics, and what is let through says what it is.
func FuzzParse(f *testing.F) {
	f.Add(good, "20150830T123600Z", "", "/")
	f.Add("", "", presignedQuery+strings.Repeat("0", 64), "/a/../b")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=;,Signature=", "Sun, 30 Aug 2015 12:36:00 GMT", "%", "http://x/?")
	f.Add("AWS4-HMAC-SHA256", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&%ff=%", "*")
	f.Fuzz(func(t *testing.T, auth, date, query, uri string) {
		r := &http.Request{Method: "POST", Host: "h", RequestURI: uri, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		r.Header.Set("X-Amz-Date", date)
		s, err := sigv4.Parse(r)
		if err != nil {
			if s, again := sigv4.Parse(r); again == nil {
				t.Errorf("%v, then %v", err, s)
			}
			return
		}
		if s.Time.IsZero() || !sigv4.Signed(r) {
			t.Errorf("%+v is taken for a signature", s)
		}
		s.Check(r, s.Service, s.Time)
		if s.Verify(r, [32]byte{}, sigv4.NewSecret("s")) == nil {
			t.Error("a signature was guessed")
		}
	})
}
