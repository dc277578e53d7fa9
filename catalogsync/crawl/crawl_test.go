package crawl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"sluice/catalogsync"
	"sluice/catalogsync/crawl"
	"sluice/catalogsync/embedded"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/fetch/footer"
)

// A place is a folder of files and a catalog.
type place struct {
	t      *testing.T
	lake   store.Store
	glue   *catalogsync.Catalog
	server *embedded.Server

	mu   sync.Mutex
	gets []string // of objects, as they are read; guarded by mu
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t}
	var err error
	if p.lake, err = store.Open(t.Context(), t.TempDir(), store.Config{}); err != nil {
		t.Fatal(err)
	}
	server, err := embedded.Open(t.TempDir() + "/catalog.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	p.server = server
	if p.glue, err = catalogsync.New(t.Context(), catalogsync.Config{Transport: server.Transport()}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) put(key string, data []byte) {
	p.t.Helper()
	if err := p.lake.Put(p.t.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
		p.t.Fatal(err)
	}
}

// puts puts texts by key; what ends in .gz and .zst is compressed.
func (p *place) puts(texts ...string) {
	p.t.Helper()
	for i := 0; i < len(texts); i += 2 {
		data := []byte(texts[i+1])
		switch {
		case strings.HasSuffix(texts[i], ".gz"):
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write(data)
			w.Close()
			data = b.Bytes()
		case strings.HasSuffix(texts[i], ".zst"):
			w, _ := zstd.NewWriter(nil)
			data = w.EncodeAll(data, nil)
		}
		p.put(texts[i], data)
	}
}

func parquetOf[T any](t *testing.T, rows ...T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (p *place) columns(ctx context.Context, o store.Object) ([]lake.Column, error) {
	p.mu.Lock() // files are read side by side
	p.gets = append(p.gets, o.Key)
	p.mu.Unlock()
	body, err := p.lake.GetVersion(ctx, o, 0, -1)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if len(b) < footer.TailSize {
		return nil, errors.New("it is too short for Parquet")
	}
	n, err := footer.Length(b[len(b)-footer.TailSize:], o.Size)
	if err != nil {
		return nil, err
	}
	f, err := footer.Parse(b[o.Size-footer.TailSize-n:o.Size-footer.TailSize], o.Size)
	if err != nil {
		return nil, err
	}
	return f.Schema()
}

func (p *place) config() crawl.Config {
	return crawl.Config{Catalog: p.glue, Lake: p.lake, Columns: p.columns, Infer: convert.Infer, Database: "d"}
}

func (p *place) crawler(cfg crawl.Config) *crawl.Crawler {
	p.t.Helper()
	c, err := crawl.New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// run crawls, and says what was found in lines: tables, keys, columns, partitions,
// conflicts.
func (p *place) run(c *crawl.Crawler, dry bool) []string {
	p.t.Helper()
	res, err := c.Run(p.t.Context(), dry)
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	conflict := func(c crawl.Conflict) {
		file := strings.TrimPrefix(c.File, p.lake.URI(""))
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("? %s %s %s %s", file, c.Column, c.Have, c.Found)), " ")+": "+c.Text)
	}
	for _, t := range res.Tables {
		if t.Err != nil {
			p.t.Fatal(t.Err)
		}
		word := "table"
		if t.New {
			word = "new"
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", word, t.Name.Table, t.Format, strings.Join(t.Keys, "/"))))
		for _, c := range t.Columns {
			out = append(out, "+ "+c.Name+" "+c.Type.String())
		}
		for _, part := range t.Partitions {
			out = append(out, "+ "+strings.Join(part.Values, "/"))
		}
		for _, c := range t.Conflicts {
			conflict(c)
		}
	}
	for _, c := range res.Conflicts {
		conflict(c)
	}
	return out
}

func (p *place) check(c *crawl.Crawler, want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.run(c, false)); diff != "" {
		p.t.Errorf("(-want +got):\n%s", diff)
	}
}

func (p *place) table(name string) lake.Table {
	p.t.Helper()
	t, err := p.glue.Table(p.t.Context(), lake.TableName{Database: "d", Table: name})
	if err != nil {
		p.t.Fatal(err)
	}
	return t
}

type order struct {
	ID int64 `parquet:"id"`
}

type pricedOrder struct {
	ID    int64   `parquet:"id"`
	Price float64 `parquet:"price"`
}

type textOrder struct {
	ID string `parquet:"id"`
}

type shortOrder struct {
	ID int32 `parquet:"id"`
}

