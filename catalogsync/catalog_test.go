package catalogsync_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
)

func openServer(t *testing.T) *embedded.Server {
	t.Helper()
	s, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newCatalog(t *testing.T, cfg catalogsync.Config) *catalogsync.Catalog {
	t.Helper()
	c, err := catalogsync.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// overEach runs a test over the in-process transport and over a socket, and over a
// catalog that nobody here wrote.
func overEach(t *testing.T, f func(t *testing.T, c *catalogsync.Catalog)) {
	t.Run("in process", func(t *testing.T) {
		f(t, newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()}))
	})
	t.Run("over HTTP", func(t *testing.T) {
		srv := httptest.NewServer(openServer(t))
		t.Cleanup(srv.Close)
		f(t, newCatalog(t, catalogsync.Config{
			Endpoint: srv.URL, Region: "eu-central-1", CatalogID: "123456789012",
			AccessKeyID: "id", SecretAccessKey: "secret", Registerer: prometheus.NewRegistry(),
		}))
	})
	t.Run("moto", func(t *testing.T) {
		f(t, newCatalog(t, catalogsync.Config{Endpoint: moto(t), Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "secret"}))
	})
}

// moto is the address of an empty catalog of moto's. The test is skipped where it is not
// installed: see internal/clienttest.
func moto(t *testing.T) string {
	t.Helper()
	url, err := startMoto()
	if err != nil {
		t.Fatal(err)
	}
	if url == "" {
		t.Skip("TEST_PYTHON, a Python with internal/clienttest/requirements-catalog.txt, has no moto")
	}
	resp, err := http.Post(url+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return url
}

// motoLives is moto's standard input, which it ends with.
var motoLives io.WriteCloser

// startMoto starts the one server of the tests, which ends with them; "" if it is not
// installed.
var startMoto = sync.OnceValues(func() (url string, err error) {
	python := os.Getenv("TEST_PYTHON")
	if python == "" || exec.Command(python, "-c", "import moto.server").Run() != nil {
		return "", nil
	}
	cmd := exec.Command(python, "testdata/serve_moto.py")
	if motoLives, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	if url, err = bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return "", fmt.Errorf("start moto: %w", err)
	}
	return strings.TrimSpace(url), nil
})

func mustType(t *testing.T, s string) lake.Type {
	t.Helper()
	typ, err := lake.ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

var purchases = lake.TableName{Database: "shop", Table: "purchases"}

func purchasesTable() lake.Table {
	return lake.Table{
		Name:     purchases,
		Location: "file:///lake/shop/purchases/",
		Columns: []lake.Column{
			{Name: "bookid", Type: lake.Bigint, Key: "bookId"},
			{Name: "title", Type: lake.String},
			{Name: "_rescued", Type: lake.MapOf(lake.String)},
			{Name: "user", Key: "User", Type: lake.StructOf(
				lake.Column{Name: "country", Type: lake.String, Key: "Country"},
				lake.Column{Name: "tags", Type: lake.ArrayOf(lake.StructOf(lake.Column{Name: "t", Type: lake.Timestamp, Key: "T"}))})},
		},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}, {Name: "hr", Type: lake.Int}},
		Parameters:    map[string]string{"sluice.stream": "purchases"},
	}
}

func TestEnsureCreates(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		ctx := t.Context()
		if _, err := c.Table(ctx, purchases); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Fatalf("a table of no database: %v", err)
		}
		if _, err := c.Tables(ctx, "shop"); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Fatalf("the tables of no database: %v", err)
		}
		got, err := c.Ensure(ctx, purchasesTable())
		if err != nil {
			t.Fatal(err)
		}
		want := purchasesTable()
		want.Version = got.Version // our catalog begins with 0, moto's with 1
		want.Parameters = map[string]string{"sluice.stream": "purchases", "classification": "parquet", "EXTERNAL": "TRUE"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Ensure (-want +got):\n%s", diff)
		}
		read, err := c.Table(ctx, purchases)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, read); diff != "" {
			t.Errorf("Table (-want +got):\n%s", diff)
		}
		if _, err := c.Table(ctx, lake.TableName{Database: "shop", Table: "sales"}); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Errorf("a table that is not there: %v", err)
		}
		names, err := c.Databases(ctx)
		if err != nil || !cmp.Equal(names, []string{"shop"}) {
			t.Errorf("databases %v, %v", names, err)
		}
		tables, err := c.Tables(ctx, "shop")
		if err != nil || !cmp.Equal(tables, []lake.Table{want}) {
			t.Errorf("tables %v, %v", tables, err)
		}
	})
}

