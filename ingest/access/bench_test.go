package access_test

import (
	"bytes"
	"net/http/httptest"
	"testing"
	"time"

	"sluice/ingest/access"
)

func BenchmarkAuthenticate(b *testing.B) {
	g, err := access.New(access.Config{Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Authorization", "Bearer "+shopKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, p := g.Authenticate(r); p != nil {
			b.Fatal(p)
		}
	}
}

// A PutRecordBatch of 500 records of 500 bytes; nearly all of it is the hash of the
// body.
func BenchmarkVerifySigV4(b *testing.B) {
	g := signatures(b)
	body := bytes.Repeat([]byte("x"), 500*(500*4/3+12))
	r := signed(b, "AKIDSHOP", secret, "firehose", body, time.Now())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.VerifySigV4(r, body, "firehose"); err != nil {
			b.Fatal(err)
		}
	}
}
