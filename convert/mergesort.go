package convert

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"sluice/internal/lake"
)

// Sources of more than one row group are sorted in two passes, so that the rows of all
// files of a merge are in one order, and a row group's statistics tell it from the others:
//
//  1. The sources become runs: row groups whose rows are sorted, in a scratch file with
//     cheap compression. Some keys of each run are remembered.
//  2. From those follow bounds between the row groups that there will be. What lies
//     between two bounds is a slice of each run, so that a row group is made of as many
//     slices, column by column, and its rows are sorted as those of any other.
//
// Leaves are encoded one after the other, each for all row groups: what is read of all
// runs at once is a page and a dictionary of one leaf. The column chunks wait in a second
// scratch file until their row groups are complete. On disk that takes up to three times
// the sources.
//
// Rows with equal keys stay in the order of the sources. So bounds have a place beside
// their key, and rows of one key can be in several row groups.
type sorting struct {
	m       *merge
	schema  *schema // of the runs: the merge's without Bloom filters
	encoder *encoder
	file    *parquetFile // of the runs; nil while there are none
	runs    []int        // rows of each
	samples []sample
	largest int64 // bytes of a dictionary in a run, unless it spares much
	page    int   // bytes of a page in a run
	// dictionaries are the bytes of the dictionaries of all runs, by the id of the leaf.
	dictionaries map[int]int64
	scratch      *os.File
	written      int64    // of scratch
	orders       *os.File // the order of each row group's rows, 4 bytes each
	bounds       [][]int  // by row group, and one more, by run: the first row
	inOrder      []bool   // by row group: its rows are in order as they come
	finished     []rowGroup
	chunkAt      []int64 // by row group and leaf: where its chunk is in scratch
}

// A sample is a row of a run.
type sample struct {
	key []byte // as appendKey has it, its beginning at least
	run int
	row int // in the order of the run
}

func compareSamples(a, b sample) int {
	return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.run, b.run), cmp.Compare(a.row, b.row))
}

const (
	runSamples  = 1024    // of each run, at most
	sampleBytes = 512     // of a key that are remembered
	runPageRows = 1 << 12 // pages of all runs are in memory at once
	minRunPage  = 16 << 10

	minRunDictionary = 16 << 10
	runBuffer        = 32 << 10
)

// errWide says that a row group would need more memory than there is.
var errWide = errors.New("a row group of sorted rows is too large")

func newSorting(m *merge, columns *schema) *sorting {
	runs := max(1, 6*m.total/m.cfg.RowGroup) // about
	// Of a leaf a page, as it is in the file too, and a dictionary of each run are in memory at once.
	page := min(maxPageBytes, max(minRunPage, m.cfg.Memory/8/runs))
	return &sorting{m: m, schema: columns, largest: max(minRunDictionary, m.cfg.Memory/4/runs), page: int(page), dictionaries: map[int]int64{}}
}

// run writes a run.
func (s *sorting) run(b *builder) (err error) {
	if s.file == nil {
		if s.file, err = createFile(filepath.Join(s.m.job.Dir, "runs.scratch"), s.schema); err != nil {
			return err
		}
		codec, err := newCodec("snappy", 0)
		if err != nil {
			return err
		}
		s.encoder = &encoder{codec: codec, limit: min(runPageRows, s.m.cfg.pageRows), bytes: s.page, run: &runLimits{s.largest, s.m.cfg.Memory / 2}}
	}
	s.sample(b)
	g := rowGroup{rows: b.rows()}
	for _, leaf := range s.schema.leaves {
		if t := &b.columns[leaf.id].texts; leaf.form == textForm && !t.plain && !t.large(s.encoder.run) {
			s.dictionaries[leaf.id] += t.dictionaryBytes()
		}
		c, err := s.encoder.chunk(b, leaf)
		if err != nil {
			return fmt.Errorf("encode column %v: %w", parquetPath(leaf), err)
		}
		g.chunks = append(g.chunks, c)
	}
	s.runs = append(s.runs, g.rows)
	s.m.spares.give(b)
	return s.file.append(g)
}

// dictionaryBytes are what a reader needs for the dictionary.
func (t *texts) dictionaryBytes() int64 {
	return int64(len(t.entries.bytes)) + dictionaryEntry*int64(t.entries.len())
}

// dictionaryEntry is what is read of an entry beside its text: its length and its end, and
// which entry of a builder it is.
const dictionaryEntry = 4 + 4 + 4

