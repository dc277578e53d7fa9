package dedupe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/internal/dedupe"
	"sluice/internal/lake"
)

// A sink is a log that keeps nothing.
type sink struct{}

func (sink) Append(context.Context, string, lake.Block) error { return nil }
func (sink) Snapshot(string) (*buffer.Snapshot, error)        { return &buffer.Snapshot{}, nil }
func (sink) Streams() []buffer.StreamState                    { return nil }

// eventBlock is a block of 500 events of about 300 bytes, with ids from next on.
func eventBlock(dst []byte, next *int) []byte {
	for range 500 {
		*next++
		dst = fmt.Appendf(dst, `{"type":"track","event":"Order Completed","userId":"c56a4180-65aa-42ec-a945-5fd21dec0538","messageId":"ajs-next-%016d",`+
			`"context":{"ip":"10.1.2.3","page":{"path":"/checkout","title":"Checkout"}},"properties":{"total":27.5,"currency":"EUR","items":[1,2,3]}}`+"\n", *next)
	}
	return dst
}

// What a filter costs a record: none at all, with keys that are all new, with keys
// that are all known, beside millions of keys in files.
func BenchmarkFilter(b *testing.B) {
	for _, mode := range []string{"pass through", "new keys", "known keys", "new keys, 5 million in files", "request key"} {
		b.Run(mode, func(b *testing.B) {
			cfg := dedupe.Config{Dir: b.TempDir() + "/d", Log: sink{}, Key: plain}
			if strings.Contains(mode, "keys") {
				cfg.Key = func(string) ([]string, time.Duration) { return []string{"messageId"}, time.Hour }
			}
			f, err := dedupe.Open(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { done <- f.Run(ctx) }()
			next := 0
			bl := lake.Block{Records: 500, Arrival: time.Now()}
			if strings.Contains(mode, "million") {
				for range 10_000 {
					bl.Data = eventBlock(bl.Data[:0], &next)
					if err := f.Append(ctx, "s", bl); err != nil {
						b.Fatal(err)
					}
				}
				f.Sync(ctx, "s")
			}
			bl.Data = eventBlock(bl.Data[:0], &next)
			b.SetBytes(int64(len(bl.Data)))
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				if !strings.HasPrefix(mode, "known") {
					bl.Data = eventBlock(bl.Data[:0], &next)
				}
				if mode == "request key" {
					bl.Attrs = lake.AppendRequest(bl.Attrs[:0], fmt.Sprint(next), 0)
				}
				b.StartTimer()
				if err := f.Append(ctx, "s", bl); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/record")
			cancel()
			<-done
		})
	}
}
