package live_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/query/live"
)

// A log is a batch that grows: each record is a block, offsets are bytes.
type log struct {
	id      lake.BatchID
	stream  configs.Stream
	mu      sync.Mutex
	records []string
}

func newLog(n byte, stream configs.Stream) *log {
	return &log{id: lake.BatchID(fmt.Sprintf("20260131T000000Z-%012x", n)), stream: stream}
}

func (l *log) add(records ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, records...)
}

// batch is the log as it is now.
func (l *log) batch() live.Batch {
	l.mu.Lock()
	records := slices.Clone(l.records)
	l.mu.Unlock()
	var end int64
	for _, r := range records {
		end += int64(len(r)) + 1
	}
	return live.Batch{ID: l.id, Stream: l.stream, Records: int64(len(records)), Bytes: end, End: end, Blocks: func(from int64) lake.Blocks {
		return func() iter.Seq2[lake.Block, error] {
			return func(yield func(lake.Block, error) bool) {
				var at int64
				for _, r := range records {
					if at >= from && !yield(lake.Block{Data: []byte(r + "\n"), Records: 1, Arrival: time.Unix(0, 0)}, nil) {
						return
					}
					at += int64(len(r)) + 1
				}
			}
		}
	}}
}

// A counter converts and counts what it is given.
type counter struct {
	*convert.Converter
	mu    sync.Mutex
	jobs  int
	bytes int64
	fail  error
}

func (c *counter) Convert(ctx context.Context, job convert.Job) (convert.Result, error) {
	c.mu.Lock()
	c.jobs++
	err := c.fail
	c.mu.Unlock()
	if err != nil {
		os.WriteFile(filepath.Join(job.Dir, "partial"), nil, 0o600)
		return convert.Result{}, err
	}
	res, err := c.Converter.Convert(ctx, job)
	c.mu.Lock()
	c.bytes += res.Bytes
	c.mu.Unlock()
	return res, err
}

var name = lake.TableName{Database: "d", Table: "t"}