// large reports whether a run is to have the texts without their dictionary.
func (t *texts) large(l *runLimits) bool {
	return t.dictionaryBytes() > l.dictionary && t.spreadBytes() <= l.plain
}

// spreadBytes are those of all values.
func (t *texts) spreadBytes() (total int64) {
	for _, r := range t.refs {
		total += int64(len(t.entries.at(r)))
	}
	return total
}

// sample remembers keys of a run.
func (s *sorting) sample(b *builder) {
	order := b.order()
	k := keysOf(b)
	step := max(1, b.rows()/runSamples)
	for i := 0; i < b.rows(); i += step {
		row := i
		if order != nil {
			row = int(order[i])
		}
		key := k.append(nil, row)
		s.samples = append(s.samples, sample{slices.Clip(key[:min(len(key), sampleBytes)]), len(s.runs), i})
	}
}

// A keys tells the keys of a builder's rows.
type keys struct {
	b     *builder
	ranks []ranks // by key
}

func keysOf(b *builder) keys {
	k := keys{b: b}
	for _, key := range b.schema.sort {
		p := &b.columns[key.leaf.id].present
		p.spell()
		k.ranks = append(k.ranks, ranksOf(p))
	}
	return k
}

// append appends a row's key as bytes that order as the rows do.
func (k keys) append(dst []byte, row int) []byte {
	for i, key := range k.b.schema.sort {
		c := &k.b.columns[key.leaf.id]
		if !c.present.has(row) {
			if key.nullsFirst {
				dst = append(dst, 0)
			} else {
				dst = append(dst, 2)
			}
			continue
		}
		dst = append(dst, 1)
		at := len(dst)
		v := k.ranks[i].of(int32(row))
		switch key.leaf.typ.Kind {
		case lake.KindBoolean:
			dst = append(dst, c.bools[v])
		case lake.KindString, lake.KindBinary:
			if !c.texts.plain {
				v = c.texts.refs[v]
			}
			for _, ch := range c.texts.entries.at(v) {
				if dst = append(dst, ch); ch == 0 {
					dst = append(dst, 0xff)
				}
			}
			dst = append(dst, 0, 0) // before all that is longer
		default:
			dst = binary.BigEndian.AppendUint64(dst, numberOrdinal(key.leaf, c.nums[v]))
		}
		if key.descending {
			for i := range dst[at:] {
				dst[at+i] ^= 0xff
			}
		}
	}
	return dst
}

// finish makes the merge's files of the runs.
func (s *sorting) finish(ctx context.Context) (err error) {
	if err := s.file.finish(); err != nil {
		return err
	}
	src, err := openSourceBuffered(s.file.path, s.m.schema, s.m.cfg.Memory, runBuffer)
	if err != nil {
		return ours(err)
	}
	defer src.close()
	defer removeFile(s.file.path)
	if s.scratch, err = os.Create(filepath.Join(s.m.job.Dir, "chunks.scratch")); err != nil {
		return err
	}
	defer removeFile(s.scratch.Name())
	defer s.scratch.Close()
	if s.orders, err = os.Create(filepath.Join(s.m.job.Dir, "orders.scratch")); err != nil {
		return err
	}
	defer removeFile(s.orders.Name())
	defer s.orders.Close()
	slices.SortFunc(s.samples, compareSamples)
	for groups := len(s.runs); ; groups *= 2 {
		err := s.groups(ctx, src, groups)
		if !errors.Is(err, errWide) || groups >= len(s.samples) {
			if err != nil {
				return ours(err)
			}
			break
		}
	}
	return s.assemble()
}

// ours is an error about the runs: it is no source's fault.
func ours(err error) error {
	var source *SourceError
	if errors.As(err, &source) {
		return fmt.Errorf("BUG: sorted runs cannot be read: %s", source.Cause)
	}
	return err
}

// groups encodes the column chunks of so many row groups.
func (s *sorting) groups(ctx context.Context, src *source, groups int) error {
	if err := s.bound(src, groups); err != nil {
		return err
	}
	s.finished, s.chunkAt, s.written = nil, make([]int64, groups*len(s.m.schema.leaves)), 0
	for g := range groups {
		rows := 0
		for r := range s.runs {
			rows += s.bounds[g+1][r] - s.bounds[g][r]
		}
		s.finished = append(s.finished, rowGroup{rows: rows})
	}
	b := &builder{}
	b.begin(s.m.schema)
	if err := s.order(ctx, src, b); err != nil {
		return err
	}
	for i := range src.leaves {
		if err := s.leaf(ctx, src, i, b); err != nil {
			return err
		}
	}
	return nil
}

