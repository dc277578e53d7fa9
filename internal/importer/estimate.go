package importer

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
)

// A Forecast is what an import would read, and about what it would make of it.
type Forecast struct {
	Objects int64 `json:"objects"` // to be read
	Bytes   int64 `json:"bytes"`   // of them, as they lie there
	Known   int64 `json:"known"`   // that are in already
	Changed int64 `json:"changed"` // that were replaced since they were imported; they are not read
	// First and Last are the earliest and latest arrival, by day; empty where there are no
	// objects.
	First   string           `json:"first"`
	Last    string           `json:"last"`
	Sources map[string]int64 `json:"sources"` // objects of each, the first of them
	Kinds   map[string]int64 `json:"kinds"`   // objects by the end of their names
	// The rest is an estimate by a sample; 0 where that had no records.
	Sampled int     `json:"sampled"` // objects of which the beginning was read
	Records int64   `json:"records"`
	Bad     int64   `json:"bad"`
	JSON    int64   `json:"json_bytes"`
	Parquet int64   `json:"parquet_bytes"`
	Seconds float64 `json:"seconds"` // for conversion alone
	// Columns are those that the sample has.
	Columns []lake.Column `json:"-"`
}

// A sample is the beginning of some objects.
const (
	sampleObjects = 8
	sampleBytes   = 4 << 20 // of the JSON of each
	maxSources    = 20
)

// Predict looks at what an import would do, and changes nothing. The job says how
// records are converted; its Blocks and Dir are filled in here.
func Predict(ctx context.Context, cfg Config, conv *convert.Converter, job convert.Job) (Forecast, error) {
	f := Forecast{Sources: map[string]int64{}, Kinds: map[string]int64{}}
	j, _, err := readJournal(filepath.Join(cfg.Dir, "journal.ndjson"), cfg.Table)
	if err != nil {
		return f, err
	}
	var chosen []Object
	every := int64(1)
	for o, err := range cfg.Select.list(ctx, cfg.Source) {
		if err != nil {
			return f, err
		}
		switch p, changed := j.of(o.id); {
		case changed:
			f.Changed++
			continue
		case p.done:
			f.Known++
			continue
		}
		f.count(o)
		// Evenly over all of them, though it is not known how many there will be.
		if f.Objects%every == 0 {
			if chosen = append(chosen, o); len(chosen) == 2*sampleObjects {
				every *= 2
				chosen = slices.Collect(odd(chosen))
			}
		}
	}
	if len(chosen) > sampleObjects {
		chosen = chosen[:sampleObjects]
	}
	return f, f.sample(ctx, cfg, conv, job, chosen)
}

func odd(objects []Object) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for i := 1; i < len(objects); i += 2 {
			if !yield(objects[i]) {
				return
			}
		}
	}
}

func (f *Forecast) count(o Object) {
	f.Objects++
	f.Bytes += o.Size
	day := o.Arrival.UTC().Format(time.DateOnly)
	if f.First == "" || day < f.First {
		f.First = day
	}
	f.Last = max(f.Last, day)
	if _, ok := f.Sources[o.Source]; o.Source != "" && (ok || len(f.Sources) < maxSources) {
		f.Sources[o.Source]++
	}
	kind := strings.ToLower(path.Ext(o.Key))
	if _, ok := f.Kinds[kind]; ok || len(f.Kinds) < maxSources {
		f.Kinds[kind]++
	}
}

// sample converts the beginnings of objects and takes them for the whole.
func (f *Forecast) sample(ctx context.Context, cfg Config, conv *convert.Converter, job convert.Job, objects []Object) error {
	var blocks []lake.Block
	var read, records, bad int64 // read: bytes as they lie there
	for _, o := range objects {
		block, n, b, err := begin(ctx, cfg, o)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil || block.Records == 0 {
			continue // the import says what is wrong with it
		}
		f.Sampled++
		read, records, bad = read+n, records+int64(block.Records), bad+b
		blocks = append(blocks, block)
	}
	if read == 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "sluice-import-*")
	if err != nil {
		return fmt.Errorf("convert a sample: %w", err)
	}
	defer os.RemoveAll(dir)
	job.Dir = dir
	job.Blocks = func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			for _, b := range blocks {
				if !yield(b, nil) {
					return
				}
			}
		}
	}
	start := time.Now()
	res, err := conv.Convert(ctx, job)
	if err != nil {
		return fmt.Errorf("convert a sample: %w", err)
	}
	scale := float64(f.Bytes) / float64(read)
	f.Records, f.Bad, f.JSON = int64(float64(records)*scale), int64(float64(bad)*scale), int64(float64(res.Bytes)*scale)
	f.Seconds = time.Since(start).Seconds() * scale
	f.Columns = res.Columns
	for _, file := range res.Files {
		f.Parquet += int64(float64(file.Bytes) * scale)
	}
	return nil
}

// begin reads the beginning of an object.
func begin(ctx context.Context, cfg Config, o Object) (block lake.Block, read, bad int64, err error) {
	body, err := cfg.Source.GetVersion(ctx, o.Object, 0, -1)
	if err != nil {
		return block, 0, 0, err
	}
	defer body.Close()
	in := &counted{in: body, tell: func(int64) {}}
	text, free, err := decompress(in)
	if err != nil {
		return block, 0, 0, err
	}
	defer free()
	block.Arrival, block.Attrs = o.Arrival, lake.AppendSource(nil, o.Location)
	split, source := newSplitter(text), newStamp(cfg.SourceColumn, o.Source)
	for len(block.Data) < sampleBytes {
		data, ok, err := split.next(block.Data)
		if err != nil || !ok {
			break
		}
		block.Data = source.add(data, len(block.Data))
		block.Records++
	}
	// What was read of it ahead counts by its part of the text.
	ahead := int64(split.end - split.start)
	if total := int64(len(block.Data)) + ahead; total > 0 {
		read = in.n * int64(len(block.Data)) / total
	}
	return block, read, split.bad, nil
}
