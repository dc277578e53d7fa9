package delivery_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/lake/store"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// A rig is a data folder with all that delivery needs.
type rig struct {
	t       testing.TB
	dir     string
	buffer  *buffer.Buffer
	glue    *embedded.Server
	catalog *catalogsync.Catalog
	store   store.Store
	streams map[string]configs.Stream
	raw     configs.Raw
	memory  int64 // of the rules
}

func newRig(t testing.TB) *rig { return newRigIn(t, t.TempDir()) }

func newRigIn(t testing.TB, dir string) *rig {
	r := &rig{t: t, dir: dir, streams: map[string]configs.Stream{}}
	r.openCatalog()
	t.Cleanup(func() { r.glue.Close() })
	var err error
	if r.store, err = store.Open(context.Background(), filepath.Join(r.dir, "lake"), store.Config{}); err != nil {
		t.Fatal(err)
	}
	r.openBuffer()
	t.Cleanup(func() { r.buffer.Close() })
	return r
}

func (r *rig) openCatalog() {
	r.t.Helper()
	var err error
	if r.glue, err = embedded.Open(filepath.Join(r.dir, "catalog.db")); err != nil {
		r.t.Fatal(err)
	}
	if r.catalog, err = catalogsync.New(context.Background(), catalogsync.Config{Transport: r.glue.Transport()}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) openBuffer() {
	b, err := buffer.Open(buffer.Config{Dir: filepath.Join(r.dir, "buffer"), Rules: func(stream string) []byte {
		rules, _ := json.Marshal(delivery.Rules{Stream: r.stream(stream), Raw: r.raw, Memory: r.memory, Lanes: 2})
		return rules
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.buffer = b
}

func (r *rig) stream(name string) configs.Stream {
	s := r.streams[name]
	if s.Table == "" {
		s.Table = "default." + name
	}
	return s
}

// deliverer opens delivery over the rig; change may put faults in.
func (r *rig) deliverer(change func(*delivery.Config)) *delivery.Deliverer {
	r.t.Helper()
	converter, err := convert.New(convert.Config{Threads: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := delivery.Config{
		Log: r.buffer, Catalog: r.catalog, NotFound: catalogsync.ErrNotFound, Store: r.store, Converter: converter,
		Database: "default",
		Staging:  filepath.Join(r.dir, "staging"), Ledger: filepath.Join(r.dir, "delivery"), Plans: filepath.Join(r.dir, "delivery", "plans"),
		Retry: time.Nanosecond, MaxRetry: time.Nanosecond,
	}
	if change != nil {
		change(&cfg)
	}
	d, err := delivery.Open(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// start runs delivery until the function that it returns is called.
func start(t testing.TB, d *delivery.Deliverer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func (r *rig) append(stream string, records ...string) {
	r.t.Helper()
	block := lake.Block{Data: []byte(strings.Join(records, "\n") + "\n"), Records: len(records), Arrival: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)}
	if err := r.buffer.Append(context.Background(), stream, block); err != nil {
		r.t.Fatal(err)
	}
}

// ids reads the column id of every file in every registered partition.
func (r *rig) ids(table string) []int64 {
	r.t.Helper()
	ctx := context.Background()
	parts, err := r.catalog.Partitions(ctx, lake.TableName{Database: "default", Table: table}, "")
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []int64
	for _, p := range parts {
		key, ok := r.store.Key(p.Location)
		if !ok {
			r.t.Fatalf("partition at %s is outside the lake", p.Location)
		}
		for o, err := range r.store.List(ctx, key) {
			if err != nil {
				r.t.Fatal(err)
			}
			path, _ := r.store.LocalPath(o.Key)
			rows, err := parquet.ReadFile[struct {
				ID *int64 `parquet:"id,optional"`
			}](path)
			if err != nil {
				r.t.Fatal(err)
			}
			for _, row := range rows {
				ids = append(ids, *row.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func upTo(n int64) (ids []int64) {
	for i := range n {
		ids = append(ids, i)
	}
	return ids
}

func record(i int64) string { return fmt.Sprintf(`{"id":%d,"k":"k%d"}`, i, i%3) }

func TestFlush(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}}
	d := r.deliverer(nil)
	defer start(t, d)()
	for i := range int64(10) {
		r.append("s", record(i))
	}
	got, err := d.Flush(context.Background(), "s")
	if err != nil {
		t.Fatal(err)
	}
	want := delivery.Flushed{Batches: 1, Records: 10, Files: 3, Table: lake.TableName{Database: "default", Table: "s"}}
	if got != want {
		t.Errorf("flushed %+v, want %+v", got, want)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(10)) {
		t.Errorf("in the lake: %v", ids)
	}
	if totals := d.Totals("s"); totals.Delivered != 10 || totals.Failed != 0 || totals.Batches != 1 {
		t.Errorf("totals %+v", totals)
	}
	if again, err := d.Flush(context.Background(), "s"); err != nil || again.Batches != 0 {
		t.Errorf("second flush: %+v, %v", again, err)
	}
	left, _ := os.ReadDir(filepath.Join(r.dir, "staging"))
	if len(left) != 0 {
		t.Errorf("left in staging: %v", left)
	}
}

var errInjected = errors.New("injected fault")

// faulty fails the n-th call to the store or the catalog, before or after it
// takes effect.
type faulty struct {
	store   store.Store
	catalog *catalogsync.Catalog
	calls   *atomic.Int64
	at      int64
	applied bool
}

func (f faulty) do(call func() error) error {
	if f.calls.Add(1)-1 != f.at {
		return call()
	}
	if f.applied {
		if err := call(); err != nil {
			return err
		}
	}
	return errInjected
}

func (f faulty) Put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	return f.do(func() error { return f.store.Put(ctx, key, body, size) })
}
func (f faulty) Delete(ctx context.Context, key string) error {
	return f.do(func() error { return f.store.Delete(ctx, key) })
}
func (f faulty) Stat(ctx context.Context, key string) (o store.Object, err error) {
	err = f.do(func() (err error) { o, err = f.store.Stat(ctx, key); return err })
	return o, err
}
func (f faulty) URI(key string) string         { return f.store.URI(key) }
func (f faulty) Key(uri string) (string, bool) { return f.store.Key(uri) }

func (f faulty) Table(ctx context.Context, name lake.TableName) (t lake.Table, err error) {
	err = f.do(func() (err error) { t, err = f.catalog.Table(ctx, name); return err })
	return t, err
}

func (f faulty) Ensure(ctx context.Context, want lake.Table) (t lake.Table, err error) {
	err = f.do(func() (err error) { t, err = f.catalog.Ensure(ctx, want); return err })
	return t, err
}

func (f faulty) Register(ctx context.Context, table lake.Table, parts []lake.Partition) (out []lake.Partition, err error) {
	err = f.do(func() (err error) { out, err = f.catalog.Register(ctx, table, parts); return err })
	return out, err
}

func (f faulty) Find(ctx context.Context, name lake.TableName, values [][]string) (out []lake.Partition, err error) {
	err = f.do(func() (err error) { out, err = f.catalog.Find(ctx, name, values); return err })
	return out, err
}

func (f faulty) Amend(ctx context.Context, name lake.TableName, change func(*lake.Table) error) (t lake.Table, err error) {
	err = f.do(func() (err error) { t, err = f.catalog.Amend(ctx, name, change); return err })
	return t, err
}

func (f faulty) Relocate(ctx context.Context, name lake.TableName, values []string, location string) (answered bool, err error) {
	err = f.do(func() (err error) { answered, err = f.catalog.Relocate(ctx, name, values, location); return err })
	return answered, err
}

// Whichever call fails, and whether it took effect or not, every record is in
// the lake once, after a retry in the same process or after a restart.
func TestFaultAtEveryCall(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("applied=%v,restart=%v", applied, restart), func(t *testing.T) {
				for at := int64(0); ; at++ {
					if faultAt(t, at, applied, restart) {
						if at < 5 {
							t.Fatalf("only %d calls were made", at)
						}
						return
					}
				}
			})
		}
	}
}

// faultAt runs one delivery with a fault at the given call; it is true when the
// run did not get that far.
func faultAt(t *testing.T, at int64, applied, restart bool) (untouched bool) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}}
	for i := range int64(9) {
		r.append("s", record(i))
	}
	calls := &atomic.Int64{}
	d := r.deliverer(func(cfg *delivery.Config) {
		f := faulty{r.store, r.catalog, calls, at, applied}
		cfg.Store, cfg.Catalog, cfg.Uploads = f, f, 1
	})
	stop := start(t, d)
	_, err := d.Flush(context.Background(), "s")
	if err != nil && !errors.Is(err, errInjected) {
		t.Fatalf("call %d: %v", at, err)
	}
	untouched = calls.Load() <= at
	if restart {
		stop()
		// Another configuration must not send the sealed batch elsewhere.
		r.streams["s"] = configs.Stream{PartitionBy: []string{"dt=day(ingest)"}, Table: "default.elsewhere"}
		if err := r.buffer.Close(); err != nil {
			t.Fatal(err)
		}
		r.openBuffer()
		d = r.deliverer(nil)
		stop = start(t, d)
	}
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatalf("after the fault at call %d: %v", at, err)
	}
	stop()
	if ids := r.ids("s"); !slices.Equal(ids, upTo(9)) {
		t.Errorf("fault at call %d: in the lake: %v", at, ids)
	}
	if totals := d.Totals("s"); totals.Delivered != 9 || totals.Batches != 1 {
		t.Errorf("fault at call %d: totals %+v", at, totals)
	}
	if left := r.buffer.Sealed(); len(left) != 0 {
		t.Errorf("fault at call %d: not released: %v", at, left)
	}
	return untouched
}

// A log whose release fails is delivered again but not counted again.
func TestReleaseFails(t *testing.T) {
	r := newRig(t)
	r.append("s", record(0))
	var over atomic.Bool
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Log = failingRelease{r.buffer, &over} })
	defer start(t, d)()
	if _, err := d.Flush(context.Background(), "s"); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	over.Store(true)
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(1)) {
		t.Errorf("in the lake: %v", ids)
	}
	if totals := d.Totals("s"); totals.Delivered != 1 || totals.Batches != 1 {
		t.Errorf("totals %+v", totals)
	}
}

