package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"sluice/convert"
	"sluice/internal/lake"
)

// A Converter makes Parquet files of records.
type Converter interface {
	Convert(ctx context.Context, job convert.Job) (convert.Result, error)
}

// A Config is what a Cache needs.
type Config struct {
	Dir       string // its own; wiped by Open
	Converter Converter
	MaxBytes  int64 // of files kept for later queries
	Log       *slog.Logger
}

// A Cache keeps converted batches.
type Cache struct {
	cfg Config
	log *slog.Logger

	converting chan struct{} // holds a token while somebody converts

	mu     sync.Mutex // guards all below, and every chunk's refs and dead
	tables map[lake.TableName]*table
	bytes  int64 // of all chunks' files, dead ones too
	clock  int64 // counts acquisitions
	serial int64 // of folders
	latest uint64
	open   map[uint64]struct{} // numbers of the moments that are not over
}

// A table is the state of one table's batches. Its lock is held, as a token in
// the channel, by the one query that converts.
type table struct {
	lock    chan struct{}
	batches map[lake.BatchID]*batch
	used    int64 // the clock when it was last acquired
}

// A batch is how far a batch of the buffer is converted.
type batch struct {
	id      lake.BatchID
	seen    uint64 // the number of the latest moment whose snapshot had it
	missed  uint64 // the number of the first later one whose snapshot had not; 0: none
	rules   *rules
	columns []lake.Column // those it stands on, and what its chunks brought
	chunks  []*chunk      // without gaps, from 0
	settled int64         // the End at which misfits last made it be converted in one piece
}

// A chunk is the conversion of the frames from one offset to another.
type chunk struct {
	from, to int64
	dir      string
	files    []convert.File
	bytes    int64 // of the files
	rows     int64
	failed   int64

	refs int  // views that hold it
	dead bool // delete when refs is 0
}

// Open makes a Cache over an empty folder.
func Open(cfg Config) (*Cache, error) {
	if err := os.RemoveAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("wipe live cache: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open live cache: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Cache{cfg: cfg, log: cfg.Log, tables: make(map[lake.TableName]*table),
		converting: make(chan struct{}, 1), open: make(map[uint64]struct{})}, nil
}

// Bytes is how much the cache holds on disk.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// newDir makes a folder for a chunk.
func (c *Cache) newDir(id lake.BatchID, from, to int64) (string, error) {
	// Under mu: a chunk that is dropped at this moment takes the batch's folder
	// with it if that is empty, which must not be between its making and ours.
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	dir := filepath.Join(c.cfg.Dir, string(id), fmt.Sprintf("%d-%d.%d", from, to, c.serial))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make folder of a chunk: %w", err)
	}
	return dir, nil
}

// killLocked drops a chunk: now, or when the last view lets go of it.
func (c *Cache) killLocked(k *chunk) {
	k.dead = true
	if k.refs > 0 {
		return
	}
	c.bytes -= k.bytes
	if err := os.RemoveAll(k.dir); err != nil {
		c.log.Warn("delete converted live rows", "dir", k.dir, "err", err)
	}
	// The batch's folder goes with its last chunk.
	if err := os.Remove(filepath.Dir(k.dir)); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		c.log.Debug("keep folder of live rows", "dir", filepath.Dir(k.dir), "err", err)
	}
}

func (c *Cache) killAllLocked(chunks []*chunk) {
	for _, k := range chunks {
		c.killLocked(k)
	}
}

// shrinkLocked drops the tables that were not used for the longest time, until
// what is left fits or is in use.
func (c *Cache) shrinkLocked(keep *table) {
	for c.bytes > c.cfg.MaxBytes {
		var oldest *table
		for _, t := range c.tables {
			if t != keep && len(t.batches) > 0 && (oldest == nil || t.used < oldest.used) {
				oldest = t
			}
		}
		if oldest == nil {
			return
		}
		// Who converts for it now holds its lock, and would add to what is dropped.
		select {
		case oldest.lock <- struct{}{}:
		default:
			return
		}
		for id, b := range oldest.batches {
			c.killAllLocked(b.chunks)
			delete(oldest.batches, id)
		}
		<-oldest.lock
	}
}
