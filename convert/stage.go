package convert

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A stage encodes row groups beside the parsing, the columns of each one in
// parallel. Row groups of one file are appended in the order in which they were
// handed in, whichever is encoded first, so the same job gives the same file.
type stage struct {
	inline   *encoder // with one thread there is no other goroutine
	encoders *sync.Pool
	queue    chan *ticket
	cfg      Config

	mu    sync.Mutex
	idle  *sync.Cond // bytes went down, or err was set
	bytes int64      // in builders handed in and not yet encoded; guarded by mu
	err   error      // the first; guarded by mu
	free  []*builder // guarded by mu
}

// A ticket is a row group on its way through the stage.
type ticket struct {
	build  *builder
	file   *parquetFile
	after  *ticket       // the one before it in its file, nil for the first
	placed chan struct{} // closed when it is in the file, or never will be

	leaves []*node
	chunks []*chunk     // one a leaf
	next   atomic.Int32 // the leaf to be taken next
	left   atomic.Int32 // how many are not encoded yet
}

// newStage makes a stage whose encoders come from a pool and go back there.
func newStage(cfg Config, encoders *sync.Pool) (*stage, error) {
	s := &stage{cfg: cfg, encoders: encoders}
	s.idle = sync.NewCond(&s.mu)
	if cfg.Threads == 1 {
		var err error
		s.inline, err = s.encoder()
		return s, err
	}
	s.queue = make(chan *ticket, 4*cfg.Threads)
	return s, nil
}

func (s *stage) encoder() (*encoder, error) {
	if e, ok := s.encoders.Get().(*encoder); ok {
		return e, nil
	}
	codec, err := newCodec(s.cfg.Compression, s.cfg.level)
	return &encoder{codec: codec, limit: s.cfg.pageRows}, err
}

// start starts the encoders; the function it returns waits for all that was
// handed in and gives the first error.
func (s *stage) start() (stop func() error) {
	var wg sync.WaitGroup
	if s.inline == nil {
		for range s.cfg.Threads {
			wg.Go(s.work)
		}
	}
	return func() error {
		if s.inline == nil {
			close(s.queue)
		}
		wg.Wait()
		if s.inline != nil {
			s.encoders.Put(s.inline)
		}
		return s.err
	}
}

func (s *stage) work() {
	e, err := s.encoder()
	if err != nil {
		s.fail(err)
	} else {
		defer s.encoders.Put(e)
	}
	for t := range s.queue {
		s.do(e, t)
	}
}

// do encodes those columns of a row group that no other encoder has taken, and
// places the row group in its file when it ends the last of all.
func (s *stage) do(e *encoder, t *ticket) {
	for {
		i := int(t.next.Add(1)) - 1
		if i >= len(t.chunks) {
			return
		}
		if s.failed() == nil {
			leaf := t.leaves[i]
			c, err := e.chunk(t.build, leaf)
			if err != nil {
				s.fail(fmt.Errorf("encode column %v: %w", parquetPath(leaf), err))
			}
			t.chunks[i] = c
		}
		if t.left.Add(-1) == 0 {
			s.place(t)
		}
	}
}

func (s *stage) place(t *ticket) {
	defer close(t.placed)
	if t.after != nil {
		<-t.after.placed
		t.after = nil // let go of the chain
	}
	err := s.failed()
	if err == nil {
		err = t.file.append(rowGroup{rows: t.build.rows(), chunks: t.chunks})
	}
	s.release(t.build, err)
	t.build = nil
}

func (s *stage) release(b *builder, err error) {
	bytes := b.bytes
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= bytes
	if err != nil && s.err == nil {
		s.err = err
	}
	if len(s.free) <= s.cfg.Threads { // all that can be under way, and no more
		b.reset()
		s.free = append(s.free, b)
	}
	s.idle.Broadcast()
}

func (s *stage) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.idle.Broadcast()
}

func (s *stage) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// encode hands a row group in, behind the one before it in its file. It waits
// while three eighths of the configured memory are waiting or being encoded: of
// row groups of the default size that is one, and another is being built.
func (s *stage) encode(b *builder, f *parquetFile, after *ticket) (*ticket, error) {
	t := &ticket{build: b, file: f, after: after, placed: make(chan struct{}), leaves: b.schema.leaves}
	t.chunks = make([]*chunk, len(t.leaves))
	t.left.Store(int32(len(t.leaves)))
	s.mu.Lock()
	for s.inline == nil && s.bytes > 0 && s.bytes+b.bytes > s.cfg.Memory/8*3 && s.err == nil {
		s.idle.Wait()
	}
	s.bytes += b.bytes
	s.mu.Unlock()
	if s.inline != nil {
		s.do(s.inline, t)
	} else {
		for range s.cfg.Threads { // whoever is free joins in
			s.queue <- t
		}
	}
	return t, s.failed()
}

// recycled is an emptied builder of this run, or nil.
func (s *stage) recycled() *builder {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.free)
	if n == 0 {
		return nil
	}
	b := s.free[n-1]
	s.free = s.free[:n-1]
	return b
}
