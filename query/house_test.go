package query_test

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"sluice/buffer"
	"sluice/catalogsync"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/partitioner"
	"sluice/query"
)

// A house is a lake in a folder, with the real buffer, store and converter, and
// a catalog in memory.
type house struct {
	t       testing.TB
	root    string
	store   store.Store
	buffer  *buffer.Buffer
	convert *convert.Converter
	catalog *catalog
	streams map[string]configs.Stream
	engine  *query.Engine
	files   *openedFiles
	// dialect is of what query asks: the executor's own, in which the tests of
	// planning are written, unless a test says otherwise.
	dialect query.Dialect
	// visible and mayWrite are of who asks.
	visible, mayWrite func(database string) bool
}

func newHouse(t testing.TB, streams map[string]configs.Stream, adjust ...func(*query.Config)) *house {
	t.Helper()
	h := &house{t: t, dialect: query.DuckDB, root: t.TempDir(), catalog: newCatalog(), streams: streams}
	var err error
	h.store, err = store.Open(t.Context(), "file://"+h.root, store.Config{})
	check(t, err)
	h.buffer, err = buffer.Open(buffer.Config{Dir: t.TempDir(), Rules: func(s string) []byte {
		b, err := json.Marshal(h.stream(s))
		check(t, err)
		return b
	}})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.buffer.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait(); h.buffer.Close() })
	h.convert, err = convert.New(convert.Config{Memory: 64 << 20, Threads: 1})
	check(t, err)
	h.files = &openedFiles{Store: h.store}
	cfg := query.Config{
		Catalog: h.catalog, Store: h.files, Buffer: h.buffer, Converter: h.convert, Stream: h.stream,
		Dir: t.TempDir(), Cache: 256 << 20, Memory: 512 << 20, Threads: 2, Concurrent: 2, Timeout: time.Minute,
	}
	for _, a := range adjust {
		a(&cfg)
	}
	h.engine, err = query.Open(cfg)
	check(t, err)
	t.Cleanup(func() { h.engine.Close() })
	return h
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) stream(name string) configs.Stream {
	s := h.streams[name]
	if s.Table == "" {
		s.Table = lake.CleanName(name)
	}
	if len(s.PartitionBy) == 0 {
		s.PartitionBy = []string{"dt=day(ingest)"}
	}
	return s
}

// post appends records to a stream.
func (h *house) post(stream string, records ...string) {
	h.t.Helper()
	check(h.t, h.buffer.Append(h.t.Context(), stream, lake.Block{
		Data: []byte(strings.Join(records, "\n") + "\n"), Records: len(records), Arrival: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
	}))
}

// seal seals a stream's open batch.
func (h *house) seal(stream string) { h.t.Helper(); check(h.t, h.buffer.Seal(h.t.Context(), stream)) }

// deliverSteps is a batch's way into the lake, one step a call.
func (h *house) deliverSteps(b *buffer.Batch) []func() {
	var res convert.Result
	var s configs.Stream
	var name lake.TableName
	var table lake.Table
	ctx := h.t.Context()
	return []func(){
		func() { // convert
			check(h.t, json.Unmarshal(b.Rules, &s))
			name, _ = lake.ParseTableName(s.Table, "default")
			rules, err := partitioner.Spec{PartitionBy: s.PartitionBy, Prefix: s.Prefix, Keys: s.PartitionKeys, Query: s.PartitionQuery}.Parse()
			check(h.t, err)
			table, _ = h.catalog.Table(ctx, name)
			job := convert.Job{Blocks: b.Blocks(), Columns: table.Columns, Rules: rules, Strict: s.Strict, Dir: h.t.TempDir()}
			job.Declared, err = convert.ParseColumns(s.Columns)
			check(h.t, err)
			job.Rewrite, err = convert.NewRewrite(s.Columns, s.Transform)
			check(h.t, err)
			job.Layout, err = delivery.LayoutOf(s.Layout)
			check(h.t, err)
			res, err = h.convert.Convert(ctx, job)
			check(h.t, err)
			table.Name, table.Location, table.PartitionKeys = name, h.store.URI(name.Database+"/"+name.Table)+"/", rules.Keys()
		},
		func() { // columns
			table.Columns = res.Columns
			h.catalog.put(table)
		},
		func() { // upload
			for _, f := range res.Files {
				body, err := os.Open(f.Path)
				check(h.t, err)
				defer body.Close()
				check(h.t, h.store.Put(ctx, name.Database+"/"+name.Table+"/"+f.Partition+"/"+b.ID.DataFile(), body, f.Bytes))
			}
		},
		func() { // partitions
			for _, f := range res.Files {
				h.catalog.addPartition(name, lake.Partition{Values: f.Values, Location: table.Location + f.Partition + "/"})
			}
		},
		func() { check(h.t, h.buffer.Release(ctx, b)) },
	}
}

