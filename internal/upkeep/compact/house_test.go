package compact_test

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/catalogsync/moves"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/compact"

	_ "github.com/duckdb/duckdb-go/v2"
)

var events = lake.TableName{Database: "shop", Table: "events"}

// A house is a lake with a table, its catalog, and who delivers into it.
type house struct {
	t         testing.TB
	dir       string
	endpoint  string
	store     store.Store
	catalog   *catalogsync.Catalog
	table     lake.Table
	converter *convert.Converter
	db        *sql.DB
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openHouse(t testing.TB, keys ...lake.Column) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	server, err := embedded.Open(filepath.Join(h.dir, "catalog.db"))
	check(t, err)
	t.Cleanup(func() { server.Close() })
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	h.endpoint = web.URL
	h.store, h.catalog = openLake(t, h.dir, h.endpoint)
	h.converter, err = convert.New(convert.Config{Threads: 1})
	check(t, err)
	h.table, err = h.catalog.Ensure(t.Context(), lake.Table{
		Name: events, Location: h.store.URI("shop/events") + "/", PartitionKeys: keys,
		Columns: []lake.Column{{Name: "id", Type: lake.Bigint}, {Name: "text", Type: lake.String}},
	})
	check(t, err)
	h.db, err = sql.Open("duckdb", "")
	check(t, err)
	t.Cleanup(func() { h.db.Close() })
	return h
}

func openLake(t testing.TB, dir, endpoint string) (store.Store, *catalogsync.Catalog) {
	t.Helper()
	s, err := store.Open(context.Background(), filepath.Join(dir, "lake"), store.Config{})
	check(t, err)
	c, err := catalogsync.New(context.Background(), catalogsync.Config{Endpoint: endpoint, Region: "us-east-1", AccessKeyID: "a", SecretAccessKey: "b"})
	check(t, err)
	return s, c
}

func (h *house) compactor(change func(*compact.Config)) *compact.Compactor {
	h.t.Helper()
	cfg := compact.Config{Catalog: h.catalog, Store: h.store, Converter: h.converter, Dir: filepath.Join(h.dir, "compaction"), Grace: time.Hour}
	if change != nil {
		change(&cfg)
	}
	c, err := compact.Open(cfg)
	check(h.t, err)
	return c
}

// deliver delivers rows with the ids from one on to a partition, as package delivery does.
func (h *house) deliver(ctx context.Context, partition string, from, rows int) (lake.BatchID, error) {
	var lines strings.Builder
	for i := range rows {
		fmt.Fprintf(&lines, "{\"id\":%d,\"text\":\"event number %d\"}\n", from+i, (from+i)%100)
	}
	dir, err := os.MkdirTemp(h.dir, "staging-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	blocks := func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			yield(lake.Block{Data: []byte(lines.String()), Records: rows, Arrival: time.Now()}, nil)
		}
	}
	res, err := h.converter.Convert(ctx, convert.Job{Blocks: blocks, Columns: h.table.Columns, Dir: dir})
	if err != nil {
		return "", err
	}
	table, err := h.catalog.Table(ctx, events)
	if err != nil {
		return "", err
	}
	id := lake.NewBatchID(time.Now())
	parts := []lake.Partition{{Location: table.Location}}
	if partition != "" {
		parts = []lake.Partition{{Values: []string{partition}, Location: table.Location + "dt=" + partition + "/"}}
	}
	if parts, err = moves.Places(ctx, h.catalog, table, parts); err != nil {
		return "", err
	}
	put := func(ctx context.Context, parts []lake.Partition) error {
		key, _ := h.store.Key(parts[0].Location)
		f, err := os.Open(res.Files[0].Path)
		if err != nil {
			return err
		}
		defer f.Close()
		return h.store.Put(ctx, strings.TrimSuffix(key, "/")+"/"+id.DataFile(), f, res.Files[0].Bytes)
	}
	if err := put(ctx, parts); err != nil {
		return "", err
	}
	return id, moves.Land(ctx, h.catalog, table, parts, put)
}

// files are those that a reader finds who asks the catalog, by partition.
func (h *house) files(ctx context.Context) (map[string][]string, error) {
	t, err := h.catalog.Table(ctx, events)
	if err != nil {
		return nil, err
	}
	parts := []lake.Partition{{Location: t.Location}}
	if len(t.PartitionKeys) > 0 {
		if parts, err = h.catalog.Partitions(ctx, events, ""); err != nil {
			return nil, err
		}
	}
	out := map[string][]string{}
	for _, p := range parts {
		key, _ := h.store.Key(p.Location)
		key = strings.TrimSuffix(key, "/")
		for o, err := range h.store.List(ctx, key) {
			if err != nil {
				return nil, err
			}
			if strings.HasPrefix(strings.TrimPrefix(o.Key, key+"/"), "_") {
				continue
			}
			path, _ := h.store.LocalPath(o.Key)
			name := strings.Join(p.Values, "/")
			out[name] = append(out[name], path)
		}
	}
	return out, nil
}

// query asks DuckDB over files.
func (h *house) query(ctx context.Context, sql string, files []string) (string, error) {
	var s string
	err := h.db.QueryRowContext(ctx, fmt.Sprintf("SELECT (%s)::VARCHAR FROM read_parquet(['%s'])", sql, strings.Join(files, "','"))).Scan(&s)
	return s, err
}

// digest is the number of rows, of different ones, and a checksum of each partition.
func (h *house) digest() map[string]string {
	h.t.Helper()
	files, err := h.files(h.t.Context())
	check(h.t, err)
	out := map[string]string{}
	for p, paths := range files {
		out[p], err = h.query(h.t.Context(), "{n: count(*), ids: count(DISTINCT id), sum: bit_xor(hash(id, text))}", paths)
		check(h.t, err)
	}
	return out
}

func sorted(m map[string][]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
