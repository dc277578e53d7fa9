// Package demo shows a running Sluice at work and checks it while it does: it
// sends purchases of a bookshop, asks for them while they are buffered and once
// they are delivered, and holds every answer against what was sent.
package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"sluice/internal/client"
	"sluice/internal/progress"
	"sluice/internal/sample"
)

// Stream is the stream that the purchases go to, and the table's name.
const Stream = "purchases"

// PartitionBy is how the demo's table is partitioned.
const PartitionBy = "dt=day(purchaseTimestamp)"

// day is the partition that the third query asks for.
const day = "2026-01-15"

// A Config is what the demo needs.
type Config struct {
	Client *client.Client
	Events int64
	Out    io.Writer
	Bar    *progress.Bar // nil: none
	// Files lists what is in the lake: the objects' keys and sizes.
	Files func(ctx context.Context) (map[string]int64, error)
}

// A tally is the truth about what was sent.
type tally struct {
	gen   *sample.Generator
	daily int64 // events on that day
	ages  int64 // the sum of userAge over them
}

// Run does the whole demonstration. The error says which answer was wrong.
func Run(ctx context.Context, cfg Config) error {
	d := &demo{Config: cfg}
	if err := d.send(ctx); err != nil {
		return err
	}
	if err := d.check(ctx, "Ask for them while they are still buffered, nothing delivered:", d.queries()[:1]); err != nil {
		return err
	}
	if err := d.deliver(ctx); err != nil {
		return err
	}
	return d.check(ctx, "Three queries over the Parquet:", d.queries())
}

type demo struct {
	Config
	tally tally
}

func (d *demo) send(ctx context.Context) error {
	gen, err := sample.New(Stream, 1)
	if err != nil {
		return err
	}
	gen.Spread(d.Events)
	d.tally = tally{gen: gen}
	if st, err := d.Client.Stream(ctx, Stream); err == nil && st.Accepted > 0 {
		return fmt.Errorf("the stream %s holds %d records already: the demo needs a fresh data folder", Stream, st.Accepted)
	}
	fmt.Fprintf(d.Out, "Sending %d purchases to %s/v1/streams/%s/records …\n", d.Events, d.Client.Server(), Stream)
	r, w := io.Pipe()
	go func() { w.CloseWithError(d.tally.write(w, d.Events)) }()
	stop := d.Bar.Start()
	sum, err := client.Sender{Client: d.Client, Stream: Stream, Records: 1000, Bar: d.Bar}.Run(ctx, r)
	stop()
	r.Close()
	if err != nil {
		return fmt.Errorf("send purchases: %w", err)
	}
	if sum.Accepted != d.Events {
		return fmt.Errorf("%d of %d purchases were accepted", sum.Accepted, d.Events)
	}
	fmt.Fprintf(d.Out, "  %d accepted, each on disk before it was: %.0f a second, p99 %.1f ms\n", sum.Accepted, sum.RecordsPerSecond, sum.Latency.P99)
	return nil
}

// write makes the events, counting.
func (t *tally) write(w io.Writer, n int64) error {
	buf := bufio.NewWriterSize(w, 1<<16)
	var event []byte
	for range n {
		event = t.gen.AppendEvent(event[:0])
		var e struct {
			At  int64 `json:"purchaseTimestamp"`
			Age int64 `json:"userAge"`
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return fmt.Errorf("BUG: sample event: %w", err)
		}
		if time.Unix(e.At, 0).UTC().Format(time.DateOnly) == day {
			t.daily++
			t.ages += e.Age
		}
		if _, err := buf.Write(event); err != nil {
			return err
		}
	}
	return buf.Flush()
}

func (d *demo) deliver(ctx context.Context) error {
	fmt.Fprintf(d.Out, "\nDelivering …\n")
	f, err := d.Client.Flush(ctx, Stream)
	if err != nil {
		return err
	}
	files, err := d.Files(ctx)
	if err != nil {
		return fmt.Errorf("list the lake: %w", err)
	}
	fmt.Fprintf(d.Out, "  %d records are in %d files of table %s, such as\n", f.Records, f.Files, f.Table)
	return d.showFiles(files)
}

func (d *demo) showFiles(files map[string]int64) error {
	var total int64
	for _, size := range files {
		total += size
	}
	for i, key := range sortedKeys(files) {
		if i == 3 {
			fmt.Fprintf(d.Out, "    … and %d more, %s in all\n", len(files)-i, progress.Bytes(total))
			break
		}
		fmt.Fprintf(d.Out, "    %s  %s\n", key, progress.Bytes(files[key]))
	}
	rows, err := d.ask(context.Background(), "SHOW PARTITIONS "+Stream)
	if err != nil {
		return err
	}
	if len(rows.Rows) == 0 {
		return fmt.Errorf("the catalog lists no partition of %s", Stream)
	}
	fmt.Fprintf(d.Out, "  The catalog lists %d partitions: %v … %v\n", len(rows.Rows), rows.Rows[0][0], rows.Rows[len(rows.Rows)-1][0])
	return nil
}
