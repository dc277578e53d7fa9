package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/buffer"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/lake"

	"github.com/google/go-cmp/cmp"
)

// A log that lets go of nothing.
type keepingLog struct{ *buffer.Buffer }

func (keepingLog) Release(context.Context, *buffer.Batch) error { return errInjected }

// A delivery that is repeated after every setting of the layout was changed
// puts the same bytes under the same names.
func TestRepeatedDeliveryIsTheSame(t *testing.T) {
	layouts := []configs.Layout{
		{
			Compression: "gzip", CompressionLevel: 3, RowGroup: 1 << 20, Sort: []string{"k", "at desc nulls first"}, Bloom: []string{"id", "u"},
			BloomFPP: 0.05, Timestamp: "int96",
		},
		{Compression: "zstd", RowGroup: 2 << 20, BloomFPP: 0.01, Timestamp: "micros"},
	}
	for i, layout := range layouts {
		t.Run(layout.Compression, func(t *testing.T) {
			r := newRig(t)
			r.streams["s"] = configs.Stream{PartitionBy: []string{"k=k"}, Layout: layout}
			r.memory = 4 << 20
			for k := range int64(40) {
				var records []string
				for i := 1000 * k; i < 1000*k+1000; i++ {
					records = append(records, fmt.Sprintf(`{"id":%d,"k":"k%d","u":"%032x","at":"2026-01-31T%02d:%02d:59Z"}`, i, i%3, i*7919, i*7%24, i%60))
				}
				r.append("s", records...)
			}
			attempt := func(log delivery.Log, cfg convert.Config) error {
				converter, err := convert.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				d := r.deliverer(func(c *delivery.Config) { c.Log, c.Converter = log, converter })
				defer start(t, d)()
				_, err = d.Flush(context.Background(), "s")
				return err
			}
			if err := attempt(keepingLog{r.buffer}, convert.Config{Threads: 1, Memory: 4 << 20}); !errors.Is(err, errInjected) {
				t.Fatalf("first attempt: %v", err)
			}
			first := r.objects()
			if err := r.buffer.Close(); err != nil {
				t.Fatal(err)
			}
			r.streams["s"] = configs.Stream{Layout: layouts[1-i]}
			r.memory = 64 << 20
			r.openBuffer()
			if err := attempt(r.buffer, convert.Config{Threads: 2, Memory: 64 << 20, Compression: "none", RowGroup: 4 << 20}); err != nil {
				t.Fatalf("second attempt: %v", err)
			}
			second := r.objects()
			if len(first) != 3 {
				t.Errorf("%d objects", len(first))
			}
			for key, b := range first {
				if second[key] != b {
					t.Errorf("%s has other bytes", key)
				}
			}
			if len(second) != len(first) {
				t.Errorf("objects %d, then %d", len(first), len(second))
			}
		})
	}
}

// objects are the lake's, by their path.
func (r *rig) objects() map[string]string {
	r.t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(filepath.Join(r.dir, "lake"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := os.ReadFile(path)
		out[path] = string(b)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// A batch that was sealed before there were layouts is delivered as the
// converter says.
func TestRulesWithoutLayout(t *testing.T) {
	var s delivery.Rules
	if err := json.Unmarshal([]byte(`{"table":"a.b","partition_by":["k=k"],"raw":{}}`), &s); err != nil {
		t.Fatal(err)
	}
	got, err := delivery.LayoutOf(s.Layout)
	if diff := cmp.Diff(convert.Layout{}, got); diff != "" || err != nil || s.Memory != 0 {
		t.Errorf("%v %d %s", err, s.Memory, diff)
	}
}

func TestLayoutOf(t *testing.T) {
	got, err := delivery.LayoutOf(configs.Layout{
		Compression: "zstd", CompressionLevel: 3, RowGroup: 5, Sort: []string{"a.b desc"}, Bloom: []string{"c"}, BloomFPP: 0.5, Timestamp: "millis",
	})
	want := convert.Layout{
		Compression: "zstd", CompressionLevel: 3, RowGroup: 5, Sort: []lake.SortKey{{Path: "a.b", Descending: true}}, Bloom: []string{"c"}, BloomFPP: 0.5, Timestamp: "millis",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := delivery.LayoutOf(configs.Layout{Sort: []string{"a b"}}); err == nil {
		t.Error("a bad sort key is taken")
	}
}
