package configs_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/configs"
	"sluice/internal/lake"
)

type columns = map[string]lake.ColumnSpec

func TestValidate(t *testing.T) {
	type change = func(c *configs.Config)
	stream := func(s configs.Stream) change {
		return func(c *configs.Config) { c.Streams = map[string]configs.Stream{"s": s} }
	}
	layout := func(l configs.Layout) change { return stream(configs.Stream{Layout: l}) }
	by := func(exprs ...string) change { return stream(configs.Stream{PartitionBy: exprs}) }
	lake := func(uri string) change { return func(c *configs.Config) { c.Lake = uri } }
	for name, tc := range map[string]struct {
		change change
		path   string // of the one fault; "" for none
		text   string // in it
	}{
		"port 0":          {func(c *configs.Config) { c.Listen = "127.0.0.1:0" }, "", ""},
		"all addresses":   {func(c *configs.Config) { c.Listen = ":8080" }, "listen", "access.insecure: true"},
		"IPv6":            {func(c *configs.Config) { c.Listen = "[::1]:8080" }, "", ""},
		"no port":         {func(c *configs.Config) { c.Listen = "127.0.0.1" }, "listen", "host:port"},
		"port name":       {func(c *configs.Config) { c.Listen = ":http" }, "listen", "host:port"},
		"port too large":  {func(c *configs.Config) { c.Listen = ":65536" }, "listen", "host:port"},
		"no data dir":     {func(c *configs.Config) { c.DataDir = "" }, "data_dir", "folder"},
		"database":        {func(c *configs.Config) { c.Database = "My-Shop" }, "database", "such as my_shop"},
		"catalog":         {func(c *configs.Config) { c.Catalog = "hive" }, "catalog", "embedded, glue"},
		"lake file":       {lake("file:///var/lake"), "", ""},
		"lake s3":         {lake("s3://bucket/a/b/"), "", ""},
		"lake bucket":     {lake("s3://bucket"), "", ""},
		"lake folder":     {lake("/var/lake"), "lake", "did you mean file:///var/lake?"},
		"lake relative":   {lake("file://lake"), "lake", "file:///lake"},
		"lake no bucket":  {lake("s3:///a"), "lake", "bucket"},
		"lake scheme":     {lake("gs://b/a"), "lake", "s3://"},
		"lake parent":     {lake("s3://bucket/../a"), "lake", ".."},
		"lake empty part": {lake("file:///a//b"), "lake", "empty"},
		"endpoint":        {func(c *configs.Config) { c.S3.Endpoint = "localhost:9000" }, "s3.endpoint", "http://"},
		"hold without under": {func(c *configs.Config) {
			c.Streams = map[string]configs.Stream{"s": {Hold: configs.Hold{For: time.Hour}}}
		}, "streams.s.hold.under", "is missing"},
		"hold too large": {func(c *configs.Config) {
			c.Streams = map[string]configs.Stream{"s": {Hold: configs.Hold{Under: 2 * configs.GiB}}}
		}, "streams.s.hold.under", "1GiB"},
		"vacuum often":       {func(c *configs.Config) { c.Vacuum.Interval = time.Second }, "vacuum.interval", "at least 1m"},
		"retention often":    {func(c *configs.Config) { c.Retention.Interval = time.Second }, "retention.interval", "at least 1m"},
		"retention grace":    {func(c *configs.Config) { c.Retention.Grace = 0 }, "retention.grace", "1h"},
		"retention short":    {func(c *configs.Config) { c.Tables = tables(time.Hour) }, "tables.t.retention.after", "at least 24h"},
		"retention by":       {func(c *configs.Config) { c.Tables = tables(48*time.Hour, "Dt") }, "tables.t.retention.by", "such as dt"},
		"retention no after": {func(c *configs.Config) { c.Tables = tables(0, "dt") }, "tables.t.retention.after", "at least 24h"},
		"table's name":       {func(c *configs.Config) { c.Tables = map[string]configs.Table{"A-b": {}} }, "tables.A-b", "database"},
		"table twice":        {func(c *configs.Config) { c.Tables = map[string]configs.Table{"t": {}, "default.t": {}} }, "tables.t", "same table"},
		"reconcile often":    {func(c *configs.Config) { c.Reconcile.Interval = time.Second }, "reconcile.interval", "at least 1m"},
		"glue endpoint":      {func(c *configs.Config) { c.Glue.Endpoint = "http://h?x=1" }, "glue.endpoint", "http://"},
		"pprof off host":     {func(c *configs.Config) { c.Admin.Pprof = ":6060" }, "admin.pprof", "loopback"},
		"pprof any":          {func(c *configs.Config) { c.Admin.Pprof = "0.0.0.0:6060" }, "admin.pprof", "loopback"},
		"pprof":              {func(c *configs.Config) { c.Admin.Pprof = "localhost:6060" }, "", ""},
		"pprof IPv6":         {func(c *configs.Config) { c.Admin.Pprof = "[::1]:6060" }, "", ""},
		"interval":           {func(c *configs.Config) { c.Buffer.Interval = 0 }, "buffer.interval", "100ms to 24h"},
		"max_bytes":          {func(c *configs.Config) { c.Buffer.MaxBytes = 200 * configs.MiB }, "buffer.max_bytes", "at least buffer.size (256MiB)"},
		"row group":          {func(c *configs.Config) { c.Convert.RowGroup = 512 * configs.MiB }, "convert.row_group", "at most convert.memory (256MiB)"},
		"threads":            {func(c *configs.Config) { c.Query.Threads = -1 }, "query.threads", "0 to 1024"},
		"stream":             {stream(configs.Stream{}), "", ""},
		"stream size":        {stream(configs.Stream{Size: 1}), "streams.s.size", "1MiB to 1GiB"},
		"stream interval":    {stream(configs.Stream{Interval: time.Millisecond}), "streams.s.interval", "100ms to 24h"},
		"dedupe":             {stream(configs.Stream{Dedupe: configs.StreamDedupe{Key: "a.b", Window: time.Minute}}), "", ""},
		"dedupe window":      {stream(configs.Stream{Dedupe: configs.StreamDedupe{Key: "a", Window: time.Second}}), "streams.s.dedupe.window", "1m to 720h"},
		"dedupe key":         {stream(configs.Stream{Dedupe: configs.StreamDedupe{Window: time.Hour}}), "streams.s.dedupe.key", "messageId"},
		"idempotency window": {func(c *configs.Config) { c.HTTP.IdempotencyWindow = 0 }, "http.idempotency_window", "1m to 720h"},
		"segment tables":     {func(c *configs.Config) { c.Segment.Tables = "many" }, "segment.tables", "one, source, event"},
		"segment stream":     {func(c *configs.Config) { c.Segment.Stream = strings.Repeat("s", 21) }, "segment.stream", "1 to 20"},
		"segment source":     {func(c *configs.Config) { c.Segment.Source = "a.b" }, "segment.source", "1 to 32"},
		"segment window":     {func(c *configs.Config) { c.Segment.DedupeWindow = time.Second }, "segment.dedupe_window", "0s for no"},
		"segment no window":  {func(c *configs.Config) { c.Segment.DedupeWindow = 0 }, "", ""},
		"segment batch":      {func(c *configs.Config) { c.Segment.MaxBatch = configs.KiB }, "segment.max_batch", "segment.max_event"},
		"segment event":      {func(c *configs.Config) { c.Segment.MaxEvent = 0 }, "segment.max_event", "1KiB to 1000KiB"},
		"segment events":     {func(c *configs.Config) { c.Segment.MaxEvents = 0 }, "segment.max_events", "1 to"},
		"segment origins":    {func(c *configs.Config) { c.Segment.Origins = "https://a, https://b" }, "segment.origins", "one origin"},
		"max keys":           {func(c *configs.Config) { c.Dedupe.MaxKeys = 1 }, "dedupe.max_keys", "1000 to"},
		"stream table":       {stream(configs.Stream{Table: "a.b.c"}), "streams.s.table", "database"},
		"partitions":         {by("dt=day(ts)", "country = userCountry"), "", ""},
		"partition bare":     {by("country"), "streams.s.partition_by[0]", "name=expression"},
		"partition unnamed":  {by("=day(ts)"), "streams.s.partition_by[0]", "name=expression"},
		"partition name":     {by("a=b", "userCountry=userCountry"), "streams.s.partition_by[1]", "such as usercountry"},
		"partition twice":    {by("a=b", "a=c"), "streams.s.partition_by[1]", "twice"},
		"type":               {stream(configs.Stream{Columns: columns{"a": {Type: "text"}}}), "streams.s.columns.a", "bigint"},
		"epoch":              {stream(configs.Stream{Columns: columns{"a": {Type: "timestamp(epoch_millis)"}, "b": {Type: "array<string(json)>", From: "c.d"}}}), "", ""},
		"unknown form":       {stream(configs.Stream{Columns: columns{"a": {Type: "timestamp(epoch)"}}}), "streams.s.columns.a", "epoch_seconds, epoch_millis, epoch_micros"},
		"form of another":    {stream(configs.Stream{Columns: columns{"a": {Type: "bigint(json)"}}}), "streams.s.columns.a", "bigint"},
		"no type":            {stream(configs.Stream{Columns: columns{"a": {From: "b"}}}), "streams.s.columns.a", "has no type"},
		"from in a struct":   {stream(configs.Stream{Columns: columns{"a.b": {Type: "int", From: "b"}}}), "streams.s.columns.a.b.from", "name it a_b"},
		"empty path part":    {stream(configs.Stream{Columns: columns{"a..b": {Type: "int"}}}), "streams.s.columns.a..b", "path of a field"},
		"column of default":  {stream(configs.Stream{Columns: columns{"dt": {Type: "date"}}}), "streams.s.columns.dt", "partition"},
		"column a partition": {stream(configs.Stream{PartitionBy: []string{"country=c"}, Columns: columns{"Country": {Type: "string"}}}), "streams.s.columns.Country", "partition"},
		"rescued":            {stream(configs.Stream{Columns: columns{"_rescued": {Type: "string"}}}), "streams.s.columns._rescued", "declared"},
		"layout": {layout(configs.Layout{
			Compression: "gzip", CompressionLevel: 9, RowGroup: configs.MiB, Sort: []string{"a desc", "b.c nulls first"}, Bloom: []string{"a", "b.c"}, BloomFPP: 0.5, Timestamp: "int96",
		}), "", ""},
		"layout compression":   {layout(configs.Layout{Compression: "lz4"}), "streams.s.layout.compression", "zstd, snappy, gzip, none"},
		"layout level":         {layout(configs.Layout{CompressionLevel: 23}), "streams.s.layout.compression_level", "1 to 22"},
		"layout level of gzip": {layout(configs.Layout{Compression: "gzip", CompressionLevel: 10}), "streams.s.layout.compression_level", "1 to 9"},
		"layout level of none": {layout(configs.Layout{Compression: "none", CompressionLevel: 1}), "streams.s.layout.compression_level", "no levels"},
		"layout row group":     {layout(configs.Layout{RowGroup: configs.GiB}), "streams.s.layout.row_group", "at most convert.memory (256MiB)"},
		"layout sort":          {layout(configs.Layout{Sort: []string{"a", "b down"}}), "streams.s.layout.sort[1]", "price desc"},
		"layout sort twice":    {layout(configs.Layout{Sort: []string{"userId", "userid desc"}}), "streams.s.layout.sort[1]", "twice"},
		"layout partition":     {layout(configs.Layout{Sort: []string{"dt"}}), "streams.s.layout.sort[0]", "partition"},
		"layout bloom":         {layout(configs.Layout{Bloom: []string{"a..b"}}), "streams.s.layout.bloom[0]", "context.ip"},
		"layout fpp":           {layout(configs.Layout{BloomFPP: 0.6}), "streams.s.layout.bloom_fpp", "found 0.6, want 0.000001 to 0.5"},
		"layout timestamp":     {layout(configs.Layout{Timestamp: "nanos"}), "streams.s.layout.timestamp", "micros, millis, int96"},
		"fpp":                  {func(c *configs.Config) { c.Convert.BloomFPP = math.NaN() }, "convert.bloom_fpp", "found NaN"},
		"level":                {func(c *configs.Config) { c.Convert.Compression, c.Convert.CompressionLevel = "snappy", 1 }, "convert.compression_level", "no levels"},
		"shared table, other timestamps": {func(c *configs.Config) {
			c.Streams = map[string]configs.Stream{"a": {Table: "t"}, "b": {Table: "t", Layout: configs.Layout{Timestamp: "int96"}}}
		}, "streams.b", "streams.a as micros"},
		"empty list": {stream(configs.Stream{PartitionBy: make([]string, 0)}), "streams.s.partition_by", "leave it out for dt=day(ingest)"},
		"stream past log": {func(c *configs.Config) {
			c.Buffer.MaxBytes = 300 * configs.MiB
			c.Streams = map[string]configs.Stream{"s": {Size: 1 * configs.GiB}}
		}, "streams.s.size", "at most buffer.max_bytes (300MiB)"},
		"shared table": {func(c *configs.Config) {
			c.Streams = map[string]configs.Stream{"a": {Table: "t"}, "b": {Table: "default.t", PartitionBy: []string{"dt=day(ts)"}}}
		}, "", ""},
		"shared table, other partitions": {func(c *configs.Config) {
			c.Streams = map[string]configs.Stream{"a": {Table: "t"}, "b": {Table: "default.t", PartitionBy: []string{"h=hour(ts)"}}}
		}, "streams.b", "one set of names"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configs.Default()
			tc.change(&cfg)
			err := cfg.Validate()
			if tc.path == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var faults configs.Faults
			if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Path != tc.path || !strings.Contains(faults[0].Text, tc.text) {
				t.Errorf("got %v, want one fault of %s with %q", err, tc.path, tc.text)
			}
		})
	}
}