// The same crawl again changes nothing, and makes no version of a table.
func TestAgain(t *testing.T) {
	p := newPlace(t)
	p.put("orders/dt=2026-01-01/a.parquet", parquetOf(t, order{1}))
	p.puts("events/2026/01/31/a.json.gz", `{"id":1,"at":"2026-01-31T00:00:00Z","user-id":7}`, "names/a.csv", "id,name\n1,x\n")
	c := p.crawler(p.config())
	if got := p.run(c, true); len(got) != 11 {
		t.Errorf("dry run: %q", got)
	}
	if dbs, err := p.glue.Databases(t.Context()); err != nil || len(dbs) > 0 && slices.Contains(dbs, "d") {
		t.Errorf("a dry run made the database: %v, %v", dbs, err)
	}
	p.check(c,
		"new events json year/month/day", "+ id bigint", "+ at string", "+ user_id bigint", "+ 2026/01/31",
		"new names csv", "+ id bigint", "+ name string",
		"new orders parquet dt", "+ id bigint", "+ 2026-01-01",
	)
	versions := func() (out []string) {
		for _, name := range []string{"events", "names", "orders"} {
			out = append(out, p.table(name).Version)
		}
		return out
	}
	before := versions()
	for _, again := range []*crawl.Crawler{c, p.crawler(p.config())} {
		p.check(again, "table events json year/month/day", "table names csv", "table orders parquet dt")
	}
	if diff := cmp.Diff(before, versions()); diff != "" {
		t.Errorf("versions: %s", diff)
	}
	events := p.table("events")
	if events.Storage.SerDe != lake.OpenXJSONSerDe || events.Storage.Properties["mapping.user_id"] != "user-id" || events.Parameters["classification"] != "json" || events.Parameters["EXTERNAL"] != "TRUE" {
		t.Errorf("table %+v", events)
	}
	if names := p.table("names"); names.Storage.SerDe != lake.LazySimpleSerDe || names.Storage.Properties["field.delim"] != "," || names.Parameters["skip.header.line.count"] != "1" {
		t.Errorf("table %+v", names)
	}
}

// What Glue's crawlers are known to do, and this one does not: a table for each file
// whose columns differ.
func TestNoTablePerFile(t *testing.T) {
	p := newPlace(t)
	p.put("orders/a.parquet", parquetOf(t, order{1}))
	p.put("orders/b.parquet", parquetOf(t, pricedOrder{2, 1.5}))
	p.put("orders/c.parquet", parquetOf(t, struct {
		Other string `parquet:"other"`
	}{"x"}))
	p.check(p.crawler(p.config()), "new orders parquet", "+ id bigint", "+ price double", "+ other string")
}

// Partitions as tables.
func TestNoTablePerPartition(t *testing.T) {
	p := newPlace(t)
	p.put("orders/dt=2026-01-01/a.parquet", parquetOf(t, order{1}))
	p.put("orders/dt=2026-01-02/a.parquet", parquetOf(t, pricedOrder{2, 1.5}))
	p.put("orders/dt=__HIVE_DEFAULT_PARTITION__/a.parquet", parquetOf(t, order{1}))
	p.put("orders/dt=a%2Fb/a.parquet", parquetOf(t, order{1}))
	p.check(p.crawler(p.config()), "new orders parquet dt", "+ id bigint", "+ price double",
		"+ 2026-01-01", "+ 2026-01-02", "+ __HIVE_DEFAULT_PARTITION__", "+ a/b")
}

// Retyping: a column keeps its type, whatever new files have.
func TestNoRetyping(t *testing.T) {
	p := newPlace(t)
	p.put("orders/a.parquet", parquetOf(t, order{1}))
	p.puts("events/a.json", `{"n":1,"s":{"a":1}}`)
	c := p.crawler(p.config())
	p.run(c, false)
	p.put("orders/b.parquet", parquetOf(t, textOrder{"x"}))
	p.put("orders/c.parquet", parquetOf(t, shortOrder{1})) // read as bigint by all
	p.puts("events/b.json", `{"n":"x","s":{"a":true,"b":2},"m":1.5}`)
	p.check(c,
		"table events json", "+ s struct<a:bigint,b:bigint>", "+ m double",
		"? events/b.json n bigint string: the column was left as it is: a statement that uses it fails on these values, or gives NULL",
		"? events/b.json s.a bigint boolean: the column was left as it is: a statement that uses it fails on these values, or gives NULL",
		"table orders parquet",
		"? orders/b.parquet id bigint string: the column was left as it is: engines fail on these files, or give NULL",
	)
	if got := p.table("orders").Columns; len(got) != 1 || got[0].Type.Kind != lake.KindBigint {
		t.Errorf("columns %v", got)
	}
}

