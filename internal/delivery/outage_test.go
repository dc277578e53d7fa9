package delivery_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/catalogsync"
	"sluice/internal/delivery"
)

// An outage stands between the catalog's client and the catalog: from a number of
// requests on, none is answered as it should, until it is over.
type outage struct {
	next http.RoundTripper
	how  string // down, slow or throttled

	mu     sync.Mutex
	left   int // requests until it begins; below 0: never; guarded by mu
	failed int // requests that met it; guarded by mu
}

func (o *outage) begin(after int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left, o.failed = after, 0
}

func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	out := o.left == 0
	if o.left > 0 {
		o.left--
	}
	if out {
		o.failed++
	}
	o.mu.Unlock()
	switch {
	case !out:
		return o.next.RoundTrip(r)
	case o.how == "down":
		return nil, errors.New("connect: connection refused")
	case o.how == "slow":
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	io.Copy(io.Discard, r.Body)
	body := `{"__type":"ThrottlingException","Message":"Rate exceeded"}`
	return &http.Response{StatusCode: 400, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: r}, nil
}

// The catalog goes down, becomes slow or throttles in the middle of a delivery, at each of
// its requests in turn. The delivery fails, and says why; records go on being taken; when
// the catalog is back, all of them come to be in the table, once, and the log is empty.
func TestCatalogOutage(t *testing.T) {
	for _, how := range []string{"down", "slow", "throttled"} {
		t.Run(how, func(t *testing.T) {
			met := 0
			for more := true; more; met++ {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) { more = outageAfter(t, dir, how, met) })
				if got := newRigIn(t, dir).ids("s"); more && !slices.Equal(got, upTo(20)) {
					t.Errorf("after %d requests: %d records of 20: %v", met, len(got), got)
				}
			}
			if met < 4 {
				t.Errorf("the outage met %d requests of a delivery", met)
			}
		})
	}
}

// outageAfter has the outage begin after so many requests; it reports whether a delivery
// has more than these.
func outageAfter(t *testing.T, dir, how string, after int) bool {
	r := newRigIn(t, dir)
	o := &outage{next: r.glue.Transport(), how: how, left: -1}
	catalog, err := catalogsync.New(t.Context(), catalogsync.Config{Transport: o, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	d := r.deliverer(func(c *delivery.Config) {
		c.Catalog = catalog
		c.Retry, c.MaxRetry = time.Hour, time.Hour // the next flush is the next attempt
	})
	stop := start(t, d)
	var n int64
	for ; n < 10; n++ {
		r.append("s", record(n))
	}
	o.begin(after)
	_, err = d.Flush(t.Context(), "s")
	if o.failed == 0 {
		stop()
		if err != nil {
			t.Errorf("without an outage: %v", err)
		}
		return false
	}
	if err == nil || d.LastError("s") == nil {
		t.Errorf("after %d requests: error %v, last error %v", after, err, d.LastError("s"))
	}
	if len(r.buffer.Sealed()) != 1 {
		t.Errorf("after %d requests: %d batches are in the log", after, len(r.buffer.Sealed()))
	}
	for ; n < 20; n++ {
		r.append("s", record(n)) // taken all the same
	}
	o.begin(-1)
	if _, err := d.Flush(t.Context(), "s"); err != nil {
		t.Errorf("after %d requests: the catalog is back: %v", after, err)
	}
	stop()
	if left := r.buffer.Sealed(); len(left) != 0 || d.Totals("s").Delivered != n || d.LastError("s") != nil {
		t.Errorf("after %d requests: %d batches are left, totals %+v, error %v", after, len(left), d.Totals("s"), d.LastError("s"))
	}
	return true
}