// deliver seals and delivers a stream's batches.
func (h *house) deliver(stream string) {
	h.t.Helper()
	h.seal(stream)
	for _, b := range h.buffer.Sealed() {
		if b.Stream == stream {
			for _, step := range h.deliverSteps(b) {
				step()
			}
		}
	}
}

// query is the answer's rows, their values as JSON joined by |.
func (h *house) query(sql string) ([]string, query.Stats, error) {
	h.t.Helper()
	return h.queryIn("", sql)
}

func (h *house) queryIn(database, sql string) (rows []string, stats query.Stats, err error) {
	h.t.Helper()
	r, err := h.engine.Query(h.t.Context(), query.Request{SQL: sql, Database: database, Dialect: h.dialect, Visible: h.visible, MayWrite: h.mayWrite})
	if err != nil {
		return nil, query.Stats{}, err
	}
	defer r.Close()
	for r.Next() {
		var line []string
		for _, v := range r.Values() {
			line = append(line, string(v.AppendJSON(nil)))
		}
		rows = append(rows, strings.Join(line, "|"))
	}
	return rows, r.Stats(), r.Err()
}

// want checks a query's rows, in their order.
func (h *house) want(sql string, want ...string) query.Stats {
	h.t.Helper()
	rows, stats, err := h.query(sql)
	if err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
	if !slices.Equal(rows, want) {
		h.t.Fatalf("%s\n got %q\nwant %q", sql, rows, want)
	}
	return stats
}

// parquet writes a query's answer as a Parquet file of the lake, by DuckDB.
func (h *house) parquet(key, sql string) {
	h.t.Helper()
	path := filepath.Join(h.root, key)
	check(h.t, os.MkdirAll(filepath.Dir(path), 0o755))
	copyParquet(h.t, path, sql)
}

// A catalog is one in memory.
type catalog struct {
	mu         sync.Mutex
	tables     map[lake.TableName]lake.Table
	partitions map[lake.TableName][]lake.Partition
	failure    error
}

func newCatalog() *catalog {
	return &catalog{tables: make(map[lake.TableName]lake.Table), partitions: make(map[lake.TableName][]lake.Partition)}
}

func (c *catalog) put(t lake.Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tables[t.Name] = t
}

func (c *catalog) addPartition(name lake.TableName, p lake.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.partitions[name], func(o lake.Partition) bool { return slices.Equal(o.Values, p.Values) }) {
		c.partitions[name] = append(c.partitions[name], p)
	}
}

func (c *catalog) Databases(context.Context) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for n := range c.tables {
		names = append(names, n.Database)
	}
	slices.Sort(names)
	return slices.Compact(names), c.failure
}

func (c *catalog) Tables(_ context.Context, database string) ([]lake.Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var tables []lake.Table
	for n, t := range c.tables {
		if n.Database == database {
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 {
		return nil, fmt.Errorf("database %s: %w", database, catalogsync.ErrNotFound)
	}
	return tables, c.failure
}

func (c *catalog) Table(_ context.Context, name lake.TableName) (lake.Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tables[name]
	if !ok {
		return lake.Table{}, fmt.Errorf("table %s: %w", name, catalogsync.ErrNotFound)
	}
	return t, c.failure
}

func (c *catalog) Partitions(_ context.Context, name lake.TableName, _ string) ([]lake.Partition, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.partitions[name]), c.failure
}

// copyParquet writes a Parquet file with a DuckDB of the test's own.
func copyParquet(t testing.TB, path, sql string) {
	t.Helper()
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "COPY ("+sql+") TO '"+strings.ReplaceAll(path, "'", "''")+"' (FORMAT parquet, COMPRESSION zstd)")
	check(t, err)
}

// openedFiles notes which folders are listed.
type openedFiles struct {
	store.Store
	mu     sync.Mutex
	listed []string
}

func (o *openedFiles) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	o.mu.Lock()
	o.listed = append(o.listed, prefix)
	o.mu.Unlock()
	return o.Store.List(ctx, prefix)
}

// take is what was listed since it was last asked.
func (o *openedFiles) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	listed := o.listed
	o.listed = nil
	slices.Sort(listed)
	return listed
}

// parquetLink makes a file of the lake another name of one that is there.
func (h *house) parquetLink(key, of string) {
	h.t.Helper()
	path := filepath.Join(h.root, key)
	check(h.t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(h.t, os.Link(filepath.Join(h.root, of), path))
}

// mkdir makes a folder of the lake.
func (h *house) mkdir(key string) {
	h.t.Helper()
	check(h.t, os.MkdirAll(filepath.Join(h.root, key), 0o755))
}
