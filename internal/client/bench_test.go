package client_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"sluice/internal/client"
	"sluice/internal/sample"
)

// BenchmarkSender sends purchases to a server that only counts them: what the
// load tool itself costs.
func BenchmarkSender(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"accepted":`+itoa(int(n))+`,"rejected":[]}`)
	}))
	defer srv.Close()
	g, err := sample.New("purchases", 1)
	if err != nil {
		b.Fatal(err)
	}
	data, _ := io.ReadAll(g.Reader(200_000))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s := client.Sender{Client: client.New(srv.URL), Stream: "s"}
		if _, err := s.Run(b.Context(), bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