// Removing: columns and partitions of files that are gone stay.
func TestNothingRemoved(t *testing.T) {
	p := newPlace(t)
	p.put("orders/dt=1/a.parquet", parquetOf(t, pricedOrder{1, 2}))
	p.put("orders/dt=2/a.parquet", parquetOf(t, order{1}))
	c := p.crawler(p.config())
	p.run(c, false)
	if err := p.lake.Delete(t.Context(), "orders/dt=1/a.parquet"); err != nil {
		t.Fatal(err)
	}
	p.check(c, "table orders parquet dt")
	parts, err := p.glue.Partitions(t.Context(), lake.TableName{Database: "d", Table: "orders"}, "")
	if err != nil || len(parts) != 2 || len(p.table("orders").Columns) != 2 {
		t.Errorf("partitions %v, columns %v, %v", parts, p.table("orders").Columns, err)
	}
}

// The type that most files have wins in a new table; the others are told.
func TestMostFilesWin(t *testing.T) {
	p := newPlace(t)
	p.put("orders/a.parquet", parquetOf(t, textOrder{"x"}))
	p.put("orders/b.parquet", parquetOf(t, shortOrder{1}))
	p.put("orders/c.parquet", parquetOf(t, order{1}))
	p.check(p.crawler(p.config()), "new orders parquet", "+ id bigint",
		"? orders/a.parquet id bigint string: the column was left as it is: engines fail on these files, or give NULL")
}

func TestDateFolders(t *testing.T) {
	p := newPlace(t)
	for _, key := range []string{
		"a/2026/01/31", "b/2026/01/31/05", "c/2026-01-31", "d/2026-01-31/05", "e/20260131", "f/2026/01", "g/source=web/2026/01/31", "h/web/1769817600000", "i/2026-01", "j/v1/x",
		"k/2026/13/01", // no date
	} {
		p.puts(key+"/a.json", `{"n":1}`)
	}
	p.check(p.crawler(p.config()),
		"new a json year/month/day", "+ n bigint", "+ 2026/01/31",
		"new b json year/month/day/hour", "+ n bigint", "+ 2026/01/31/05",
		"new c json day", "+ n bigint", "+ 2026-01-31",
		"new d json day/hour", "+ n bigint", "+ 2026-01-31/05",
		"new e json day", "+ n bigint", "+ 20260131",
		"new f json year/month", "+ n bigint", "+ 2026/01",
		"new g json source/year/month/day", "+ n bigint", "+ web/2026/01/31",
		"new web json day", "+ n bigint", "+ 1769817600000",
		"new i json month", "+ n bigint", "+ 2026-01",
		"new x json", "+ n bigint",
		"new 01 json", "+ n bigint",
	)
	cfg := p.config()
	cfg.Root, cfg.Database, cfg.DateKeys = "b", "e", []string{"y", "m", "d", "h"}
	p.check(p.crawler(cfg), "new b json y/m/d/h", "+ n bigint", "+ 2026/01/31/05")
	cfg.Root, cfg.Table = "h", "logs"
	p.check(p.crawler(cfg), "new logs json partition_0/d", "+ n bigint", "+ web/1769817600000")
}

// Files around tables, other formats, folders that are deeper or shallower.
func TestOddFolders(t *testing.T) {
	p := newPlace(t)
	p.puts("readme.json", `{"a":1}`, "t/dt=1/a.json", `{"n":1}`, "t/dt=2/a.json", `{"n":1}`, "t/dt=2/h=1/a.json", `{"n":1}`, "t/DT=2/a.json", `{"n":1}`,
		"t/dt=1/x.orc", "ORC", "t/_tmp/x.json", "{}", "t/dt=1/.hidden.json", "{}", "t/dt=3/_SUCCESS", "", "u/notes.txt", "hello\nworld")
	p.check(p.crawler(p.config()),
		"new t json dt", "+ n bigint", "+ 2", "+ 1",
		"? t/dt=1/x.orc json unknown: the file is not of the table's format, and engines will read it as if it were: move it away",
		"? t/dt=2/: the folder has the values of the partition at "+p.lake.URI("t/DT=2")+"/: it was not registered",
		"? t/dt=2/h=1/ dt dt/h: the folder is not where partitions of the table are: it was not registered",
		"?: 1 files lie here, around the table at "+p.lake.URI("t")+"/: no table was made of them, as engines would read that one's files too",
		"? u/notes.txt: it is neither Parquet nor JSON nor CSV",
		"? u/: no file here is of a format that is read (Parquet, JSON lines, CSV): no table was made",
	)
}

