package convert

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"sluice/internal/lake"
	"sluice/partitioner"
)

// A MergeJob is Parquet files of one partition that become fewer, larger ones.
//
// The rows go column by column, from the pages of the sources into the builders of
// row groups, entry by entry of their dictionaries: no row is ever put together, and
// a text that is repeated is looked at once a column chunk.
type MergeJob struct {
	// Sources are local files.
	Sources []string
	// Columns are the table's: the files have exactly these, in this order. What a
	// source lacks is null.
	Columns []lake.Column
	Layout  Layout // as Job's, but Sort is the order of all rows, over all files
	Dir     string // an existing folder for the files
	// Target is the most bytes of a file, about (a row group or a sixteenth more): there
	// are as few files as that allows, and they are of about equal size. 0: one file.
	Target int64
	// Progress, if set, is called now and then with the bytes of sources read; of those
	// that are sorted in two passes half of the bytes are done after each.
	Progress func(bytes int64)
}

// A MergeResult is what became of a MergeJob.
type MergeResult struct {
	Files []File // in the order of their rows; without a partition
	Rows  int64
	Bytes int64 // of the sources
}

// A SourceError is a source that cannot be merged as it is, because the result would
// not say what it says: the file must be left alone. Cause tells what it is about the
// file; it is no failure of the machine's.
type SourceError struct {
	Path  string
	Cause string
}

func (e *SourceError) Error() string { return fmt.Sprintf("merge %s: %s", e.Path, e.Cause) }

// Merge does a job. Before anything is written every source's schema is looked at;
// the first that does not fit is a *SourceError. When it fails the folder may hold
// partial files. Memory is as Convert's.
func (c *Converter) Merge(ctx context.Context, job MergeJob) (MergeResult, error) {
	if err := job.Layout.check(); err != nil {
		return MergeResult{}, fmt.Errorf("merge: layout: %w", err)
	}
	if err := checkColumns(job.Columns); err != nil {
		return MergeResult{}, fmt.Errorf("merge: %w", err)
	}
	m := &merge{job: job, cfg: c.cfg.with(job.Layout), builders: &c.builders}
	rules, err := partitioner.Parse([]string{}) // a partition's columns are in no file
	if err != nil {
		return MergeResult{}, fmt.Errorf("BUG: merge: %w", err)
	}
	m.schema = newSchema(job.Columns, job.Columns, rules)
	m.schema.apply(job.Layout)
	m.stage = newStage(m.cfg, c.encoders.of(m.cfg))
	if m.encoder, err = m.stage.encoder(); err != nil {
		return MergeResult{}, fmt.Errorf("merge: %w", err)
	}
	if err := m.survey(ctx); err != nil {
		return MergeResult{}, err
	}
	if len(m.schema.sort) > 0 {
		runs := newSchema(job.Columns, job.Columns, rules)
		runs.apply(Layout{Sort: job.Layout.Sort, Timestamp: job.Layout.Timestamp})
		m.sorting = newSorting(m, runs)
	}
	stop, err := m.stage.start(1)
	if err != nil {
		return MergeResult{}, fmt.Errorf("merge: %w", err)
	}
	begun := time.Now()
	err = m.run(ctx)
	stop()
	if err == nil && m.queued != nil {
		err = m.queued.err
	}
	m.spares.leave(&c.builders)
	m.stage.encoders.Put(m.encoder)
	if err == nil {
		err = m.finish()
	}
	if err != nil {
		return MergeResult{}, fmt.Errorf("merge: %w", err)
	}
	c.log.Debug("files merged", "sources", len(job.Sources), "files", len(m.result.Files), "rows", m.result.Rows, "bytes", m.result.Bytes, "took", time.Since(begun))
	return m.result, nil
}

// A merge is one job under way.
type merge struct {
	job      MergeJob
	cfg      Config
	schema   *schema
	stage    *stage
	builders interface{ Get() any }
	sources  []surveyed
	total    int64 // bytes of sources
	read     int64 // of those, bytes of row groups that are in builders
	build    *builder
	file     *parquetFile
	files    []*parquetFile
	queued   *merged // the row group handed to the stage last
	encoder  *encoder
	spares   spares
	placed   int64    // of those, when the last row group was handed to the stage
	sorting  *sorting // nil: rows come in the order of the sources
	cursors  []*cursor
	result   MergeResult
}

// A surveyed source is one whose schema fits.
type surveyed struct {
	path  string
	bytes int64
	rows  int64
}

// survey looks at the footers of all sources, and counts what is in them.
func (m *merge) survey(ctx context.Context) error {
	for _, path := range m.job.Sources {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		s, err := openSource(path, m.schema, m.cfg.Memory)
		if err != nil {
			return err
		}
		v := surveyed{path: path, bytes: s.file.Size(), rows: s.file.NumRows()}
		s.close()
		m.total += v.bytes
		m.sources = append(m.sources, v)
	}
	return nil
}

// run reads the sources, one after the other.
func (m *merge) run(ctx context.Context) error {
	for _, v := range m.sources {
		if err := m.source(ctx, v); err != nil {
			return err
		}
	}
	if m.sorting == nil {
		return m.flush()
	}
	if m.sorting.file == nil { // one row group
		m.sorting = nil
		return m.flush()
	}
	if err := m.flush(); err != nil {
		return err
	}
	return m.sorting.finish(ctx)
}