// progress tells of the row groups of some leaves that are done; the first half was the
// sources.
func (s *sorting) progress(done, all int) {
	if s.m.job.Progress != nil {
		s.m.job.Progress((s.m.total + s.m.total*int64(done)/int64(all)) / 2)
	}
}

// bound finds where each run is cut.
func (s *sorting) bound(src *source, groups int) error {
	s.bounds = make([][]int, groups+1)
	for g := range s.bounds {
		s.bounds[g] = make([]int, len(s.runs))
	}
	leaves := s.keyLeaves(src)
	for r, rows := range s.runs {
		b := &builder{}
		b.begin(s.m.schema)
		cursors, err := src.cursorsOf(r, leaves)
		if err != nil {
			return err
		}
		err = fill(b, cursors, rows)
		closeAll(cursors)
		if err != nil {
			return err
		}
		k := keysOf(b)
		var key []byte
		for g := 1; g < groups; g++ {
			at := s.samples[g*len(s.samples)/groups]
			s.bounds[g][r] = sort.Search(rows, func(row int) bool {
				key = k.append(key[:0], row)
				return compareSamples(sample{key, r, row}, at) >= 0
			})
		}
		s.bounds[groups][r] = rows
	}
	return nil
}

// keyLeaves are the leaves of the keys, as they are read together.
func (s *sorting) keyLeaves(src *source) (out []sourceLeaf) {
	for _, l := range src.leaves {
		if slices.ContainsFunc(s.m.schema.sort, func(k sortKey) bool { return k.leaf == l.node }) {
			out = append(out, l)
		}
	}
	share(out)
	return out
}

// fill appends rows.
func fill(b *builder, cursors []*cursor, rows int) error {
	for _, c := range cursors {
		if err := c.take(b, rows); err != nil {
			return err
		}
	}
	for _, c := range cursors {
		c.settle(b)
	}
	b.slots[0] += rows
	return nil
}

func closeAll(cursors []*cursor) {
	for _, c := range cursors {
		c.close()
	}
}

// slices fills a builder with the slices of each row group in turn, which are of some
// leaves, and has it dealt with.
func (s *sorting) slices(ctx context.Context, src *source, leaves []sourceLeaf, b *builder, do func(g int) error) error {
	runs := make([][]*cursor, len(s.runs))
	defer func() {
		for _, cursors := range runs {
			closeAll(cursors)
		}
	}()
	heavy := s.heavy(leaves)
	for r := range runs {
		var err error
		if heavy {
			break
		}
		if runs[r], err = src.cursorsOf(r, leaves); err != nil {
			return err
		}
	}
	for g := range s.finished {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		b.reset()
		for r := range runs {
			if heavy && s.bounds[g][r] < s.bounds[g+1][r] {
				var err error
				if runs[r], err = openAt(src, r, leaves, s.bounds[g][r]); err != nil {
					return err
				}
			}
			if err := s.slice(b, runs[r], s.bounds[g+1][r]-s.bounds[g][r]); err != nil {
				return err
			}
			if heavy {
				closeAll(runs[r])
				runs[r] = nil
			}
		}
		b.finish()
		if err := do(g); err != nil {
			return err
		}
	}
	return nil
}

// slice appends the next rows of a run.
func (s *sorting) slice(b *builder, cursors []*cursor, rows int) error {
	for rows > 0 {
		n := min(rows, mergeRows)
		if err := fill(b, cursors, n); err != nil {
			return err
		}
		rows -= n
		if b.bytes > max(s.m.cfg.RowGroup, s.m.cfg.Memory/2) {
			return errWide
		}
	}
	for _, c := range cursors {
		c.forget()
	}
	return nil
}

// heavy reports whether the dictionaries of all runs are too much to be in memory at
// once. Then each is read again for each row group.
func (s *sorting) heavy(leaves []sourceLeaf) bool {
	total := int64(0)
	for _, l := range leaves {
		total += s.dictionaries[l.node.id]
	}
	return total > s.m.cfg.Memory/2
}

// openAt begins to read leaves of a run at a row.
func openAt(src *source, run int, leaves []sourceLeaf, row int) ([]*cursor, error) {
	cursors, err := src.cursorsOf(run, leaves)
	if err != nil {
		return nil, err
	}
	for _, c := range cursors {
		if err := c.skip(row); err != nil {
			closeAll(cursors)
			return nil, src.blame(err)
		}
	}
	return cursors, nil
}

