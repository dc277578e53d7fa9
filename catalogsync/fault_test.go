package catalogsync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
)

// A fault is how a request goes wrong: whether the catalog does what is asked,
// and what the client hears. No status is no answer.
type fault struct {
	name    string
	applied bool
	status  int
	code    string
}

var faults = []fault{
	{"throttled", false, 400, "ThrottlingException"},
	{"unavailable", false, 503, "ServiceUnavailable"},
	{"no connection", false, 0, ""},
	{"answer lost", true, 0, ""},
	{"internal error, applied", true, 500, "InternalServiceException"},
	{"timeout, applied", true, 400, "OperationTimeoutException"},
	{"not ready", false, 400, "ResourceNotReadyException"},
	{"answer cut off, applied", true, 200, cutOff},
}

// cutOff in place of a code is an answer that breaks off in the middle.
const cutOff = "(cut off)"

// conflicts are what a write may be answered with besides.
var conflicts = []fault{
	{"version mismatch", false, 400, "VersionMismatchException"},
	{"concurrent modification", false, 400, "ConcurrentModificationException"},
	{"concurrent modification, applied", true, 400, "ConcurrentModificationException"},
}

// A faulty transport passes requests on, but those that hit wants go wrong.
type faulty struct {
	next http.RoundTripper
	hit  func(n int, op string) *fault // n counts requests from 0

	mu  sync.Mutex
	ops []string // guarded by mu
}

func (f *faulty) RoundTrip(req *http.Request) (*http.Response, error) {
	op := strings.TrimPrefix(req.Header.Get("X-Amz-Target"), "AWSGlue.")
	f.mu.Lock()
	n := len(f.ops)
	f.ops = append(f.ops, op)
	f.mu.Unlock()
	bad := f.hit(n, op)
	if bad == nil {
		return f.next.RoundTrip(req)
	}
	if bad.applied {
		resp, err := f.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
	}
	if bad.status == 0 {
		return nil, errors.New("connection lost")
	}
	var body io.Reader = bytes.NewBufferString(fmt.Sprintf(`{"__type":%q,"Message":"injected"}`, bad.code))
	if bad.code == cutOff {
		body = io.MultiReader(strings.NewReader(`{"Table":{"Na`), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &http.Response{
		StatusCode: bad.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(body), Request: req,
	}, nil
}

// deliver is what a delivery does: a new table, partitions, a new column and new fields,
// more partitions and some that were there before the fields.
func deliver(ctx context.Context, c *catalogsync.Catalog, name lake.TableName) error {
	table := purchasesTable()
	table.Name = name
	if _, err := c.Ensure(ctx, table); err != nil {
		return err
	}
	if err := c.AddPartitions(ctx, table, parts(table, 0, 105)); err != nil {
		return err
	}
	table.Columns = grown().Columns
	if _, err := c.Ensure(ctx, table); err != nil {
		return err
	}
	return c.AddPartitions(ctx, table, parts(table, 100, 10))
}

// TestEveryRequestFails fails each request of a delivery once, in each way.
func TestEveryRequestFails(t *testing.T) {
	for _, bad := range append(faults, conflicts...) {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel() // most of the time is pauses
			server := openServer(t)
			for i, failed := 0, true; failed; i++ {
				failed = failRequest(t, server, i, bad)
			}
		})
	}
}