func open(t testing.TB, maxBytes int64) (*live.Cache, *counter, string) {
	t.Helper()
	conv, err := convert.New(convert.Config{Memory: 32 << 20, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "live")
	if err := os.MkdirAll(filepath.Join(dir, "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := &counter{Converter: conv}
	cache, err := live.Open(live.Config{Dir: dir, Converter: c, MaxBytes: maxBytes})
	if err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Fatalf("not wiped: %v", entries)
	}
	return cache, c, dir
}

// rows counts the rows of a view's files.
func rows(t testing.TB, v *live.View) int64 {
	t.Helper()
	var n int64
	for _, f := range v.Files {
		file, err := os.Open(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := file.Stat()
		p, err := parquet.OpenFile(file, info.Size())
		if err != nil {
			t.Fatal(err)
		}
		n += p.NumRows()
		file.Close()
	}
	return n
}

func acquire(t testing.TB, c *live.Cache, known []lake.Column, logs ...*log) *live.View {
	t.Helper()
	var batches []live.Batch
	for _, l := range logs {
		batches = append(batches, l.batch())
	}
	m := c.Begin()
	defer m.End()
	v, err := c.Acquire(t.Context(), m, name, known, batches)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func types(columns []lake.Column) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, "%s %s,", c.Name, c.Type)
	}
	return b.String()
}

// A batch that grows by one record a query is converted a logarithmic number of
// times, and its chunks stay few.
func TestGrowth(t *testing.T) {
	c, conv, _ := open(t, 1<<30)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	const n = 300
	most := 0
	for i := range n {
		l.add(fmt.Sprintf(`{"id":%d,"k":"a"}`, 1000+i))
		v := acquire(t, c, nil, l)
		if v.Rows != int64(i+1) || rows(t, v) != v.Rows {
			t.Fatalf("after %d records %d rows, %d in files", i+1, v.Rows, rows(t, v))
		}
		most = max(most, len(v.Files))
		v.Release()
	}
	total := l.batch().Bytes
	if most > 12 || conv.bytes > 14*total {
		t.Errorf("up to %d files, %d bytes converted of %d", most, conv.bytes, total)
	}
	jobs := conv.jobs
	acquire(t, c, nil, l).Release()
	if conv.jobs != jobs {
		t.Error("nothing new, and yet a conversion")
	}
}

// What a later chunk shows about a type is what the whole batch gets.
func TestTypesAreTheWholeBatchs(t *testing.T) {
	c, _, _ := open(t, 1<<30)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	for i := range 50 {
		l.add(fmt.Sprintf(`{"k":"a","v":%d}`, i))
	}
	v := acquire(t, c, nil, l)
	if got := types(v.Columns); got != "v bigint," {
		t.Fatal(got)
	}
	v.Release()
	l.add(`{"k":"a","v":"text"}`)
	v = acquire(t, c, nil, l)
	defer v.Release()
	if got := types(v.Columns); got != "v string,_rescued map<string,string>," || v.Rows != 51 {
		t.Errorf("columns %s, %d rows", got, v.Rows)
	}
	// A column of the catalog keeps its type; the misfit is rescued.
	w := acquire(t, c, []lake.Column{{Name: "v", Type: lake.Bigint}}, l)
	defer w.Release()
	if got := types(w.Columns); got != "v bigint,_rescued map<string,string>," || w.Rows != 51 {
		t.Errorf("columns %s, %d rows", got, w.Rows)
	}
	if rows(t, v) != 51 {
		t.Error("the older view lost its files")
	}
}

func TestColumnsGrowOverBatches(t *testing.T) {
	c, _, _ := open(t, 1<<30)
	s := configs.Stream{PartitionBy: []string{"k=k"}, Columns: map[string]lake.ColumnSpec{"m": {Type: "map<string,string>"}}}
	a, b := newLog(1, s), newLog(2, s)
	a.add(`{"k":"a","s":{"x":1}}`, `{"k":"b","m":{"q":"1"}}`)
	b.add(`{"k":"a","s":{"y":"t"},"new":true}`)
	v := acquire(t, c, []lake.Column{{Name: "old", Type: lake.String}}, a, b)
	if got := types(v.Columns); got != "old string,m map<string,string>,s struct<x:bigint,y:string>,new boolean," || v.Rows != 3 {
		t.Errorf("columns %s, %d rows", got, v.Rows)
	}
	v.Release()
}

// Files go when their batch has left the buffer and no view holds them.
func TestFilesGo(t *testing.T) {
	c, _, dir := open(t, 1<<30)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	l.add(`{"k":"a","v":1}`)
	v := acquire(t, c, nil, l)
	w := acquire(t, c, nil)
	if rows(t, v) != 1 || w.Rows != 0 || c.Bytes() == 0 {
		t.Error("files of a view in use went")
	}
	v.Release()
	v.Release()
	w.Release()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 || c.Bytes() != 0 {
		t.Errorf("left behind: %v, %d bytes", entries, c.Bytes())
	}
}

// A table too large for the cache is answered, and not kept; another one makes
// room when it was used longer ago.
func TestBound(t *testing.T) {
	c, conv, dir := open(t, 1)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	l.add(`{"k":"a","v":1}`)
	v := acquire(t, c, nil, l)
	if rows(t, v) != 1 {
		t.Error("no answer")
	}
	v.Release()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 || c.Bytes() != 0 {
		t.Errorf("kept: %v, %d bytes", entries, c.Bytes())
	}
	acquire(t, c, nil, l).Release()
	if conv.jobs != 2 {
		t.Errorf("%d conversions", conv.jobs)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	c, conv, dir := open(t, 1<<30)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	l.add(`{"k":"a","v":1}`)
	conv.fail = errors.New("disk full")
	if _, err := c.Acquire(t.Context(), c.Begin(), name, nil, []live.Batch{l.batch()}); !errors.Is(err, conv.fail) {
		t.Fatal(err)
	}
	left := 0
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			left++
		}
		return nil
	})
	if left != 0 {
		t.Errorf("%d files left", left)
	}
	conv.fail = nil
	v := acquire(t, c, nil, l)
	defer v.Release()
	if rows(t, v) != 1 {
		t.Error("no rows afterwards")
	}
}

// Many queries at once over batches that grow and go: every view holds at least
// the records of its snapshot, once, and a run of frames is converted once.
func TestConcurrent(t *testing.T) {
	c, _, dir := open(t, 1<<30)
	a, b := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}}), newLog(2, configs.Stream{PartitionBy: []string{"k=k"}})
	b.add(`{"k":"b","id":0}`)
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range 25 {
				a.add(fmt.Sprintf(`{"id":%d,"k":"a"}`, 100*w+i))
				batches := []live.Batch{a.batch(), b.batch()}
				if rand.IntN(3) == 0 {
					batches = batches[:1]
				}
				var want int64
				for _, x := range batches {
					want += x.Records
				}
				m := c.Begin()
				v, err := c.Acquire(t.Context(), m, name, nil, batches)
				m.End()
				if err != nil {
					t.Error(err)
					return
				}
				if got := rows(t, v); got != v.Rows || got < want {
					t.Errorf("%d rows in files, %d said, %d wanted", got, v.Rows, want)
				}
				v.Release()
			}
		})
	}
	group.Wait()
	acquire(t, c, nil).Release()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 || c.Bytes() != 0 {
		t.Errorf("left behind: %v, %d bytes", entries, c.Bytes())
	}
}