// order works out the order of the rows of each row group.
func (s *sorting) order(ctx context.Context, src *source, b *builder) error {
	if _, err := s.orders.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriterSize(s.orders, 1<<16)
	s.inOrder = make([]bool, len(s.finished))
	var word [4]byte
	err := s.slices(ctx, src, s.keyLeaves(src), b, func(g int) error {
		rows := b.order()
		if rows == nil {
			s.inOrder[g] = true
			return nil
		}
		for _, row := range rows {
			binary.LittleEndian.PutUint32(word[:], row)
			if _, err := w.Write(word[:]); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, w.Flush())
}

// leaf encodes a leaf's column chunks.
func (s *sorting) leaf(ctx context.Context, src *source, number int, b *builder) error {
	alone := []sourceLeaf{src.leaves[number]}
	share(alone)
	leaf := alone[0].node
	at := slices.Index(s.m.schema.leaves, leaf)
	orders := bufio.NewReaderSize(io.NewSectionReader(s.orders, 0, 1<<62), 1<<16)
	var rows []uint32
	return s.slices(ctx, src, alone, b, func(g int) error {
		if !s.inOrder[g] {
			rows = slices.Grow(rows[:0], b.rows())[:b.rows()]
			var word [4]byte
			for i := range rows {
				if _, err := io.ReadFull(orders, word[:]); err != nil {
					return fmt.Errorf("read the order of rows: %w", err)
				}
				rows[i] = binary.LittleEndian.Uint32(word[:])
			}
			b.sorted.once.Do(func() { b.sorted.rows = rows })
		} else {
			b.sorted.once.Do(func() {})
		}
		c, err := s.m.encoder.chunk(b, leaf)
		if err != nil {
			return fmt.Errorf("encode column %v: %w", parquetPath(leaf), err)
		}
		s.progress(number*len(s.finished)+g+1, len(src.leaves)*len(s.finished))
		return s.put(g, at, c)
	})
}

// put keeps a column chunk until its row group is complete.
func (s *sorting) put(g, leaf int, c *chunk) error {
	if s.finished[g].chunks == nil {
		s.finished[g].chunks = make([]*chunk, len(s.m.schema.leaves))
	}
	for _, part := range [][]byte{c.data, c.bloom} {
		if _, err := s.scratch.WriteAt(part, s.written); err != nil {
			return err
		}
		s.written += int64(len(part))
	}
	s.chunkAt[g*len(s.m.schema.leaves)+leaf] = s.written - int64(len(c.data)+len(c.bloom))
	// Of the same sizes, but without memory.
	s.finished[g].chunks[leaf] = c
	c.kept = [2]int{len(c.data), len(c.bloom)}
	c.data, c.bloom = nil, nil
	return nil
}

// assemble makes files of the row groups, of about the same size.
func (s *sorting) assemble() error {
	files := fileCount(s.written, s.m.job.Target)
	done := int64(0)
	for g := range s.finished {
		group := s.finished[g]
		s.finished[g] = rowGroup{}
		if group.rows == 0 {
			continue
		}
		size := int64(0)
		for i, c := range group.chunks {
			at := s.chunkAt[g*len(group.chunks)+i]
			c.data, c.bloom = make([]byte, c.kept[0]), make([]byte, c.kept[1])
			for _, part := range [][]byte{c.data, c.bloom} {
				if _, err := io.ReadFull(io.NewSectionReader(s.scratch, at, int64(len(part))), part); err != nil {
					return fmt.Errorf("read column chunks: %w", err)
				}
				at += int64(len(part))
				size += int64(len(part))
			}
			if len(c.bloom) == 0 {
				c.bloom = nil
			}
		}
		// A row group is in the file that most of its bytes would be in.
		if want := int((done + size/2) * files / max(1, s.written)); s.m.file == nil || want >= len(s.m.files) {
			if err := s.m.begin(); err != nil {
				return err
			}
		}
		if err := s.m.file.append(group); err != nil {
			return err
		}
		done += size
	}
	return nil
}

// fileCount is how many files of at most about a size so many bytes become: ones of equal
// size, which are no less than half of it.
func fileCount(bytes, target int64) int64 {
	if target <= 0 {
		return 1
	}
	return max(1, (bytes+target-1-target/16)/target)
}