// failingRelease releases nothing until the fault is over.
type failingRelease struct {
	*buffer.Buffer
	over *atomic.Bool
}

func (f failingRelease) Release(ctx context.Context, b *buffer.Batch) error {
	if !f.over.Load() {
		return errInjected
	}
	return f.Buffer.Release(ctx, b)
}

// A batch that cannot be delivered holds up neither its stream nor others.
func TestPoisonedBatch(t *testing.T) {
	r := newRig(t)
	r.streams["bad"] = configs.Stream{PartitionBy: []string{"k=k"}, Table: "default.good"} // the table has other keys
	d := r.deliverer(nil)
	defer start(t, d)()
	r.append("good", record(0))
	if _, err := d.Flush(context.Background(), "good"); err != nil {
		t.Fatal(err)
	}
	r.append("bad", record(1))
	_, err := d.Flush(context.Background(), "bad")
	if err == nil || !strings.Contains(err.Error(), "partitioned by (dt)") {
		t.Errorf("got %v", err)
	}
	if d.LastError("bad") == nil {
		t.Error("no last error")
	}
	r.append("good", record(1))
	if _, err := d.Flush(context.Background(), "good"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("good"); !slices.Equal(ids, upTo(2)) {
		t.Errorf("in the lake: %v", ids)
	}
}

// Another writer registers a column with another type between our look at the
// table and ours: the batch is converted again under the catalog's type.
func TestColumnConflict(t *testing.T) {
	r := newRig(t)
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Catalog = &rival{Catalog: r.catalog, rig: r} })
	defer start(t, d)()
	r.append("s", `{"id":0,"v":5}`, `{"id":1,"v":"x"}`)
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	table, err := r.catalog.Table(context.Background(), lake.TableName{Database: "default", Table: "s"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range table.Columns {
		got = append(got, c.Name+":"+c.Type.String())
	}
	if want := "v:double id:bigint _rescued:map<string,string>"; strings.Join(got, " ") != want {
		t.Errorf("columns %v, want %s", got, want)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(2)) {
		t.Errorf("in the lake: %v", ids)
	}
}

type rival struct {
	*catalogsync.Catalog
	rig  *rig
	done bool
}

func (v *rival) Ensure(ctx context.Context, want lake.Table) (lake.Table, error) {
	if !v.done {
		v.done = true
		theirs := want
		theirs.Columns = []lake.Column{{Name: "v", Type: lake.Double}}
		if _, err := v.Catalog.Ensure(ctx, theirs); err != nil {
			return lake.Table{}, err
		}
	}
	return v.Catalog.Ensure(ctx, want)
}

func TestFailedRecordsGoToTheErrorPrefix(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{Columns: map[string]lake.ColumnSpec{"id": {Type: "bigint"}}, Strict: true}
	d := r.deliverer(nil)
	defer start(t, d)()
	r.append("s", `{"id":0}`, `{"id":"zero"}`)
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if totals := d.Totals("s"); totals.Delivered != 1 || totals.Failed != 1 {
		t.Errorf("totals %+v", totals)
	}
	var found []string
	for o, err := range r.store.List(context.Background(), delivery.ErrorPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		path, _ := r.store.LocalPath(o.Key)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ RawData []byte }
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		found = append(found, string(doc.RawData))
	}
	if !slices.Equal(found, []string{`{"id":"zero"}`}) {
		t.Errorf("error documents hold %q", found)
	}
}

