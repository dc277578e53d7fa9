package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/importer"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A place is a folder with objects to be imported, a lake and a catalog.
type place struct {
	t     *testing.T
	dir   string
	from  store.Store
	lake  store.Store
	glue  *catalogsync.Catalog
	rules configs.Stream
	size  int64
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), size: 1 << 20}
	p.rules = configs.Default().Stream("events")
	open := func(name string) store.Store {
		s, err := store.Open(t.Context(), filepath.Join(p.dir, name), store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	p.from, p.lake = open("from"), open("lake")
	server, err := embedded.Open(filepath.Join(p.dir, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if p.glue, err = catalogsync.New(t.Context(), catalogsync.Config{Transport: server.Transport()}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) put(key string, data []byte) {
	p.t.Helper()
	if err := p.from.Put(p.t.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) config(from importer.Source) importer.Config {
	p.t.Helper()
	conv, err := convert.New(convert.Config{Memory: 8 << 20, RowGroup: 1 << 20, Threads: 1})
	if err != nil {
		p.t.Fatal(err)
	}
	sealed, err := json.Marshal(delivery.Rules{Stream: p.rules})
	if err != nil {
		p.t.Fatal(err)
	}
	return importer.Config{
		Source: from, Table: lake.TableName{Database: "default", Table: "events"}, Stream: "events", Dir: filepath.Join(p.dir, "import"),
		Size: p.size, MaxBytes: 64 << 20, Rules: func(string) []byte { return sealed },
		Delivery: delivery.Config{Catalog: p.glue, NotFound: catalogsync.ErrNotFound, Store: p.lake, Converter: conv, Database: "default", Retry: time.Millisecond},
	}
}

func (p *place) run(ctx context.Context, cfg importer.Config) (importer.Report, error) {
	p.t.Helper()
	m, err := importer.Open(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := m.Run(ctx)
	return r, errors.Join(err, m.Close())
}

type row struct {
	ID int64 `parquet:"id"`
}

// rows are how often each id is in the table.
func (p *place) rows() map[int64]int {
	p.t.Helper()
	out := map[int64]int{}
	for o, err := range p.lake.List(p.t.Context(), "default/events") {
		if err != nil {
			p.t.Fatal(err)
		}
		path, _ := p.lake.LocalPath(o.Key)
		rows, err := parquet.ReadFile[row](path)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, r := range rows {
			out[r.ID]++
		}
	}
	return out
}

func (p *place) once(n int) {
	p.t.Helper()
	rows := p.rows()
	for id := range int64(n) {
		if rows[id] != 1 {
			p.t.Fatalf("record %d is there %d times (%d different ones of %d)", id, rows[id], len(rows), n)
		}
	}
	if len(rows) != n {
		p.t.Fatalf("%d records of %d", len(rows), n)
	}
}

func numbered(from, n int) []byte {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, "{\"id\":%d,\"text\":%q}\n", from+i, strings.Repeat("x", 200))
	}
	return b
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func TestImport(t *testing.T) {
	p := newPlace(t)
	p.put("segment-logs/web/1769817600000/a.gz", gzipped(numbered(0, 3000)))
	p.put("segment-logs/web/1769904000000/b.json.zst", zstded(numbered(3000, 3000)))
	p.put("segment-logs/ios/1769904000000/20260201T120000Z-0123456789ab.gz", gzipped(numbered(6000, 10)))
	p.put("exports/2026/02/03/c.json", []byte("["+strings.TrimSuffix(strings.ReplaceAll(string(numbered(6010, 10)), "\n", ","), ",")+"]"))
	p.put("segment-logs/web/1769817600000/bad.gz", gzipped([]byte("{\"id\":6020}\nnot json\n")))
	p.put("_errors/x/y.ndjson", []byte(`{"id":-1}`))
	p.put("t/file.parquet", []byte("PAR1"))
	p.rules.PartitionBy = []string{"dt=day(ingest)", "hr=hour(ingest)"}
	got, err := p.run(t.Context(), p.config(p.from))
	if err != nil {
		t.Fatal(err)
	}
	want := importer.Report{Objects: 5, Records: 6022, Bad: 1, Delivered: 6021, Failed: 1, Problems: []string{}, Warnings: []string{}}
	want.Bytes = got.Bytes
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p.once(6021)
	parts, err := p.glue.Partitions(t.Context(), lake.TableName{Database: "default", Table: "events"}, "")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, part := range parts {
		values = append(values, strings.Join(part.Values, " "))
	}
	slices.Sort(values)
	// Days of folders, the moment of our raw copy, and the date in a path.
	if diff := cmp.Diff([]string{"2026-01-31 00", "2026-02-01 00", "2026-02-01 12", "2026-02-03 00"}, values); diff != "" {
		t.Error(diff)
	}
	var doc struct{ LastErrorMessage, SourceObject, RawData string }
	for o, err := range p.lake.List(t.Context(), "_errors") {
		if err != nil {
			t.Fatal(err)
		}
		path, _ := p.lake.LocalPath(o.Key)
		text, _ := os.ReadFile(path)
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasSuffix(doc.SourceObject, "/from/segment-logs/web/1769817600000/bad.gz") || doc.LastErrorMessage == "" || doc.RawData != "bm90IGpzb24=" {
		t.Errorf("the error document says %+v", doc)
	}

	// Again, with something new: only that is read.
	p.put("segment-logs/web/1769904000000/new.gz", gzipped(numbered(6021, 5)))
	if got, err = p.run(t.Context(), p.config(p.from)); err != nil || got.Objects != 1 || got.Known != 5 || got.Records != 5 {
		t.Errorf("again: %+v, %v", got, err)
	}
	p.once(6026)

	// One that was replaced is not read: half of it is in.
	p.put("segment-logs/web/1769904000000/new.gz", gzipped(numbered(6021, 9)))
	if got, err = p.run(t.Context(), p.config(p.from)); err != nil || got.Unread != 1 || got.Records != 0 || !strings.Contains(got.Problems[0], "replaced") {
		t.Errorf("replaced: %+v, %v", got, err)
	}
}

func TestSelection(t *testing.T) {
	p := newPlace(t)
	for i, key := range []string{"s/web/1769817600000/a", "s/web/1769904000000/b", "s/web/1769990400000/c", "s/ios/1769904000000/d"} {
		p.put(key, numbered(i, 1))
	}
	cfg := p.config(p.from)
	cfg.Select = importer.Selection{Source: "web", Since: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
	if got, err := p.run(t.Context(), cfg); err != nil || got.Objects != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if got := p.rows(); len(got) != 1 || got[1] != 1 {
		t.Errorf("rows %v", got)
	}
}

// An object that is cut off is read as far as it goes, reported, and read on from there
// when it is whole; the version must be the same, so a source that fails in the middle
// stands for it.
func TestBrokenObject(t *testing.T) {
	p := newPlace(t)
	whole := gzipped(numbered(0, 20_000))
	p.put("a.gz", whole)
	p.put("b", numbered(20_000, 10))
	cut := &unsteady{Store: p.from, after: int64(len(whole) / 2), err: io.ErrUnexpectedEOF}
	got, err := p.run(t.Context(), p.config(cut))
	if err != nil || got.Unread != 1 || got.Objects != 1 || got.Records <= 10 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = p.run(t.Context(), p.config(p.from)); err != nil || got.Unread != 0 || got.Objects != 1 || got.Known != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	p.once(20_010)
	p.put("c.gz", whole[:len(whole)/2])
	if got, err = p.run(t.Context(), p.config(p.from)); err != nil || got.Unread != 1 || !strings.Contains(got.Problems[0], "unexpected EOF") {
		t.Errorf("cut off for good: %+v, %v", got, err)
	}
}

// unsteady breaks every body off after so many bytes.
type unsteady struct {
	store.Store
	after int64
	err   error
}

func (u *unsteady) GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error) {
	body, err := u.Store.GetVersion(ctx, o, off, length)
	if err != nil || o.Size < u.after {
		return body, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, u.after), failing{u.err}), body}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// The import is interrupted again and again, after every number of bytes read, with
// batches that are delivered meanwhile. In the end each record is there once.
func TestInterrupted(t *testing.T) {
	p := newPlace(t)
	n := 0
	for i := range 4 {
		p.put(fmt.Sprintf("%d.gz", i), gzipped(numbered(n, 25_000)))
		n += 25_000
	}
	rounds := 0
	for stop := 1; ; stop += 50 {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := p.config(&impatient{Store: p.from, left: stop, cancel: cancel})
		_, err := p.run(ctx, cfg)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		rounds++
	}
	p.once(n)
	t.Logf("interrupted %d times", rounds)
	if rounds < 2 {
		t.Errorf("interrupted %d times", rounds)
	}
}

// impatient cancels after so many reads.
type impatient struct {
	store.Store
	mu     sync.Mutex
	left   int // guarded by mu
	cancel func()
}

func (s *impatient) GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error) {
	body, err := s.Store.GetVersion(ctx, o, off, length)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&slow{body, s}, body}, nil
}

type slow struct {
	in io.Reader
	s  *impatient
}

func (s *slow) Read(p []byte) (int, error) {
	s.s.mu.Lock()
	if s.s.left--; s.s.left == 0 {
		s.s.cancel()
	}
	s.s.mu.Unlock()
	return s.in.Read(p[:min(len(p), 500)])
}

// Two imports into one table do not run at once.
func TestTwoAtOnce(t *testing.T) {
	p := newPlace(t)
	m, err := importer.Open(p.config(p.from))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := importer.Open(p.config(p.from)); !errors.Is(err, importer.ErrRunning) {
		t.Errorf("error %v", err)
	}
}

// The catalog fails for longer than the import waits: it ends, says why, and the next
// one goes on from the log.
func TestGivesUp(t *testing.T) {
	p := newPlace(t)
	p.put("a", numbered(0, 10))
	cfg := p.config(p.from)
	cfg.GiveUp = time.Nanosecond
	cfg.Delivery.Catalog = noCatalog{}
	if _, err := p.run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "the catalog is down") {
		t.Fatalf("error %v", err)
	}
	if got, err := p.run(t.Context(), p.config(p.from)); err != nil || got.Objects != 0 || got.Known != 1 || got.Delivered != 10 {
		t.Fatalf("%+v, %v", got, err)
	}
	p.once(10)
}

// An import is killed when a block is in its log and nothing in its journal. The next one
// delivers the log, but does not come to the object: the one after passes it over.
func TestKilledBeforeJournal(t *testing.T) {
	p := newPlace(t)
	p.put("web/1769817600000/a", numbered(0, 10))
	p.put("ios/1769817600000/b", numbered(10, 10))
	cfg := p.config(p.from)
	cfg.GiveUp = time.Nanosecond
	cfg.Delivery.Catalog = noCatalog{}
	if _, err := p.run(t.Context(), cfg); err == nil {
		t.Fatal("it was delivered without a catalog")
	}
	journal := filepath.Join(cfg.Dir, "journal.ndjson")
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(journal, int64(bytes.IndexByte(text, '\n')+1)); err != nil {
		t.Fatal(err)
	}
	cfg = p.config(p.from)
	cfg.Select.Source = "ios"
	if got, err := p.run(t.Context(), cfg); err != nil || got.Delivered != 20 || got.Records != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if text, err = os.ReadFile(journal); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	byID := regexp.MustCompile(`^\{"id":"[0-9a-f]{48}","records":10\}\n$`)
	if n := len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !byID.MatchString(l) })); n != 1 {
		t.Errorf("the journal has %d objects by their id:\n%s", n, text)
	}
	for range 2 {
		if got, err := p.run(t.Context(), p.config(p.from)); err != nil || got.Records != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	p.once(20)

	for _, id := range []string{"00", strings.Repeat("0", 50), strings.Repeat("g", 48)} {
		bad := append(slices.Clone(text), `{"id":"`+id+`","records":1}`+"\n"...)
		if err := os.WriteFile(journal, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := importer.Open(p.config(p.from)); err == nil || !strings.Contains(err.Error(), "is no id of an object") {
			t.Errorf("id %s: %v", id, err)
		}
	}
	if err := os.WriteFile(journal, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// One that was replaced meanwhile would be told by its id alone.
	p.put("web/1769817600000/a", numbered(0, 11))
	if got, err := p.run(t.Context(), p.config(p.from)); err != nil || got.Unread != 1 {
		t.Errorf("replaced: %+v, %v", got, err)
	}
}

type noCatalog struct{ delivery.Catalog }

func (noCatalog) Table(context.Context, lake.TableName) (lake.Table, error) {
	return lake.Table{}, errors.New("the catalog is down")
}

func TestPredict(t *testing.T) {
	p := newPlace(t)
	for i := range 40 {
		p.put(fmt.Sprintf("segment-logs/web/%d/%d.gz", 1769817600000+int64(i%3)*86400000, i), gzipped(numbered(i*100, 100)))
	}
	cfg := p.config(p.from)
	job, err := delivery.JobOf(p.rules)
	if err != nil {
		t.Fatal(err)
	}
	f, err := importer.Predict(t.Context(), cfg, cfg.Delivery.Converter.(*convert.Converter), job)
	if err != nil || f.Objects != 40 || f.First != "2026-01-31" || f.Last != "2026-02-02" || f.Sources["web"] != 40 || f.Records < 3500 || f.Records > 4500 || f.Parquet == 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := os.Stat(cfg.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a prediction made %s: %v", cfg.Dir, err)
	}
}

// The journal's format; a torn tail is cut, another fault is an error.
func TestJournal(t *testing.T) {
	golden, err := os.ReadFile("testdata/journal.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t)
	cfg := p.config(pretended{})
	path := filepath.Join(cfg.Dir, "journal.ndjson")
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(slices.Clone(golden), `{"object":"s3://bucket/c.gz"`...), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := p.run(t.Context(), cfg)
	if err != nil || got.Known != 1 || got.Unread != 1 || got.Objects != 1 || got.Records != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	after, err := os.ReadFile(path)
	if want := string(golden) + `{"object":"s3://bucket/c.gz","etag":"\"c\"","size":10,"records":3,"done":true}` + "\n"; err != nil || string(after) != want {
		t.Errorf("journal:\n%s\nwant:\n%s", after, want)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(golden), `"size"`, `size`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := importer.Open(cfg); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v", err)
	}
}

// pretended has the objects of testdata/journal.ndjson, and one of three records, of which
// two are in.
type pretended struct{}

func (pretended) List(context.Context, string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for _, o := range []store.Object{{Key: "a.gz", Size: 12345, ETag: `"9b2c"`}, {Key: "b.gz", Size: 9, ETag: `"other"`}, {Key: "c.gz", Size: 10, ETag: `"c"`}} {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (pretended) GetVersion(context.Context, store.Object, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("{\"id\":0}\n{\"id\":1}\n{\"id\":2}")), nil
}

func (pretended) URI(key string) string { return "s3://bucket/" + key }
