package configs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/configs"
)

func TestLoadNothing(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "http:\nbuffer:\n  # size: 1MiB\n"} {
		got, err := load(t, text)
		if err != nil {
			t.Errorf("load %q: %v", text, err)
		}
		if diff := cmp.Diff(configs.Default(), got); diff != "" {
			t.Errorf("load %q (-default +got):\n%s", text, diff)
		}
	}
}

func TestPrecedence(t *testing.T) {
	cfg, err := load(t, "listen: 127.0.0.1:1\ndatabase: shop\nbuffer: {size: 2MiB, interval: 1m}\n",
		"SLUICE_LISTEN=127.0.0.1:2", "SLUICE_LISTEN=127.0.0.1:3", "SLUICE_BUFFER_SIZE=3MiB", "SLUICE_DATABASE=",
		"SLUICE_S3_PATH_STYLE=true", "SLUICE_QUERY_CONCURRENT=9", "SLUICE_DELIVERY_STOP_TIMEOUT=90s", "HOME=/root", "SLUICE")
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Default()
	want.Listen, want.Database = "127.0.0.1:3", "shop"
	want.Buffer.Size, want.Buffer.Interval = 3*configs.MiB, time.Minute
	want.S3.PathStyle, want.Query.Concurrent, want.Delivery.StopTimeout = true, 9, 90*time.Second
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Error(diff)
	}
}

func TestScalars(t *testing.T) {
	cfg, err := load(t, `
auto_create: FALSE
glue: {catalog_id: 012345678901}
s3: {region: 'no'}
query: {memory: 104857600, cache: 1.5 gib}
convert: {threads: "7"}
`)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.AutoCreate || cfg.Glue.CatalogID != "012345678901" || cfg.S3.Region != "no" ||
		cfg.Query.Memory != 100*configs.MiB || cfg.Query.Cache != 1536*configs.MiB || cfg.Convert.Threads != 7 {
		t.Errorf("got %+v", cfg)
	}
}

func TestRegions(t *testing.T) {
	const text = "s3: {endpoint: 'http://127.0.0.1:9000'}\nglue: {endpoint: 'http://127.0.0.1:9001', region: eu-west-1}\n"
	for _, tc := range []struct {
		text, env, s3, glue string
	}{
		{text, "", "us-east-1", "eu-west-1"},
		{text, "AWS_REGION=eu-central-1", "", "eu-west-1"},
		{text, "AWS_DEFAULT_REGION=eu-central-1", "", "eu-west-1"},
		{text, "AWS_REGION=", "us-east-1", "eu-west-1"},
		{"", "", "", ""},
	} {
		cfg, err := load(t, tc.text, tc.env)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.S3.Region != tc.s3 || cfg.Glue.Region != tc.glue {
			t.Errorf("with %s: regions %q and %q, want %q and %q", tc.env, cfg.S3.Region, cfg.Glue.Region, tc.s3, tc.glue)
		}
	}
}