// failRequest runs a delivery whose i-th request goes wrong; it reports whether
// there were so many.
func failRequest(t *testing.T, server *embedded.Server, i int, bad fault) (failed bool) {
	name := lake.TableName{Database: fmt.Sprint("shop", i), Table: "purchases"}
	transport := &faulty{next: server.Transport(), hit: func(n int, op string) *fault {
		isConflict := strings.HasPrefix(bad.name, "version") || strings.HasPrefix(bad.name, "concurrent")
		writesTable := op == "UpdateTable" || op == "CreateTable" && bad.code == "ConcurrentModificationException"
		if n != i {
			return nil
		}
		failed = true
		if isConflict && !writesTable {
			return nil
		}
		return &bad
	}}
	if err := deliver(t.Context(), newCatalog(t, catalogsync.Config{Transport: transport}), name); err != nil {
		t.Fatalf("request %d: %v", i, err)
	}
	clean := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
	table, err := clean.Table(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	// A version for the columns, two for the announcement of what updates partitions, which
	// is made again or stays where an answer was lost.
	if n := len(table.Columns); n != 5 || table.Version < "2" || table.Version > "4" {
		t.Errorf("request %d (%s): %d columns, version %s", i, transport.ops[min(i, len(transport.ops)-1)], n, table.Version)
	}
	all, err := clean.Partitions(t.Context(), name, "")
	if err != nil || len(all) != 110 {
		t.Errorf("request %d: %d partitions, %v", i, len(all), err)
	}
	for _, p := range parts(table, 100, 10) {
		if columns, _ := columnsOf(t, server, name.Database, name.Table, fmt.Sprintf("%q,%q", p.Values[0], p.Values[1])); columns["user"] != grownUser {
			t.Errorf("request %d: user in partition %q is %s", i, p.Values, columns["user"])
		}
	}
	return failed
}

func TestErrorsThatStay(t *testing.T) {
	tests := []struct {
		op       string
		fault    fault
		attempts int
	}{
		{"GetTable", fault{"", false, 400, "AccessDeniedException"}, 1},
		{"CreateTable", fault{"", false, 400, "AccessDeniedException"}, 1},
		{"UpdateTable", fault{"", false, 400, "InvalidInputException"}, 1},
		{"BatchCreatePartition", fault{"", false, 400, "InvalidInputException"}, 1},
		{"GetTable", fault{"", false, 400, "ThrottlingException"}, 12},
		{"BatchGetPartition", fault{"", false, 0, ""}, 12},
		{"UpdateTable", fault{"", false, 400, "ConcurrentModificationException"}, 40},
		{"CreateTable", fault{"", false, 400, "AlreadyExistsException"}, 40},
	}
	for _, tt := range tests {
		t.Run(tt.op+" "+tt.fault.code, func(t *testing.T) {
			server := openServer(t)
			synctest.Test(t, func(t *testing.T) { // the pauses take no time
				transport := &faulty{next: server.Transport(), hit: func(_ int, op string) *fault {
					if op == tt.op {
						return &tt.fault
					}
					return nil
				}}
				err := deliver(t.Context(), newCatalog(t, catalogsync.Config{Transport: transport}), purchases)
				if err == nil {
					t.Fatal("no error")
				}
				if tt.fault.code != "" && !strings.Contains(err.Error(), tt.fault.code) {
					t.Errorf("error without the catalog's code: %v", err)
				}
				got := 0
				for _, op := range transport.ops {
					if op == tt.op {
						got++
					}
				}
				if got != tt.attempts {
					t.Errorf("%d attempts, want %d; error: %v", got, tt.attempts, err)
				}
			})
		})
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	transport := &faulty{next: openServer(t).Transport(), hit: func(n int, _ string) *fault {
		if n == 2 {
			cancel(errors.New("enough"))
		}
		return &fault{"", false, 400, "ThrottlingException"}
	}}
	c := newCatalog(t, catalogsync.Config{Transport: transport})
	if err := deliver(ctx, c, purchases); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := len(transport.ops); n != 3 {
		t.Errorf("%d requests", n)
	}
}

// partial answers BatchCreatePartition with an error for each partition, of
// which it makes those that create says.
type partial struct {
	next  http.RoundTripper
	codes []string // one a call; then calls pass
}

func (p *partial) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), "BatchCreatePartition") || len(p.codes) == 0 {
		return p.next.RoundTrip(req)
	}
	code := p.codes[0]
	p.codes = p.codes[1:]
	body := fmt.Sprintf(`{"Errors":[{"PartitionValues":["day00000","1"],"ErrorDetail":{"ErrorCode":%q,"ErrorMessage":"injected"}}]}`, code)
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(bytes.NewBufferString(body)), Request: req,
	}, nil
}

func TestErrorsOfOnePartition(t *testing.T) {
	tests := []struct {
		name  string
		codes []string
		fails string // part of the error, "" for none
	}{
		{"internal", []string{"InternalServiceException", "ThrottlingException"}, ""},
		// It says so, but the partition is not there: it was dropped meanwhile.
		{"exists and is gone", []string{"AlreadyExistsException"}, ""},
		{"fatal", []string{"ResourceNumberLimitExceededException"}, "ResourceNumberLimitExceededException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := openServer(t)
			c := newCatalog(t, catalogsync.Config{Transport: &partial{next: server.Transport(), codes: tt.codes}})
			table, err := c.Ensure(t.Context(), purchasesTable())
			if err != nil {
				t.Fatal(err)
			}
			want := parts(table, 1, 1)
			err = c.AddPartitions(t.Context(), table, want)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Partitions(t.Context(), purchases, "")
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("partitions (-want +got), %v:\n%s", err, diff)
			}
		})
	}
}
