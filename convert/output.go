package convert

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
)

// An output is the files of a run. The lanes hand row groups in as they close them, and
// encode them when they come to it; in the files they stand by turn, whichever was
// ready first, so that the same job gives the same files.
type output struct {
	dir string

	mu    sync.Mutex
	files map[string]*parquetFile // by partition; guarded by mu, what is in them too
	// queue has the row groups that have no place yet, in the order that they will
	// have; guarded by mu.
	queue []*ticket
	at    []int // the least turn of which each lane may still hand row groups in; guarded by mu
	err   error // the first; guarded by mu
}

// A ticket is a row group on its way into its file.
type ticket struct {
	from    *lane
	turn    int // at which the lane closed it
	file    *parquetFile
	group   rowGroup // guarded by output.mu
	encoded bool     // guarded by output.mu
}

// place hands the row group to the output.
func (t *ticket) place(b *builder, g rowGroup, err error) error {
	t.from.spares.give(b)
	return t.from.output.done(t, g, err)
}

func newOutput(dir string, lanes int) *output {
	o := &output{dir: dir, files: map[string]*parquetFile{}, at: make([]int, lanes)}
	for i := range o.at {
		o.at[i] = i
	}
	return o
}

// file is that of a partition.
func (o *output) file(partition string, s *schema) (*parquetFile, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := o.files[partition]; f != nil {
		return f, nil
	}
	f, err := createFile(filepath.Join(o.dir, fmt.Sprintf("%06d.parquet", len(o.files)+1)), s)
	if err != nil {
		return nil, err
	}
	f.partition = partition
	o.files[partition] = f
	return f, nil
}

// expect takes note of a row group that a lane has closed, the later the lane did the
// later.
func (o *output) expect(t *ticket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := len(o.queue)
	for i > 0 && o.queue[i-1].turn > t.turn {
		i--
	}
	o.queue = slices.Insert(o.queue, i, t)
}

// done takes the encoded row group of a ticket.
func (o *output) done(t *ticket, g rowGroup, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	t.group, t.encoded = g, true
	if err != nil && o.err == nil {
		o.err = err
	}
	o.placeLocked()
	return o.err
}

// enter says that a lane has done all its turns before this one.
func (o *output) enter(lane, turn int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at[lane] = turn
	o.placeLocked()
}

// placeLocked appends the row groups whose place is known: nothing can come before.
func (o *output) placeLocked() {
	for len(o.queue) > 0 && o.queue[0].encoded && o.err == nil {
		t := o.queue[0]
		for lane, at := range o.at {
			if lane != t.from.number && at < t.turn {
				return
			}
		}
		o.err = t.file.append(t.group)
		t.group = rowGroup{}
		o.queue = slices.Delete(o.queue, 0, 1)
	}
}

// finish places what is left, when the lanes are closed.
func (o *output) finish() error {
	for lane := range o.at {
		o.enter(lane, math.MaxInt)
	}
	if o.err == nil && len(o.queue) > 0 {
		return fmt.Errorf("BUG: %d row groups have no place", len(o.queue))
	}
	return o.err
}

// sorted are the files by partition.
func (o *output) sorted() []*parquetFile {
	all := make([]*parquetFile, 0, len(o.files))
	for _, f := range o.files {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *parquetFile) int { return cmp.Compare(a.partition, b.partition) })
	return all
}

// discard removes the files.
func (o *output) discard() {
	for _, f := range o.files {
		removeFile(f.path)
	}
}