// Text that engines would not read as it is meant.
func TestUnreadableText(t *testing.T) {
	p := newPlace(t)
	p.puts("arr/a.json", `[{"a":1}]`, "pretty/a.json", "{\n \"a\": 1\n}", "csv/a.csv", "a,b\n1,\"x\ny\"\n", "bad/a.json", "{\"a\":1}\nnope\n")
	p.put("gz/a.json", gzipped(`{"a":1}`))
	p.put("plain/a.json.gz", []byte(`{"a":1}`))
	p.put("broken/a.parquet", []byte("PAR1 and no more"))
	got := strings.Join(p.run(p.crawler(p.config()), false), "\n")
	for _, want := range []string{
		"arr/a.json: it could not be read, and its columns were not taken: it is an array", "pretty/a.json: it could not be read, and its columns were not taken: its objects have several lines",
		"csv/a.csv: it could not be read, and its columns were not taken: a value has a line break", "gz/a.json: it could not be read, and its columns were not taken: it is compressed, and its name does not end in .gz",
		"plain/a.json.gz: it could not be read, and its columns were not taken: its name ends in .gz", "broken/a.parquet: it could not be read", "bad/a.json: it could not be read, and its columns were not taken: 1 of the 2 lines",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "new ") {
		t.Errorf("tables were made:\n%s", got)
	}
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.Bytes()
}

func TestCSV(t *testing.T) {
	p := newPlace(t)
	p.puts(
		"types/a.csv", "id,zip,price,ok,day,note\n1,00501,1.5,true,2026-01-31,\n2,10001,2,false,2026-02-01,x\n",
		"quoted/a.csv.gz", "id,name\n1,\"a, b\"\n",
		"plain/a.tsv", "1\tx\n2\ty\n",
		"semi/a.csv.zst", "Order Id;Näme\n1;x\n",
		"differ/a.csv", "id,price\n1,2\n", "differ/b.csv", "id,price\n1,2.5\n", "differ/c.csv", "id,price,more\n1,cheap,3\n", "differ/d.csv", "price,id\n1,2\n",
	)
	cfg := p.config()
	cfg.Sample = 10
	p.check(p.crawler(cfg),
		"new differ csv", "+ id bigint", "+ price string", "+ more bigint",
		"? differ/c.csv price double string: the files differ: the column is a string",
		"? differ/d.csv id a header of price: the columns of CSV are read by their place, and here another has it: the table was left as it is",
		"new plain csv", "+ col0 bigint", "+ col1 string",
		"new quoted csv", "+ id string", "+ name string",
		"new semi csv", "+ order_id bigint", "+ n_me string",
		"new types csv", "+ id bigint", "+ zip string", "+ price double", "+ ok boolean", "+ day string", "+ note string",
	)
	if q := p.table("quoted"); q.Storage.SerDe != lake.OpenCSVSerDe || q.Storage.Properties["quoteChar"] != `"` || q.Parameters["skip.header.line.count"] != "1" {
		t.Errorf("table %+v", q)
	}
	if pl := p.table("plain"); pl.Storage.Properties["field.delim"] != "\t" || pl.Parameters["skip.header.line.count"] != "" {
		t.Errorf("table %+v", pl)
	}
}

// Files of JSON that differ: what both are is a double or a string, and said.
func TestJSONDiffers(t *testing.T) {
	p := newPlace(t)
	p.puts("t/dt=1/a.json", `{"n":1,"x":1,"s":{"a":1},"dt":"z"}`, "t/dt=2/b.json", `{"n":1.5,"x":"y","s":{"b":2},"l":[1]}`)
	p.check(p.crawler(p.config()), "new t json dt", "+ n double", "+ x string", "+ s struct<a:bigint,b:bigint>", "+ l array<bigint>", "+ 1", "+ 2",
		"? t/dt=1/a.json dt: the files have a column that is a partition key too: the folder's value counts",
		"? t/dt=2/b.json x bigint string: the files differ: the column is a string")
}