func (m *merge) source(ctx context.Context, v surveyed) error {
	s, err := openSource(v.path, m.schema, m.cfg.Memory)
	if err != nil {
		return err
	}
	defer s.close()
	before := m.read
	for i := range s.file.RowGroups() {
		if err := m.rowGroup(ctx, s, i); err != nil {
			return err
		}
		m.read = before + (v.bytes*int64(i+1))/int64(len(s.file.RowGroups()))
		if m.job.Progress != nil {
			if m.sorting != nil {
				m.job.Progress(m.read / 2)
			} else {
				m.job.Progress(m.read)
			}
		}
	}
	m.read = before + v.bytes
	return nil
}

// mergeRows is how many rows are taken from a row group at a time: some pages' worth,
// so that a row group that is being built ends near its size.
const mergeRows = maxPageRows

// rowGroup takes the rows of a source's row group.
func (m *merge) rowGroup(ctx context.Context, s *source, i int) error {
	rows := s.file.RowGroups()[i].NumRows()
	var err error
	if m.cursors, err = s.cursors(i); err != nil {
		return err
	}
	defer func() {
		for _, c := range m.cursors {
			c.close()
		}
		m.cursors = nil
	}()
	for rows > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if m.build == nil {
			m.open()
		}
		n := int(min(rows, mergeRows))
		if len(m.schema.sort) > 0 {
			n = min(n, max(1, m.maxRows()-m.build.rows()))
		}
		for _, c := range m.cursors {
			if err := c.take(m.build, n); err != nil {
				return s.blame(err)
			}
		}
		for _, c := range m.cursors {
			c.settle(m.build)
		}
		m.build.slots[0] += n
		rows -= int64(n)
		m.result.Rows += int64(n)
		if m.build.bytes >= m.cfg.RowGroup || len(m.schema.sort) > 0 && m.build.rows() >= m.maxRows() {
			if err := m.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxRows is the most rows of a row group that is sorted.
func (m *merge) maxRows() int { return int(max(1, m.cfg.RowGroup/sortBytes)) }

func (m *merge) open() {
	if b := m.spares.take(); b != nil {
		m.build = b
		return
	}
	b, _ := m.builders.Get().(*builder)
	if b == nil {
		b = &builder{}
	}
	b.begin(m.schema)
	m.build = b
}

// flush hands the row group that is being built to the encoders.
func (m *merge) flush() error {
	b := m.build
	if b == nil || b.rows() == 0 {
		return nil
	}
	m.build = nil
	for _, c := range m.cursors {
		c.forget()
	}
	if m.sorting != nil {
		b.finish()
		return m.sorting.run(b)
	}
	if err := m.place(); err != nil {
		return err
	}
	b.finish()
	m.placed = m.read
	m.queued = &merged{m: m, file: m.file, after: m.queued, placed: make(chan struct{})}
	return m.stage.encode(m.encoder, filled{b, m.queued})
}

// A merged is a row group on its way into its file, behind the one before it.
type merged struct {
	m      *merge
	file   *parquetFile
	after  *merged       // nil for the first
	placed chan struct{} // closed when it is in the file, or never will be
	err    error         // the job's, once placed is closed
}

// place appends the row group, after the one before it.
func (t *merged) place(b *builder, g rowGroup, err error) error {
	defer close(t.placed)
	if t.after != nil {
		<-t.after.placed
		if t.after.err != nil {
			err = t.after.err
		}
		t.after = nil // let go of the chain
	}
	if err == nil {
		err = t.file.append(g)
	}
	t.m.spares.give(b)
	t.err = err
	return err
}

// place makes sure that there is a file for the next row group: the one before it, or
// a new one if that has its share of what all will be, as far as can be told by now.
func (m *merge) place() error {
	if m.file == nil {
		return m.begin()
	}
	<-m.queued.placed // so that the size is known
	size := int64(0)
	for _, f := range m.files {
		size += f.size
	}
	all := size
	if m.placed > 0 {
		all = int64(float64(size) * float64(m.total) / float64(m.placed))
	}
	if files := fileCount(all, m.job.Target); files > int64(len(m.files)) && size >= all*int64(len(m.files))/files {
		return m.begin()
	}
	return nil
}

// begin begins a file.
func (m *merge) begin() error {
	f, err := createFile(filepath.Join(m.job.Dir, fmt.Sprintf("%06d.parquet", len(m.files)+1)), m.schema)
	if err != nil {
		return err
	}
	m.file = f
	m.files = append(m.files, f)
	return nil
}

func (m *merge) finish() error {
	rows := int64(0)
	for _, f := range m.files {
		if err := f.finish(); err != nil {
			return err
		}
		rows += f.rows
		m.result.Files = append(m.result.Files, File{Path: f.path, Rows: f.rows, Bytes: f.size})
	}
	want := int64(0)
	for _, s := range m.sources {
		want += s.rows
	}
	if rows != m.result.Rows || rows != want {
		return fmt.Errorf("BUG: sources of %d rows became files of %d, %d were read", want, rows, m.result.Rows)
	}
	m.result.Bytes = m.total
	return nil
}