// The raw copy is what was received, in Segment's layout, whatever fails on the
// way.
func TestRawCopy(t *testing.T) {
	for _, compression := range []string{"gzip", "zstd"} {
		r := newRig(t)
		r.raw = configs.Raw{Enabled: true, Prefix: "raw-logs", Compression: compression}
		r.append("s", record(0), string(lake.AppendMalformed(nil, []byte("no\nrecord"))), `{"id": 1, "spaced" :true}`)
		if err := r.buffer.Append(context.Background(), "s", lake.Block{Data: []byte(record(2) + "\n"), Records: 1, Arrival: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}); err != nil {
			t.Fatal(err)
		}
		d := r.deliverer(nil)
		stop := start(t, d)
		if _, err := d.Flush(context.Background(), "s"); err != nil {
			t.Fatal(err)
		}
		stop()
		got := map[string]string{}
		for o, err := range r.store.List(context.Background(), "raw-logs") {
			if err != nil {
				t.Fatal(err)
			}
			path, _ := r.store.LocalPath(o.Key)
			got[filepath.Dir(o.Key)] = unpack(t, path, compression)
		}
		want := map[string]string{
			"raw-logs/s/1769817600000": record(0) + "\nno\nrecord\n" + `{"id": 1, "spaced" :true}` + "\n",
			"raw-logs/s/1769904000000": record(2) + "\n",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", compression, diff)
		}
	}
}

