package sequences

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"
)

// MaxRanges is how many ranges of a source are remembered of a stream once they
// will not come again; four times as many of those that may.
const (
	MaxRanges   = 16 << 10
	hardCeiling = 4 * MaxRanges
	// maxSources bounds the sources remembered of a stream; past it the one that was
	// heard of least recently since the start is forgotten.
	maxSources = 256
)

// A Log is where batches are, as recovery reads them.
type Log interface {
	Snapshot(stream string) (*buffer.Snapshot, error)
}

// An Appender is what a Ledger passes blocks on to.
type Appender interface {
	Append(ctx context.Context, stream string, block lake.Block) error
}

// A Config says where the ledger is and what it stands before.
type Config struct {
	Dir      string // its folder's parent must exist
	Log      Log
	Appender Appender
	FS       buffer.FS // nil: the operating system's
}

// A CeilingError says that too many messages with gaps between their numbers may
// come again. Nothing was written.
type CeilingError struct{ Stream string }

func (e *CeilingError) Error() string {
	reason, _ := e.Full()
	return reason
}

// Full says why, and when to try again.
func (e *CeilingError) Full() (reason string, retryAfter time.Duration) {
	return fmt.Sprintf("stream %s remembers %d separate ranges of message numbers that are not settled yet: "+
		"look for messages that the consumer cannot get acknowledged", e.Stream, hardCeiling), 5 * time.Second
}

// A Ledger is the memory of all streams. Its methods may be called from any
// goroutine.
type Ledger struct {
	cfg Config
	fs  buffer.FS

	mu      sync.RWMutex
	streams map[string]*stream // guarded by mu
	made    bool               // the folder is durable; guarded by mu
}

// A stream is what is known of the messages in one stream.
type stream struct {
	name string
	path string

	appending sync.RWMutex // held for reading during an append, and by Sync for a moment

	mu      sync.Mutex
	sources map[lake.SourceID]*source // guarded by mu
	clock   int64                     // counts uses of sources; guarded by mu

	writing sync.Mutex // held by who writes the file
}

type source struct {
	known set
	floor uint64 // messages up to here will not come again
	used  int64
}

// Open reads the files, and of the log what they do not cover.
func Open(cfg Config) (*Ledger, error) {
	l := &Ledger{cfg: cfg, fs: cfg.FS, streams: map[string]*stream{}}
	if l.fs == nil {
		l.fs = buffer.OS()
	}
	entries, err := l.fs.ReadDir(cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open message ledger %s: %w", cfg.Dir, err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name, fileExt)
		switch {
		case strings.HasSuffix(e.Name, asideExt):
			err = l.fs.Remove(filepath.Join(l.cfg.Dir, e.Name))
		case ok && !e.IsDir && buffer.CheckStream(name) == nil:
			err = l.load(name)
		}
		if err != nil {
			return nil, fmt.Errorf("open message ledger: %w", err)
		}
	}
	return l, nil
}

func (l *Ledger) existing(name string) *stream {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.streams[name]
}

func (l *Ledger) newStream(name string) *stream {
	return &stream{name: name, path: filepath.Join(l.cfg.Dir, name+fileExt), sources: map[lake.SourceID]*source{}}
}

// stream is the stream's memory, whose file is made durable if there is none.
func (l *Ledger) stream(name string) (*stream, error) {
	if s := l.existing(name); s != nil {
		return s, nil
	}
	if err := buffer.CheckStream(name); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.streams[name]; s != nil {
		return s, nil
	}
	s := l.newStream(name)
	if err := l.makeFolder(); err != nil {
		return nil, fmt.Errorf("message ledger of %s: %w", name, err)
	}
	if err := l.write(s, savedStream{}); err != nil {
		return nil, fmt.Errorf("message ledger of %s: %w", name, err)
	}
	l.streams[name] = s
	return s, nil
}

// Append appends a block and remembers the messages that its attributes name. The
// errors are the appender's, and *CeilingError.
func (l *Ledger) Append(ctx context.Context, name string, block lake.Block) error {
	id, ranges, ok := lake.ParseSequences(nil, block.Attrs)
	if !ok {
		return l.cfg.Appender.Append(ctx, name, block)
	}
	s, err := l.stream(name)
	if err != nil {
		return err
	}
	if s.full(id) {
		return &CeilingError{name}
	}
	s.appending.RLock()
	defer s.appending.RUnlock()
	if err := l.cfg.Appender.Append(ctx, name, block); err != nil {
		return err
	}
	s.remember(id, ranges)
	return nil
}

// Known reports whether a message of a source is in the stream's log or was
// delivered from it; at is the time that the source gave it, in ns since 1970.
func (l *Ledger) Known(name string, id lake.SourceID, seq uint64, at int64) bool {
	s := l.existing(name)
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[id]
	return src != nil && src.known.has(seq, at)
}

// Within is what is known of a source in [from, to], in all streams together, in
// ascending order without overlaps.
func (l *Ledger) Within(id lake.SourceID, from, to uint64) []lake.SequenceRange {
	var all set
	for _, s := range l.all() {
		s.mu.Lock()
		if src := s.sources[id]; src != nil {
			for _, r := range src.known.within(from, to) {
				all = all.add(r)
			}
		}
		s.mu.Unlock()
	}
	return all
}

// Settle says that no message of a source up to floor will come again.
func (l *Ledger) Settle(id lake.SourceID, floor uint64) {
	for _, s := range l.all() {
		s.mu.Lock()
		if src := s.sources[id]; src != nil {
			src.floor = max(src.floor, floor)
			src.known = src.known.forget(src.floor, MaxRanges)
		}
		s.mu.Unlock()
	}
}

func (l *Ledger) all() []*stream {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := make([]*stream, 0, len(l.streams))
	for _, s := range l.streams {
		list = append(list, s)
	}
	return list
}

func (s *stream) full(id lake.SourceID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[id]
	return src != nil && len(src.known) >= hardCeiling
}

func (s *stream) remember(id lake.SourceID, ranges []lake.SequenceRange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sourceLocked(id)
	for _, r := range ranges {
		src.known = src.known.add(r)
	}
	src.known = src.known.forget(src.floor, MaxRanges)
}

// sourceLocked is a source, which comes to be if it is not there.
func (s *stream) sourceLocked(id lake.SourceID) *source {
	src := s.sources[id]
	if src == nil {
		if len(s.sources) >= maxSources {
			s.forgetSourceLocked()
		}
		src = &source{}
		s.sources[id] = src
	}
	s.clock++
	src.used = s.clock
	return src
}

func (s *stream) forgetSourceLocked() {
	var oldest lake.SourceID
	least := s.clock + 1
	for id, src := range s.sources {
		if src.used < least {
			oldest, least = id, src.used
		}
	}
	delete(s.sources, oldest)
}
