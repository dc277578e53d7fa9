package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/buffer"
	"sluice/configs"
	"sluice/internal/delivery"
	"sluice/internal/lake"
)

// A batch is transformed by the program that it was sealed with; what the program
// leaves out is counted, what it fails on is under the error prefix, and a second
// attempt writes the same bytes.
func TestTransformedBatch(t *testing.T) {
	for _, tc := range []struct {
		errorPrefix string
		folders     []string
	}{
		{"", []string{"_errors/format-conversion-failed/s/", "_errors/processing-failed/s/"}},
		{"bad/", []string{"_errors/bad/", "_errors/bad/processing-failed/"}},
		{"!{firehose:error-output-type}/!{firehose:random-string}/", []string{"_errors/format-conversion-failed/", "_errors/processing-failed/"}},
	} {
		r := newRig(t)
		r.streams["s"] = configs.Stream{
			Transform: `select(.test | not) | .total = .price * 2`, Strict: true, ErrorPrefix: tc.errorPrefix,
			Columns: map[string]lake.ColumnSpec{"v": {Type: "bigint"}, "city": {Type: "string", From: "geo.city"}, "at": {Type: "timestamp(epoch_seconds)"}},
		}
		r.append("s", `{"id":1,"price":2,"geo":{"city":"Rome"},"at":1769860800}`, `{"id":2,"test":true}`, `{"id":3,"price":[1]}`, `{"id":4,"v":"x","price":1}`)
		if err := r.buffer.Seal(context.Background(), "s"); err != nil {
			t.Fatal(err)
		}
		r.streams["s"] = configs.Stream{Transform: "empty"} // it is too late for that
		var first map[string]string
		d := r.deliverer(func(c *delivery.Config) {
			c.BeforeRelease = func(context.Context, *buffer.Batch) error {
				if first == nil {
					first = r.objects()
					return errors.New("not yet")
				}
				return nil
			}
		})
		stop := start(t, d)
		if _, err := d.Flush(context.Background(), "s"); err == nil {
			t.Error("the first attempt did not fail")
		}
		if _, err := d.Flush(context.Background(), "s"); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := d.Totals("s"); got.Delivered != 1 || got.Failed != 2 || got.Filtered != 1 {
			t.Errorf("totals %+v", got)
		}
		again := r.objects()
		if len(again) != 3 || len(first) != 3 {
			t.Errorf("objects %v, then %v", keysOf(first), keysOf(again))
		}
		for key, body := range first {
			if again[key] != body {
				t.Errorf("%s has other bytes the second time", key)
			}
		}
		for _, folder := range tc.folders {
			if !slices.ContainsFunc(keysOf(again), func(key string) bool {
				return strings.Contains(key, folder) && strings.HasSuffix(key, ".ndjson")
			}) {
				t.Errorf("nothing under %s: %v", folder, keysOf(again))
			}
		}
		table, err := r.catalog.Table(context.Background(), lake.TableName{Database: "default", Table: "s"})
		if err != nil {
			t.Fatal(err)
		}
		spec := lake.StructOf(table.Columns...).String()
		if want := "struct<at:timestamp,city:string,v:bigint,id:bigint,price:bigint,total:bigint>"; spec != want {
			t.Errorf("columns %s, want %s", spec, want)
		}
	}
}

func keysOf(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Partition keys are those of the query that the batch was sealed with. A record that
// lacks one is under the error prefix and counted as failed, and a second attempt
// writes the same bytes.
func TestBatchOfAPartitionQuery(t *testing.T) {
	for _, query := range []string{`{c: .c.id}`, `{c: (if .n == 9 then error("nine") else .c.id end)}`} {
		r := newRig(t)
		r.streams["s"] = configs.Stream{
			Prefix: "c=!{partitionKeyFromQuery:c}/", PartitionQuery: query, ErrorPrefix: "bad/!{firehose:error-output-type}/",
		}
		r.append("s", `{"n":1,"c":{"id":"x"}}`, `{"n":2,"c":{"id":5}}`, `{"n":3,"c":{}}`, `{"n":4}`, `no JSON`, `{"n":9}`)
		if err := r.buffer.Seal(context.Background(), "s"); err != nil {
			t.Fatal(err)
		}
		r.streams["s"] = configs.Stream{} // it is too late for that
		var first map[string]string
		d := r.deliverer(func(c *delivery.Config) {
			c.BeforeRelease = func(context.Context, *buffer.Batch) error {
				if first == nil {
					first = r.objects()
					return errors.New("not yet")
				}
				return nil
			}
		})
		stop := start(t, d)
		if _, err := d.Flush(context.Background(), "s"); err == nil {
			t.Error("the first attempt did not fail")
		}
		if _, err := d.Flush(context.Background(), "s"); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := d.Totals("s"); got.Delivered != 2 || got.Failed != 4 || got.Filtered != 0 {
			t.Errorf("totals %+v", got)
		}
		again := r.objects()
		if len(again) != 4 || len(first) != 4 {
			t.Errorf("objects %v, then %v", keysOf(first), keysOf(again))
		}
		for key, body := range first {
			if again[key] != body {
				t.Errorf("%s has other bytes the second time", key)
			}
			if strings.Contains(key, "_errors/bad/processing-failed/") && strings.Count(body, `"errorCode":"DynamicPartitioning.MetadataExtractionFailed"`) != 3 {
				t.Errorf("%s: %s", key, body)
			}
		}
		for _, folder := range []string{"default/s/c=x/", "default/s/c=5/", "_errors/bad/processing-failed/", "_errors/bad/format-conversion-failed/"} {
			if !slices.ContainsFunc(keysOf(again), func(key string) bool { return strings.Contains(key, "/lake/"+folder) }) {
				t.Errorf("nothing under %s: %v", folder, keysOf(again))
			}
		}
	}
}
