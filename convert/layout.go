package convert

import (
	"fmt"
	"math"
	"strings"
	"sync"

	"sluice/internal/lake"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// A Layout is how the files of a job are written. What is zero in it is as the
// Config says, or as the field does. The same records, columns and Layout give
// the same bytes, whatever the Config: Memory and Lanes are part of the Layout for that.
type Layout struct {
	Compression string // of pages: zstd, snappy, gzip or none
	// CompressionLevel is zstd's, 1 to 22, or gzip's, 1 to 9. 0: a fast one, and a
	// better one for the pages of numbers that it makes a tenth smaller.
	CompressionLevel int
	// RowGroup is the size of a row group, see Config. Half of the memory is the
	// most.
	RowGroup int64
	// Memory, in bytes, is what decides where row groups end when there are many
	// partitions. It is bounded by Config.Memory, which it should not exceed.
	Memory int64
	// Lanes is how many parts of the input become row groups of their own, side by
	// side where there are threads; at most MaxLanes. 0: one with one thread, else two.
	Lanes int
	// Sort are the columns that each row group's rows, of a merge all rows, are sorted by; 32 bytes a row
	// are needed for that beyond Config.Memory, and a row group has no more rows
	// than take its size in such. A column that is not there, or is no single
	// value, is passed over.
	Sort []lake.SortKey
	// Bloom are the columns that have a Bloom filter, as paths with dots. One that
	// is not there, or is no single value, boolean or int96, is passed over.
	Bloom []string
	// BloomFPP is how likely a filter lets a value through that is not there;
	// default 0.01.
	BloomFPP float64
	// Timestamp is how timestamps are stored: micros (the default), millis, where
	// digits past the millisecond are cut, or int96, which has no statistics.
	Timestamp string
}

// with is the configuration of a job.
func (c Config) with(l Layout) Config {
	if l.Compression != "" {
		c.Compression, c.level = l.Compression, l.CompressionLevel
	}
	if l.Memory > 0 {
		c.Memory = min(c.Memory, l.Memory)
	}
	if l.RowGroup > 0 {
		c.RowGroup = min(l.RowGroup, c.Memory/2)
	}
	if c.lanes = l.Lanes; c.lanes == 0 {
		c.lanes = LanesFor(c.Threads)
	}
	return c
}

// MaxLanes is how many lanes a job may have.
const MaxLanes = 16

// LanesFor is how many lanes suit a number of threads: two, as more would make row
// groups smaller, and threads beyond them encode.
func LanesFor(threads int) int { return min(threads, 2) }

// check says what is wrong with a layout.
func (l Layout) check() error {
	if _, err := newCodec(l.Compression, l.CompressionLevel); err != nil {
		return err
	}
	if l.RowGroup < 0 || l.RowGroup > maxRowGroup || l.Memory < 0 || l.RowGroup != 0 && l.RowGroup < minRowGroupSize || l.Memory != 0 && l.Memory < minMemory {
		return fmt.Errorf("row group %d (want 1 KiB to 1 GiB), memory %d (1 MiB at least)", l.RowGroup, l.Memory)
	}
	if l.Lanes < 0 || l.Lanes > MaxLanes {
		return fmt.Errorf("lanes %d: want up to %d", l.Lanes, MaxLanes)
	}
	if l.BloomFPP < 0 || l.BloomFPP >= 1 || math.IsNaN(l.BloomFPP) {
		return fmt.Errorf("false positives of Bloom filters %v: want more than 0 and less than 1", l.BloomFPP)
	}
	_, err := parseTimestampUnit(l.Timestamp)
	return err
}

// apply marks the leaves that the layout says something of.
func (s *schema) apply(l Layout) {
	unit, _ := parseTimestampUnit(l.Timestamp)
	for _, leaf := range s.leaves {
		if leaf.typ.Kind == lake.KindTimestamp {
			leaf.unit = unit
		}
	}
	for _, path := range l.Bloom {
		if leaf := s.leafAt(path); leaf != nil && leaf.typ.Kind != lake.KindBoolean && leaf.unit != int96 {
			leaf.bloom = l.BloomFPP
			if leaf.bloom == 0 {
				leaf.bloom = defaultFPP
			}
		}
	}
	said := true // int96 has no order that a reader could go by
	for _, key := range l.Sort {
		leaf := s.leafAt(key.Path)
		if leaf == nil {
			continue
		}
		s.sort = append(s.sort, sortKey{leaf, key.Descending, key.NullsFirst})
		if said = said && leaf.unit != int96; said {
			s.sorting = append(s.sorting, format.SortingColumn{ColumnIdx: int32(s.leafIndex(leaf)), Descending: key.Descending, NullsFirst: key.NullsFirst})
		}
	}
}

// leafAt is the leaf of a path of names through structs alone, or nil.
func (s *schema) leafAt(path string) *node {
	n := s.root
	for part := range strings.SplitSeq(path, ".") {
		var next *node
		for _, f := range n.fields {
			if f.name == lake.CleanName(part) && f.kind != dropNode && f.kind != rescueNode {
				next = f
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	if n.kind != leafNode {
		return nil
	}
	return n
}

func (s *schema) leafIndex(leaf *node) int {
	for i, l := range s.leaves {
		if l == leaf {
			return i
		}
	}
	panic("BUG: a leaf that is none of the schema's")
}

// encoderPools keeps what encoders a job leaves behind for the next with the
// same compression, if it comes soon.
type encoderPools struct {
	mu    sync.Mutex
	pools map[codecKey]*sync.Pool // guarded by mu; some twenty at most
}

// A codecKey is equal for codecs that do the same.
type codecKey struct {
	name  string
	level int
}

func (p *encoderPools) of(cfg Config) *sync.Pool {
	key := codecKey{cfg.Compression, cfg.level}
	if key.name == "zstd" && key.level > 0 {
		key.level = int(zstd.EncoderLevelFromZstd(key.level))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pools == nil {
		p.pools = map[codecKey]*sync.Pool{}
	}
	if p.pools[key] == nil {
		p.pools[key] = &sync.Pool{}
	}
	return p.pools[key]
}