func TestCheckStreamName(t *testing.T) {
	for _, name := range []string{"a", "Purchases-2.x_", "_a", "-", strings.Repeat("x", 64), "0", ".a", "..."} {
		if err := configs.CheckStreamName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "a b", "ä", strings.Repeat("x", 65), "a\x00", "a\n"} {
		if configs.CheckStreamName(name) == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

func TestStream(t *testing.T) {
	cfg := configs.Default()
	cfg.Database = "shop"
	cfg.Streams = map[string]configs.Stream{
		"set":  {Table: "x.y", PartitionBy: []string{"h=hour(ts)"}, Columns: columns{"a": {Type: "int"}}, Strict: true, Size: configs.MiB, Interval: time.Second},
		"bare": {Table: "y"},
	}
	cfg.Convert.CompressionLevel, cfg.Convert.Timestamp = 7, "int96"
	set := cfg.Streams["set"]
	set.Layout = configs.Layout{Compression: "gzip", Sort: []string{"a"}, BloomFPP: 0.1}
	cfg.Streams["set"] = set
	set.Layout.RowGroup, set.Layout.Timestamp = 64*configs.MiB, "int96"
	layout := configs.Layout{Compression: "zstd", CompressionLevel: 7, RowGroup: 64 * configs.MiB, BloomFPP: 0.01, Timestamp: "int96"}
	base := configs.Stream{PartitionBy: []string{"dt=day(ingest)"}, Layout: layout, Size: 256 * configs.MiB, Interval: 5 * time.Minute}
	bare, none := base, base
	bare.Table, none.Table = "shop.y", "shop.my_stream_v2"
	for name, want := range map[string]configs.Stream{"set": set, "bare": bare, "My-Stream.v2": none} {
		if diff := cmp.Diff(want, cfg.Stream(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	cfg.Stream("set").PartitionBy[0] = "changed"
	cfg.Stream("set").Columns["a"] = lake.ColumnSpec{Type: "changed"}
	cfg.Stream("set").Layout.Sort[0] = "changed"
	if s := cfg.Streams["set"]; s.PartitionBy[0] == "changed" || s.Columns["a"].Type == "changed" || s.Layout.Sort[0] == "changed" {
		t.Error("Stream hands out the configuration's own list or map")
	}
}

func TestPlaces(t *testing.T) {
	cfg := configs.Default()
	cfg.DataDir = "/data dir/x"
	uri, err := cfg.LakeURI()
	got := []string{uri, cfg.BufferDir(), cfg.CatalogFile(), cfg.StagingDir(), cfg.CacheDir()}
	want := []string{"file:///data dir/x/lake", "/data dir/x/buffer", "/data dir/x/catalog.db", "/data dir/x/staging", "/data dir/x/cache"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	cfg.Lake = "s3://bucket/a/"
	if uri, _ := cfg.LakeURI(); uri != "s3://bucket/a" {
		t.Errorf("got %s", uri)
	}
	cfg = configs.Default()
	if uri, _ := cfg.LakeURI(); !strings.HasPrefix(uri, "file:///") || !strings.HasSuffix(uri, "/sluice-data/lake") {
		t.Errorf("got %s", uri)
	}
}

func TestBytes(t *testing.T) {
	for s, want := range map[string]configs.Bytes{
		"0": 0, "4096": 4096, "1B": 1, "256MiB": 256 << 20, "1GB": 1e9, "1 gb": 1e9, "1.5GiB": 1536 << 20,
		"0.5KiB": 512, "2TiB": 2 << 40, "1kB": 1000, "9223372036854775807": math.MaxInt64, " 7 ": 7,
	} {
		got, err := configs.ParseBytes(s)
		if err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", s, got, err, want)
		}
		if again, err := configs.ParseBytes(got.String()); err != nil || again != got {
			t.Errorf("%d prints as %s, which reads as %d, %v", got, got, again, err)
		}
	}
	for _, s := range []string{"", "MiB", "-1", "-1MiB", "1.5", "0.3KiB", "1e3", "1.2.3", "1QiB", "64M", "9223372036854775808", "8388608TiB", ".", "１"} {
		if got, err := configs.ParseBytes(s); err == nil {
			t.Errorf("ParseBytes(%q) = %d", s, got)
		}
	}
	for b, want := range map[configs.Bytes]string{0: "0", 1: "1", 1025: "1025", 1 << 30: "1GiB", 1e9: "1GB", 1536 << 20: "1536MiB", 3000: "3KB"} {
		if got := b.String(); got != want {
			t.Errorf("%d prints as %s, want %s", int64(b), got, want)
		}
	}
}

// tables has a rule of retention for one.
func tables(after time.Duration, by ...string) map[string]configs.Table {
	return map[string]configs.Table{"t": {Retention: configs.TableRetention{After: after, By: by}}}
}