// A second crawl by the same crawler reads what is new alone.
func TestWatch(t *testing.T) {
	p := newPlace(t)
	p.put("t/dt=1/a.parquet", parquetOf(t, order{1}))
	p.put("t/dt=2/a.parquet", parquetOf(t, order{1}))
	c := p.crawler(p.config())
	p.run(c, false)
	p.gets = nil
	p.put("t/dt=2/b.parquet", parquetOf(t, order{1}))
	p.put("t/dt=3/a.parquet", parquetOf(t, pricedOrder{1, 1}))
	p.check(c, "table t parquet dt", "+ price double", "+ 3")
	slices.Sort(p.gets)
	if diff := cmp.Diff([]string{"t/dt=2/a.parquet", "t/dt=2/b.parquet", "t/dt=3/a.parquet"}, p.gets); diff != "" {
		t.Errorf("files read: %s", diff)
	}
	p.gets = nil
	p.check(c, "table t parquet dt")
	if len(p.gets) != 0 {
		t.Errorf("files read: %v", p.gets)
	}
}

// A table that is there keeps its name, its keys and where its partitions are.
func TestExistingTable(t *testing.T) {
	p := newPlace(t)
	name := lake.TableName{Database: "d", Table: "clicks"}
	err := p.glue.Create(t.Context(), lake.Table{Name: name, Location: p.lake.URI("logs/raw") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "y", Type: lake.String}, {Name: "m", Type: lake.String}, {Name: "d", Type: lake.String}}})
	if err != nil {
		t.Fatal(err)
	}
	table := p.table("clicks")
	elsewhere := lake.Partition{Values: []string{"2026", "01", "01"}, Location: p.lake.URI("other") + "/"}
	if err := p.glue.AddPartitions(t.Context(), table, []lake.Partition{elsewhere}); err != nil {
		t.Fatal(err)
	}
	p.put("logs/raw/2026/01/01/a.parquet", parquetOf(t, order{1}))
	p.put("logs/raw/2026/01/02/a.parquet", parquetOf(t, pricedOrder{1, 2}))
	p.put("more/clicks/a.parquet", parquetOf(t, order{1})) // the name is taken
	p.check(p.crawler(p.config()),
		"table clicks parquet y/m/d", "+ price double", "+ 2026/01/02",
		"? logs/raw/2026/01/01/: the partition [\"2026\" \"01\" \"01\"] is registered at "+p.lake.URI("other")+"/: it was left there",
		"new more_clicks parquet", "+ id bigint")
}

// The folder that is crawled can be a table itself, at the place that it has whatever is
// crawled: its own name has one slash at its end.
func TestFolderItself(t *testing.T) {
	p := newPlace(t)
	p.puts("exports/a.json", `{"id":1}`, "parted/dt=1/a.json", `{"id":1}`)
	for _, folder := range []string{"exports", "parted"} {
		at := p.lake.URI(folder) + "/"
		whole := p.lake
		below, err := store.Open(t.Context(), at, store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		p.lake = below
		for again := range 2 {
			res, err := p.crawler(p.config()).Run(t.Context(), false)
			if err != nil || len(res.Tables) != 1 || res.Tables[0].Location != at || res.Tables[0].New != (again == 0) {
				t.Errorf("%+v, %v", res, err)
			}
		}
		p.lake = whole
		if got := p.table(folder).Location; got != at {
			t.Errorf("the table is at %s, want %s", got, at)
		}
	}
	// Others leave the slash out.
	name := lake.TableName{Database: "d", Table: "clicks"}
	if err := p.glue.Define(t.Context(), catalogsync.Definition{Name: name, Location: p.lake.URI("logs"), Columns: []catalogsync.DefinedColumn{{Name: "id", Type: "bigint"}}, Parameters: map[string]string{"classification": "json"}}); err != nil {
		t.Fatal(err)
	}
	p.puts("logs/a.json", `{"id":1}`)
	res, err := p.crawler(p.config()).Run(t.Context(), false)
	for _, table := range res.Tables {
		if table.New {
			t.Errorf("a second table was made at %s: %s", table.Location, table.Name)
		}
	}
	if err != nil || len(res.Tables) != 3 {
		t.Errorf("%+v, %v", res, err)
	}
}

// Limits are errors that say what to do.
func TestTooMany(t *testing.T) {
	p := newPlace(t)
	p.puts("t/a.json", "{}", "t/b.json", "{}")
	cfg := p.config()
	cfg.MaxFiles = 1
	if _, err := p.crawler(cfg).Run(t.Context(), false); err == nil || !strings.Contains(err.Error(), "one by one") {
		t.Errorf("error %v", err)
	}
	for _, wrong := range []func(*crawl.Config){
		func(c *crawl.Config) { c.Database = "" }, func(c *crawl.Config) { c.Table = "A b" }, func(c *crawl.Config) { c.DateKeys = []string{"y"} }, func(c *crawl.Config) { c.Header = "maybe" },
	} {
		cfg := p.config()
		wrong(&cfg)
		if _, err := crawl.New(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}
