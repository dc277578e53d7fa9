package configs_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"sluice/configs"
	"sluice/internal/lake"
)

func TestSampleEqualsDefault(t *testing.T) {
	got, err := configs.Load("sluice.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(configs.Default(), got); diff != "" {
		t.Errorf("sluice.yaml differs from Default (-default +sample):\n%s", diff)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := configs.Default().Validate(); err != nil {
		t.Error(err)
	}
}

// uncommented is the sample with its commented example of a stream in force.
func uncommented(t *testing.T) string {
	t.Helper()
	main, example, ok := strings.Cut(configs.Sample, "\n#keys:\n")
	if !ok {
		t.Fatal("sluice.yaml has no commented examples")
	}
	for _, collection := range []string{"streams", "keys", "tables", "subscriptions"} {
		main = strings.Replace(main, "\n"+collection+": {}\n", "\n", 1)
	}
	// The example's key is known by a certificate too.
	main = strings.NewReplacer(`cert: ""`, "cert: c.pem", `key: ""`, "key: k.pem", `client_ca: ""`, "client_ca: ca.pem").Replace(main)
	main = strings.Replace(main, "\n  url: \"\"", "\n  url: embedded", 1) // for the example's subscription
	var b strings.Builder
	b.WriteString(main + "\nkeys:\n")
	for line := range strings.Lines(example) {
		if !strings.HasPrefix(line, "#") {
			t.Fatalf("%q after the example begins is not commented", line)
		}
		b.WriteString(line[1:])
	}
	return b.String()
}

func TestSampleExampleLoads(t *testing.T) {
	cfg, err := load(t, uncommented(t))
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Stream{
		Table: "shop.purchases", PartitionBy: []string{"dt=day(purchaseTimestamp)", "country=userCountry"},
		TimeZone: "UTC",
		Columns: map[string]lake.ColumnSpec{
			"userage": {Type: "int"}, "price": {Type: "decimal(10,2)"}, "purchasetimestamp": {Type: "timestamp(epoch_seconds)"},
			"city": {Type: "string", From: "context.location.city"},
		},
		Transform: "select(.test | not) | .total = .price * .count",
		Layout: configs.Layout{
			Compression: "snappy", RowGroup: 32 * configs.MiB, Sort: []string{"genre", "purchaseTimestamp desc"},
			Bloom: []string{"bookId"}, BloomFPP: 0.01, Timestamp: "micros",
		},
		Hold: configs.Hold{Under: 16 * configs.MiB, For: time.Hour},
		Size: 64 * configs.MiB, Interval: time.Minute,
		Dedupe: configs.StreamDedupe{Key: "purchaseId", Window: 24 * time.Hour},
	}
	if diff := cmp.Diff(want, cfg.Streams["purchases"]); diff != "" {
		t.Error(diff)
	}
	wantTable := configs.Table{Retention: configs.TableRetention{After: 400 * 24 * time.Hour, By: []string{"dt"}}}
	if diff := cmp.Diff(wantTable, cfg.Tables["shop.purchases"]); diff != "" {
		t.Error(diff)
	}
	wantKey := configs.Key{
		SHA256:      "0000000000000000000000000000000000000000000000000000000000000000",
		AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretFile: "/etc/sluice/bookstore.secret", Certificate: "bookstore.example.com",
		Write: []string{"purchases", "web-*"}, Query: []string{"shop"}, Modify: []string{"shop"},
	}
	if diff := cmp.Diff(wantKey, cfg.Keys["bookstore"]); diff != "" {
		t.Error(diff)
	}
}

// TestEverySettingIsInTheSample holds the sample and the list of settings
// against the Config type, found by a walk of its own.
func TestEverySettingIsInTheSample(t *testing.T) {
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(uncommented(t)), &doc); err != nil {
		t.Fatal(err)
	}
	var listed []string
	envs := make(map[string]bool)
	for _, s := range configs.Settings() {
		listed = append(listed, s.Path)
		if s.Doc == "" {
			t.Errorf("%s is not explained in sluice.yaml", s.Path)
		}
		switch ofEntry := strings.Contains(s.Path, "*"); {
		case ofEntry && s.Env != "":
			t.Errorf("%s has the variable %s", s.Path, s.Env)
		case !ofEntry && (!strings.HasPrefix(s.Env, "SLUICE_") || envs[s.Env]):
			t.Errorf("%s: the variable %q is not one of its own", s.Path, s.Env)
		}
		envs[s.Env] = true
	}
	var paths []string
	var visit func(typ reflect.Type, path []string, node any)
	visit = func(typ reflect.Type, path []string, node any) {
		m, ok := node.(map[string]any)
		if !ok {
			t.Errorf("%s is no section of sluice.yaml", strings.Join(path, "."))
			return
		}
		for f := range typ.Fields() {
			key := f.Tag.Get("yaml")
			p := append(slices.Clone(path), key)
			value, ok := m[key]
			if !ok {
				t.Errorf("%s is not in sluice.yaml", strings.Join(p, "."))
				continue
			}
			switch {
			case f.Type.Kind() == reflect.Struct:
				visit(f.Type, p, value)
				continue
			case f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Struct && f.Type.Elem() != reflect.TypeFor[lake.ColumnSpec]():
				paths = append(paths, strings.Join(p, "."))
				for _, example := range value.(map[string]any) {
					visit(f.Type.Elem(), append(p, "*"), example)
				}
				continue
			}
			paths = append(paths, strings.Join(p, "."))
		}
	}
	visit(reflect.TypeFor[configs.Config](), nil, doc)
	if diff := cmp.Diff(paths, listed); diff != "" {
		t.Errorf("Settings differs from the Config type (-type +settings):\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	byPath := make(map[string]configs.Setting)
	for _, s := range configs.Settings() {
		byPath[s.Path] = s
	}
	for _, want := range []configs.Setting{
		{Path: "listen", Env: "SLUICE_LISTEN", Type: "string", Default: "127.0.0.1:8080"},
		{Path: "buffer.size", Env: "SLUICE_BUFFER_SIZE", Type: "bytes", Default: "256MiB", Min: "1MiB", Max: "1GiB"},
		{Path: "buffer.interval", Env: "SLUICE_BUFFER_INTERVAL", Type: "duration", Default: "5m", Min: "100ms", Max: "24h"},
		{Path: "convert.bloom_fpp", Env: "SLUICE_CONVERT_BLOOM_FPP", Type: "number", Default: "0.01", Min: "0.000001", Max: "0.5"},
		{Path: "s3.path_style", Env: "SLUICE_S3_PATH_STYLE", Type: "bool", Default: "false"},
		{Path: "log.format", Env: "SLUICE_LOG_FORMAT", Type: "string", Default: "text", Values: []string{"text", "json"}},
		{Path: "streams.*.partition_by", Type: "list"},
		{Path: "streams.*.columns", Type: "map"},
	} {
		got := byPath[want.Path]
		got.Doc = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Path, diff)
		}
	}
	if got, want := byPath["convert.threads"].Doc, "Threads that convert one batch. 0: one a core."; got != want {
		t.Errorf("doc of convert.threads: %q, want %q", got, want)
	}
	if got, want := byPath["streams.*.interval"].Doc, "buffer.interval of this stream. Left out: as there."; got != want {
		t.Errorf("doc of streams.*.interval: %q, want %q", got, want)
	}
}

// load writes text to a file named sluice.yaml and loads it.
func load(t *testing.T, text string, env ...string) (configs.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return configs.Load(path, env)
}