func unpack(t *testing.T, path, compression string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader
	if compression == "gzip" {
		r, err = gzip.NewReader(f)
	} else {
		r, err = zstd.NewReader(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// In strict mode the second attempt may make other objects than the first one
// did, when the table has changed in between: what the first one put is removed,
// so no record is in the table and under the error prefix.
func TestSecondAttemptMakesOtherObjects(t *testing.T) {
	r := newRig(t)
	r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}, Strict: true}
	for i := range int64(9) {
		r.append("s", record(i))
	}
	calls := &atomic.Int64{}
	f := faulty{r.store, r.catalog, calls, 5, false} // Table, Ensure, three uploads, then the partitions
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Store, cfg.Catalog, cfg.Uploads = f, f, 1 })
	stop := start(t, d)
	if _, err := d.Flush(context.Background(), "s"); !errors.Is(err, errInjected) {
		t.Fatalf("got %v after %d calls", err, calls.Load())
	}
	stop()
	left, err := os.ReadDir(filepath.Join(r.dir, "delivery", "plans"))
	if err != nil || len(left) != 1 {
		t.Fatalf("plans: %v, %v", left, err)
	}
	// Another configuration of the table: the ids are words.
	if err := r.glue.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.dir, "catalog.db")); err != nil {
		t.Fatal(err)
	}
	r.openCatalog()
	if _, err := r.catalog.Ensure(context.Background(), lake.Table{
		Name: lake.TableName{Database: "default", Table: "s"}, Location: r.store.URI("default/s") + "/",
		Columns:       []lake.Column{{Name: "id", Type: lake.Boolean}},
		PartitionKeys: []lake.Column{{Name: "k", Type: lake.String}},
	}); err != nil {
		t.Fatal(err)
	}
	d = r.deliverer(nil)
	stop = start(t, d)
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	stop()
	if totals := d.Totals("s"); totals.Failed != 9 || totals.Delivered != 0 {
		t.Errorf("totals %+v", totals)
	}
	for o, err := range r.store.List(context.Background(), "default") {
		t.Errorf("left behind: %s, %v", o.Key, err)
	}
	if left, _ := os.ReadDir(filepath.Join(r.dir, "delivery", "plans")); len(left) != 0 {
		t.Errorf("plans left: %v", left)
	}
}

