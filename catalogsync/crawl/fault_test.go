package crawl_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/internal/lake/store"
)

// refusing refuses the i-th request, before or after it was done.
type refusing struct {
	next  http.RoundTripper
	at    int
	after bool
	n     int
}

func (f *refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	hit := f.n == f.at
	f.n++
	if !hit {
		return f.next.RoundTrip(r)
	}
	if f.after {
		resp, err := f.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	} else {
		io.Copy(io.Discard, r.Body)
	}
	body := `{"__type":"AccessDeniedException","Message":"not for you"}`
	return &http.Response{StatusCode: 400, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: r}, nil
}

// A crawl that fails at any of its requests to the catalog, done or not, says so, and the
// next one makes the rest: in the end all is there.
func TestFaultAtEveryRequest(t *testing.T) {
	for _, after := range []bool{false, true} {
		for i := 0; ; i++ {
			p := newPlace(t)
			p.put("orders/dt=1/a.parquet", parquetOf(t, order{1}))
			p.puts("events/2026/01/31/a.json", `{"n":1}`, "names/a.csv", "id,name\n1,x\n")
			transport := &refusing{next: p.server.Transport(), at: i, after: after}
			var err error
			if p.glue, err = catalogsync.New(t.Context(), catalogsync.Config{Transport: transport}); err != nil {
				t.Fatal(err)
			}
			c := p.crawler(p.config())
			res, err := c.Run(t.Context(), false)
			for _, table := range res.Tables {
				err = errors.Join(err, table.Err)
			}
			if transport.n <= i {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			if err == nil {
				t.Errorf("request %d was refused (done: %v), and the crawl says nothing", i, after)
			}
			p.run(c, false)
			if diff := cmp.Diff([]string{"table events json year/month/day", "table names csv", "table orders parquet dt"}, p.run(p.crawler(p.config()), false)); diff != "" {
				t.Errorf("request %d (done: %v):\n%s", i, after, diff)
			}
		}
	}
}

// A file that cannot be read, or is replaced while it is, is a conflict, and keeps no other
// from being taken.
func TestUnreadableFile(t *testing.T) {
	for _, cause := range []error{errors.New("access denied"), store.ErrChanged} {
		p := newPlace(t)
		p.puts("a/x.json", `{"n":1}`, "a/y.json", `{"m":1}`, "b/x.json", `{"n":1}`)
		cfg := p.config()
		cfg.Lake = &broken{Store: p.lake, key: "a/x.json", err: cause}
		p.check(p.crawler(cfg),
			"new a json", "+ m bigint", "? a/x.json: it could not be read, and its columns were not taken: "+cause.Error(),
			"new b json", "+ n bigint")
	}
}

type broken struct {
	store.Store
	key string
	err error
}

func (b *broken) GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error) {
	if o.Key == b.key {
		return nil, b.err
	}
	return b.Store.GetVersion(ctx, o, off, length)
}
