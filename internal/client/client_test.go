package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/client"
)

// serveOne answers every request of one pattern.
func serveOne(t *testing.T, pattern, answer string, status int) *client.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		io.WriteString(w, strings.ReplaceAll(answer, "$BODY", string(body)))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return client.New(srv.URL + "/")
}

func TestCalls(t *testing.T) {
	ctx := t.Context()
	if err := serveOne(t, "GET /healthz", "ok\n", 200).Health(ctx); err != nil {
		t.Error(err)
	}
	if err := serveOne(t, "GET /readyz", "ok\n", 200).Ready(ctx); err != nil {
		t.Error(err)
	}
	at := time.Date(2026, 1, 31, 1, 2, 3, 0, time.UTC)
	const state = `{"name":"s","table":"default.s","buffered_records":2,"buffered_bytes":20,"oldest_arrival":"2026-01-31T01:02:03Z",` +
		`"open_batches":1,"sealed_batches":0,"accepted":12,"delivered":9,"failed":1,"last_delivery":null,"last_error":"x","new":1}`
	want := client.StreamState{Name: "s", Table: "default.s", BufferedRecords: 2, BufferedBytes: 20, OldestArrival: &at,
		OpenBatches: 1, Accepted: 12, Delivered: 9, Failed: 1, LastError: "x"}
	list, err := serveOne(t, "GET /v1/streams", `{"streams":[`+state+`]}`, 200).Streams(ctx)
	if diff := cmp.Diff([]client.StreamState{want}, list); diff != "" || err != nil {
		t.Error(diff, err)
	}
	one, err := serveOne(t, "GET /v1/streams/a%20b", state, 200).Stream(ctx, "a b")
	if diff := cmp.Diff(want, one); diff != "" || err != nil {
		t.Error(diff, err)
	}
	flushed, err := serveOne(t, "POST /v1/streams/s/flush", `{"batches":1,"records":7,"files":2,"table":"default.s"}`, 200).Flush(ctx, "s")
	if diff := cmp.Diff(client.Flushed{Batches: 1, Records: 7, Files: 2, Table: "default.s"}, flushed); diff != "" || err != nil {
		t.Error(diff, err)
	}
	rows, err := serveOne(t, "POST /v1/query", "$BODY", 200).Query(ctx, "select '<'", "csv")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	data, err := io.ReadAll(rows)
	if want := `{"sql":"select '\u003c'","format":"csv"}`; string(data) != want || err != nil {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	result, err := serveOne(t, "POST /v1/streams/s/records", `{"accepted":3,"rejected":[{"index":1,"error":"bad"}],"rejected_total":5}`, 200).
		Send(ctx, "s", strings.NewReader("{}"))
	if diff := cmp.Diff(client.Result{Accepted: 3, Rejected: 5, Rejections: []client.IndexedRejection{{Index: 1, Error: "bad"}}, ResumeFrom: -1}, result); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestErrors(t *testing.T) {
	ctx := t.Context()
	query := func(status int, answer string) error {
		rows, err := serveOne(t, "POST /v1/query", answer, status).Query(ctx, "select 1", "json")
		if err == nil {
			rows.Close()
		}
		return err
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{query(400, `{"error":{"code":"syntax","message":"line 1: unexpected end"}}`), "line 1: unexpected end (400 syntax)"},
		{query(502, "<html>bad gateway</html>\n"), "the server answered 502 Bad Gateway: <html>bad gateway</html>"},
		{query(500, ""), "the server answered 500 Internal Server Error: nothing more was said"},
		{query(301, ""), "the server answered 301 Moved Permanently: nothing more was said"},
		{client.New("ftp://x").Health(ctx), `server address "ftp://x": want a URL, such as http://127.0.0.1:8080`},
		{client.New("http://").Health(ctx), `server address "http://": want a URL, such as http://127.0.0.1:8080`},
		{client.New("http://a b").Health(ctx), `server address "http://a b": want a URL, such as http://127.0.0.1:8080`},
	} {
		if tc.err == nil || tc.err.Error() != tc.want {
			t.Errorf("got  %v\nwant %s", tc.err, tc.want)
		}
	}
	c := serveOne(t, "/", "hello", 200)
	if _, err := c.Streams(ctx); err == nil || !strings.Contains(err.Error(), "is that a Sluice server?") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Send(ctx, "s", strings.NewReader("{}")); err == nil || !strings.Contains(err.Error(), "is that a Sluice server?") {
		t.Errorf("got %v", err)
	}
	if _, err := serveOne(t, "/", `{"ok":true}`, 200).Send(ctx, "s", strings.NewReader("{}")); err == nil || !strings.Contains(err.Error(), "is that a Sluice server?") {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"", ".", ".."} {
		_, sendErr := c.Send(ctx, name, strings.NewReader("{}"))
		_, flushErr := c.Flush(ctx, name)
		_, stateErr := c.Stream(ctx, name)
		for _, err := range []error{sendErr, flushErr, stateErr} {
			if err == nil || !strings.Contains(err.Error(), "cannot name a stream") {
				t.Errorf("stream %q: %v", name, err)
			}
		}
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var gone *client.UnreachableError
	err = client.New(addr).Health(t.Context())
	want := "cannot reach http://" + addr + ": is `sluice serve` running there? (dial tcp " + addr + ": connect: connection refused)"
	if !errors.As(err, &gone) || !gone.Unsent || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	err = client.New("https" + strings.TrimPrefix(srv.URL, "http")).Health(t.Context())
	if !errors.As(err, &gone) || !strings.HasSuffix(err.Error(), ": it speaks http, not https") {
		t.Errorf("got %v", err)
	}
	c := client.New("http://nowhere.test")
	c.SetDial(func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}}
	})
	err = c.Health(t.Context())
	if want := "cannot reach http://nowhere.test: the host nowhere.test is not known: no such host"; !errors.As(err, &gone) || !gone.Unsent || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) { time.Sleep(time.Hour) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := f.client.Send(ctx, "s", strings.NewReader("{}"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "http://sluice.test did not answer in time") {
			t.Errorf("got %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := f.client.Send(ctx, "s", strings.NewReader("{}")); err != context.Canceled {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Hour) // the handler comes to its end
	})
}

// TestBrokenRows has the connection break in the middle of an answer.
func TestBrokenRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{conns: make(chan net.Conn), closed: make(chan struct{})}
		f.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"rows":[[1],`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}))
		rows, err := f.client.Query(t.Context(), "select 1", "json")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if data, err := io.ReadAll(rows); err == nil {
			t.Errorf("a cut answer reads as %q without an error", data)
		}
	})
}