func TestEnsureAdds(t *testing.T) {
	column := func(name, typ string) lake.Column { return lake.Column{Name: name, Type: mustType(t, typ)} }
	tests := []struct {
		name, have, want, result string
		changed                  bool
	}{
		{"same", "a:int b:string", "b:string a:int", "a:int b:string", false},
		{"fewer", "a:int b:string", "b:string", "a:int b:string", false},
		{"more", "a:int", "c:date b:double", "a:int c:date b:double", true},
		{"another type", "a:int", "a:string", "a:int", false},
		{"a wider type", "a:int", "a:bigint", "a:int", false},
		{"partition key", "a:int", "dt:bigint a:int", "a:int", false},
		{"struct field", "s:struct<a:int>", "s:struct<b:int,a:string>", "s:struct<a:int,b:int>", true},
		{"struct in struct", "s:struct<a:struct<x:int>,z:int>", "s:struct<a:struct<y:int>>", "s:struct<a:struct<x:int,y:int>,z:int>", true},
		{"struct in array", "s:array<struct<a:int>>", "s:array<struct<b:string>>", "s:array<struct<a:int,b:string>>", true},
		{"struct in map", "s:map<string,struct<a:int>>", "s:map<string,struct<b:string>>", "s:map<string,struct<a:int,b:string>>", true},
		{"struct deep down", "s:array<map<string,array<struct<a:struct<b:int>>>>>", "s:array<map<string,array<struct<a:struct<c:int>>>>>",
			"s:array<map<string,array<struct<a:struct<b:int,c:int>>>>>", true},
		{"struct against map", "s:map<string,string>", "s:struct<a:int>", "s:map<string,string>", false},
		{"struct fields there", "s:struct<a:int,b:int>", "s:struct<b:string>", "s:struct<a:int,b:int>", false},
		{"twice", "a:int", "b:int b:string", "a:int b:int", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
			columns := func(spec string) (out []lake.Column) {
				for _, f := range fields(spec) {
					out = append(out, column(f[0], f[1]))
				}
				return out
			}
			table := lake.Table{
				Name: purchases, Location: "file:///x/", Columns: columns(tt.have),
				PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}},
			}
			if _, err := c.Ensure(t.Context(), table); err != nil {
				t.Fatal(err)
			}
			table.Columns = columns(tt.want)
			wantVersion := "0"
			if tt.changed {
				wantVersion = "1"
			}
			for range 2 { // the second time nothing is left to do
				got, err := c.Ensure(t.Context(), table)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(columns(tt.result), got.Columns); diff != "" {
					t.Errorf("columns (-want +got):\n%s", diff)
				}
				if got.Version != wantVersion {
					t.Errorf("version %s, want %s", got.Version, wantVersion)
				}
			}
		})
	}
}

// fields cuts "a:int b:struct<c:int>" into names and types.
func fields(spec string) (out [][2]string) {
	for len(spec) > 0 {
		var word string
		for i := 0; i <= len(spec); i++ {
			if i == len(spec) || spec[i] == ' ' {
				word, spec = spec[:i], spec[min(i+1, len(spec)):]
				break
			}
		}
		for i := range word {
			if word[i] == ':' {
				out = append(out, [2]string{word[:i], word[i+1:]})
				break
			}
		}
	}
	return out
}

func TestEnsureKeepsKeysOfNewFields(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	table := purchasesTable()
	if _, err := c.Ensure(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	table.Columns = []lake.Column{
		{Name: "user", Key: "USER", Type: lake.StructOf(
			lake.Column{Name: "country", Key: "COUNTRY", Type: lake.String},
			lake.Column{Name: "age_group", Key: "age-group", Type: lake.String})},
		{Name: "price", Key: "Price", Type: lake.Double},
	}
	got, err := c.Ensure(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	want := purchasesTable().Columns // the first spelling seen stays
	user := want[3]
	user.Type.Fields = append(user.Type.Fields, lake.Column{Name: "age_group", Key: "age-group", Type: lake.String})
	want[3] = user
	want = append(want, lake.Column{Name: "price", Key: "Price", Type: lake.Double})
	if diff := cmp.Diff(want, got.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestEnsureRefuses(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	for name, change := range map[string]func(*lake.Table){
		"location without a slash": func(t *lake.Table) { t.Location = "file:///x" },
		"column without a type":    func(t *lake.Table) { t.Columns[0].Type = lake.Type{} },
		"column without a name":    func(t *lake.Table) { t.Columns[0].Name = "" },
		"empty struct":             func(t *lake.Table) { t.Columns[0].Type = lake.ArrayOf(lake.StructOf()) },
		"key without a type":       func(t *lake.Table) { t.PartitionKeys[0].Type = lake.Type{} },
	} {
		table := purchasesTable()
		change(&table)
		if _, err := c.Ensure(t.Context(), table); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if names, err := c.Databases(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("refused tables left databases %v, %v", names, err)
	}
}

func TestListingsHaveAllPages(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		table := purchasesTable()
		for i := range 130 {
			table.Name.Table = fmt.Sprintf("t%03d", i)
			if _, err := c.Ensure(t.Context(), table); err != nil {
				t.Fatal(err)
			}
		}
		tables, err := c.Tables(t.Context(), "shop")
		if err != nil || len(tables) != 130 {
			t.Fatalf("%d tables, %v", len(tables), err)
		}
		for i, table := range tables {
			if want := fmt.Sprintf("t%03d", i); table.Name.Table != want {
				t.Fatalf("table %d is %s, want %s", i, table.Name, want)
			}
		}
	})
}

func TestMetricsOfTwoCatalogsMayNotShareARegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport(), Registerer: reg})
	if _, err := catalogsync.New(context.Background(), catalogsync.Config{Transport: openServer(t).Transport(), Registerer: reg}); err == nil {
		t.Error("no error")
	}
	if n, err := reg.Gather(); err != nil || len(n) == 0 {
		t.Errorf("%d metrics, %v", len(n), err)
	}
}