func TestWaitingIsCancelled(t *testing.T) {
	c, _, _ := open(t, 1<<30)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	l.add(`{"k":"a","v":1}`)
	b := l.batch()
	inside, leave := make(chan struct{}), make(chan struct{})
	inner := b.Blocks
	b.Blocks = func(from int64) lake.Blocks { close(inside); <-leave; return inner(from) }
	go func() {
		v, err := c.Acquire(context.Background(), c.Begin(), name, nil, []live.Batch{b})
		if err == nil {
			v.Release()
		}
		close(leave)
	}()
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Acquire(ctx, c.Begin(), name, nil, []live.Batch{l.batch()}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	leave <- struct{}{}
	<-leave
}

// A batch that one query sees and another does not, because it began or left the
// buffer between their snapshots, is converted once, whoever comes first.
func TestOrderOfQueries(t *testing.T) {
	c, conv, dir := open(t, 1<<30)
	a, b := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}}), newLog(2, configs.Stream{PartitionBy: []string{"k=k"}})
	a.add(`{"k":"a","v":1}`)
	b.add(`{"k":"a","v":2}`)
	at := func(m *live.Moment, logs ...*log) {
		t.Helper()
		var batches []live.Batch
		for _, l := range logs {
			batches = append(batches, l.batch())
		}
		v, err := c.Acquire(t.Context(), m, name, nil, batches)
		if err != nil {
			t.Fatal(err)
		}
		if got := rows(t, v); got != int64(len(logs)) {
			t.Errorf("%d rows of %d", got, len(logs))
		}
		v.Release()
	}
	// The snapshots: 1 has a, 2 has a and b, 3 has b alone.
	first, second, third := c.Begin(), c.Begin(), c.Begin()
	at(third, b)
	at(second, a, b)
	at(first, a)
	at(third, b)
	at(second, a, b)
	if conv.jobs != 2 {
		t.Errorf("%d conversions of two batches", conv.jobs)
	}
	first.End()
	second.End()
	at(third, b)
	third.End()
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the batch that is gone is kept: %v", entries)
	}
	if acquire(t, c, nil).Release(); c.Bytes() != 0 {
		t.Errorf("%d bytes are kept", c.Bytes())
	}
}

// What is new of a large batch is converted alone.
func TestOnlyTheNew(t *testing.T) {
	c, conv, _ := open(t, 1<<30)
	l := newLog(1, configs.Stream{PartitionBy: []string{"k=k"}})
	for i := range 2560 {
		l.add(fmt.Sprintf(`{"id":%d,"k":"a"}`, 10000+i))
	}
	acquire(t, c, nil, l).Release()
	before := conv.bytes
	var more int64
	for i := range 10 {
		r := fmt.Sprintf(`{"id":%d,"k":"a"}`, 20000+i)
		more += int64(len(r)) + 1
		l.add(r)
	}
	acquire(t, c, nil, l).Release()
	if got := conv.bytes - before; got != more {
		t.Errorf("%d bytes were converted, %d are new", got, more)
	}
}

// Tables are converted one after another: each conversion may take all the memory.
func TestOneConversionAtATime(t *testing.T) {
	c, _, _ := open(t, 1<<30)
	inside := make(chan struct{}, 1)
	var group sync.WaitGroup
	for n := range byte(4) {
		l := newLog(n, configs.Stream{PartitionBy: []string{"k=k"}})
		l.add(`{"k":"a","v":1}`)
		b := l.batch()
		inner := b.Blocks
		b.Blocks = func(from int64) lake.Blocks {
			return func() iter.Seq2[lake.Block, error] {
				return func(yield func(lake.Block, error) bool) {
					select {
					case inside <- struct{}{}:
						defer func() { <-inside }()
					default:
						t.Error("two conversions at once")
					}
					inner(from)()(yield)
				}
			}
		}
		group.Go(func() {
			m := c.Begin()
			defer m.End()
			v, err := c.Acquire(t.Context(), m, lake.TableName{Database: "d", Table: fmt.Sprint("t", n)}, nil, []live.Batch{b})
			if err != nil {
				t.Error(err)
				return
			}
			v.Release()
		})
	}
	group.Wait()
}