// TestFaults pins the messages: they are what someone reads when the service
// does not start.
func TestFaults(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", "lisen: :80", `sluice.yaml:1: lisen: unknown setting; did you mean listen?`},
		{"unknown in section", "buffer:\n  siez: 1MiB", `sluice.yaml:2: buffer.siez: unknown setting; did you mean size?`},
		{"dashes and capitals", "Data-Dir: x", `sluice.yaml:1: Data-Dir: unknown setting; did you mean data_dir?`},
		{"wrong level", "interval: 1m", `sluice.yaml:1: interval: unknown setting; did you mean interval, which goes under buffer:?`},
		{"too deep", "s3:\n  listen: :80", `sluice.yaml:2: s3.listen: unknown setting; did you mean listen at the top level?`},
		{"dotted", "buffer.size: 1MiB", `sluice.yaml:1: buffer.size: unknown setting; did you mean size, which goes under buffer:?`},
		{"nothing near", "log:\n  colour: true", `sluice.yaml:2: log.colour: unknown setting; known are format, level`},
		{"duplicate", "listen: :1\nlisten: :2", `sluice.yaml:2: listen: set twice, first in line 1`},
		{"no value", "listen:", `sluice.yaml:1: listen: has no value; want a text, or leave the line out for the default`},
		{"map for text", "listen: {a: b}", `sluice.yaml:1: listen: want a text, found a map (key: value)`},
		{"text for section", "buffer: big", `sluice.yaml:1: buffer: want settings (key: value), found "big"`},
		{"list for section", "buffer: []", `sluice.yaml:1: buffer: want settings (key: value), found a list`},
		{"list at the root", "- a", `sluice.yaml:1: want settings (key: value), found a list`},
		{"text for list", "streams: {a: {partition_by: dt=x}}", `sluice.yaml:1: streams.a.partition_by: want a list, such as [a, b], found "dt=x"`},
		{"map in list", "streams: {a: {partition_by: [{dt: x}]}}", `sluice.yaml:1: streams.a.partition_by[0]: want a text, found a map (key: value)`},
		{"key is a list", "? [a]\n: b", `sluice.yaml:1: a key must be a word, found a list`},
		{"null key", "~: b", `sluice.yaml:1: a key must be a word, found nothing`},
		{"merge key", "s3: &a {region: x}\nglue:\n  <<: *a", `sluice.yaml:3: glue: merge keys (<<) are not supported; write the settings out`},
		{"own tag", "listen: !x 1", `sluice.yaml:1: listen: the tag !x is not supported; want a text`},
		{"bool", "auto_create: yes", `sluice.yaml:1: auto_create: found "yes", want true or false`},
		{"int", "delivery: {batches: 2.5}", `sluice.yaml:1: delivery.batches: found "2.5", want a whole number`},
		{"number", "convert: {bloom_fpp: 1%}", `sluice.yaml:1: convert.bloom_fpp: found "1%", want a number, such as 0.01`},
		{"int too long", "delivery: {batches: 99999999999}", `sluice.yaml:1: delivery.batches: found "99999999999", want a whole number`},
		{"duration", "buffer: {interval: 300}", `sluice.yaml:1: buffer.interval: "300" lacks a unit; want 300s for seconds or 300m for minutes`},
		{"duration word", "buffer: {interval: soon}", `sluice.yaml:1: buffer.interval: found "soon", want a duration, such as 30s, 5m or 1h30m`},
		{"size", "buffer: {size: huge}", `sluice.yaml:1: buffer.size: "huge" is not a size; want a number with a unit, such as 256MiB, 1GB or 4096`},
		{"size unit", "buffer: {size: 64M}", `sluice.yaml:1: buffer.size: the unit of "64M" is ambiguous; want 64MiB (1024 based) or 64MB (1000 based)`},
		{"two documents", "listen: :1\n---\nlisten: :2", `sluice.yaml:2: a second document begins (---); want one`},
		{"tab", "s3:\n\tregion: x", `sluice.yaml:2: not valid YAML, here or one line on: found character that cannot start any token (a line begins with a tab; YAML is indented with spaces)`},
		{"unknown anchor", "listen: *x", `sluice.yaml: not valid YAML: unknown anchor 'x' referenced`},
		{"range", "buffer:\n  size: 2GiB", `sluice.yaml:2: buffer.size: found 2GiB, want 1MiB to 1GiB`},
		{"enum", "log: {level: warning}", `sluice.yaml:1: log.level: found "warning", want one of debug, info, warn, error; did you mean warn?`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := load(t, tc.text)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if cfg.Listen != "" {
				t.Error("a configuration came back with the error")
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := load(t, `listen: nowhere
lake: ftp://x
bufer: {}
streams:
  ä:
    table: Shop.Purchases
    partition_by: [country]
  b: {columns: {a: strnig}, size: 1KiB}
`, "SLUICE_LOG_LEVEL=loud", "SLUICE_BUFER_SIZE=1MiB", "SLUICE_QUERY_THREADS=many")
	var faults configs.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want Faults", err)
	}
	want := []string{
		"sluice.yaml:1 listen",
		"sluice.yaml:2 lake",
		"sluice.yaml:3 bufer",
		"sluice.yaml:5 streams.ä",
		"sluice.yaml:6 streams.ä.table",
		"sluice.yaml:7 streams.ä.partition_by[0]",
		"sluice.yaml:8 streams.b.size",
		"sluice.yaml:8 streams.b.columns.a",
		"SLUICE_BUFER_SIZE ",
		"SLUICE_QUERY_THREADS query.threads",
		"SLUICE_LOG_LEVEL log.level",
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.Where+" "+f.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v\n(-want +got):\n%s", err, diff)
	}
	if head := "11 faults in the configuration:\n  sluice.yaml:1: listen: "; !strings.HasPrefix(err.Error(), head) {
		t.Errorf("got %v", err)
	}
}

func TestAliases(t *testing.T) {
	cfg, err := load(t, `
streams:
  a: &rules
    partition_by: &by [dt=day(ts)]
  b: *rules
  c: {partition_by: *by}
  d:
`)
	if err != nil {
		t.Fatal(err)
	}
	s := configs.Stream{PartitionBy: []string{"dt=day(ts)"}}
	want := map[string]configs.Stream{"a": s, "b": s, "c": s, "d": {}}
	if diff := cmp.Diff(want, cfg.Streams); diff != "" {
		t.Error(diff)
	}
}

// TestBombs loads files that grow when their aliases are expanded; each must end
// soon, and with a fault.
func TestBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	columns := "streams:\n  s0: &s\n    columns:\n"
	unknown := "streams:\n  s0: &s\n"
	var streams strings.Builder
	for i := range 5000 {
		columns += fmt.Sprintf("      c%d: int\n", i)
		unknown += fmt.Sprintf("    u%d: int\n", i)
		fmt.Fprintf(&streams, "  t%d: *s\n", i)
	}
	for name, text := range map[string]string{
		"billion laughs":  laughs.String(),
		"laughs in list":  laughs.String() + "streams: {s: {partition_by: *a39}}\n",
		"cycle":           "streams: &s {a: *s}\n",
		"cycle in a list": "streams: {s: {partition_by: &l [*l]}}\n",
		"quadratic":       columns + streams.String(),
		"faults":          unknown + streams.String(),
		"deep":            strings.Repeat("[", 9000),
		"long key":        strings.Repeat("k", 100_000) + ": 1\n",
	} {
		_, err := load(t, text)
		if err == nil {
			t.Errorf("%s: loaded", name)
			continue
		}
		var faults configs.Faults
		if errors.As(err, &faults); len(faults) > 101+4 {
			t.Errorf("%s: %d faults", name, len(faults))
		}
	}
	if _, err := load(t, "#"+strings.Repeat(" ", 1<<20)); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("a file past 1 MiB: %v", err)
	}
}

func TestLoadNoSuchFile(t *testing.T) {
	_, err := configs.Load("/nowhere/sluice.yaml", nil)
	if want := "read configuration: there is no file /nowhere/sluice.yaml"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(configs.Sample)
	f.Add("streams: &s {a: *s}")
	f.Add("? [a]\n: b")
	f.Add("buffer: {size: 1.5GiB, interval: 1h}")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := load(t, text, "SLUICE_STREAMS="+text)
		if err == nil && cfg.Validate() != nil {
			t.Errorf("Load took what Validate refuses: %v", cfg.Validate())
		}
	})
}
