package catalogsync_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

// account checks that each request names the catalog of another account.
type account struct {
	t    *testing.T
	next http.RoundTripper
	ops  map[string]bool
}

func (a account) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	op := strings.TrimPrefix(req.Header.Get("X-Amz-Target"), "AWSGlue.")
	a.ops[op] = true
	if !strings.Contains(string(body), `"CatalogId":"123456789012"`) {
		a.t.Errorf("%s names no catalog: %.200s", op, body)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	return a.next.RoundTrip(req)
}

// TestCatalogOfAnotherAccount: every request names it, or would go to that of the
// credentials.
func TestCatalogOfAnotherAccount(t *testing.T) {
	transport := account{t, openServer(t).Transport(), map[string]bool{}}
	c := newCatalog(t, catalogsync.Config{Transport: transport, CatalogID: "123456789012"})
	ctx := t.Context()
	if err := deliver(ctx, c, purchases); err != nil {
		t.Fatal(err)
	}
	table, err := c.Table(ctx, purchases)
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []func() error{
		func() error { _, err := c.Databases(ctx); return err },
		func() error { _, err := c.Tables(ctx, "shop"); return err },
		func() error { _, err := c.Partitions(ctx, purchases, ""); return err },
		func() error { _, err := c.Find(ctx, purchases, [][]string{{"a", "1"}}); return err },
		func() error { return c.RemovePartitions(ctx, purchases, parts(table, 0, 1)) },
		func() error { return c.Drop(ctx, purchases, func(lake.Table) bool { return true }) },
	} {
		if err := try(); err != nil {
			t.Error(err)
		}
	}
	for _, op := range strings.Fields("GetTable CreateTable CreateDatabase UpdateTable BatchGetPartition BatchCreatePartition BatchDeletePartition GetDatabases GetTables GetPartitions DeleteTable") {
		if !transport.ops[op] {
			t.Errorf("%s was not requested", op)
		}
	}
}