// A crash between upload and registration: the next process delivers the batch
// again over the objects that are there already, and registers them.
func TestCrashBetweenUploadAndRegistration(t *testing.T) {
	r := newRig(t)
	for i := range int64(5) {
		r.append("s", record(i))
	}
	calls := &atomic.Int64{}
	f := faulty{r.store, r.catalog, calls, 3, false} // Table, Ensure, the upload, then the partitions
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Store, cfg.Catalog = f, f })
	stop := start(t, d)
	if _, err := d.Flush(context.Background(), "s"); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	stop()
	if parts, err := r.catalog.Partitions(context.Background(), lake.TableName{Database: "default", Table: "s"}, ""); err != nil || len(parts) != 0 {
		t.Fatalf("registered before the crash: %v, %v", parts, err)
	}
	r.restart()
	d = r.deliverer(nil)
	defer start(t, d)()
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(5)) {
		t.Errorf("in the lake: %v", ids)
	}
}

// A replay that writes again what was already delivered: a crash after
// registration, before the log is gone. The batch is delivered again, but into
// the same objects, and counted once.
func TestReplayOfWhatWasDelivered(t *testing.T) {
	r := newRig(t)
	for i := range int64(5) {
		r.append("s", record(i))
	}
	d := r.deliverer(func(cfg *delivery.Config) { cfg.Log = failingRelease{r.buffer, &atomic.Bool{}} })
	stop := start(t, d)
	if _, err := d.Flush(context.Background(), "s"); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	stop()
	r.restart()
	if left := r.buffer.Sealed(); len(left) != 1 {
		t.Fatalf("the log holds %d batches", len(left))
	}
	d = r.deliverer(nil)
	defer start(t, d)()
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(5)) {
		t.Errorf("in the lake: %v", ids)
	}
	if totals := d.Totals("s"); totals.Delivered != 5 || totals.Batches != 1 {
		t.Errorf("totals %+v", totals)
	}
}

// restart closes the log and opens it again, as a new process would.
func (r *rig) restart() {
	r.t.Helper()
	if err := r.buffer.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.openBuffer()
}
