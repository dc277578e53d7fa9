package convert

import (
	"fmt"
	"sync"
)

// A stage encodes row groups beside those who fill them, where there are threads for
// that. They do it by themselves when nobody is free.
type stage struct {
	cfg      Config
	encoders *sync.Pool
	queue    chan filled // nil: there is nobody

	mu    sync.Mutex
	bytes int64 // in builders that were handed over and are not encoded yet; guarded by mu
}

// A filled is a builder that is ready to be encoded, with who takes the row group then.
type filled struct {
	build *builder
	to    placer
}

// A placer takes an encoded row group, or the error, and the builder back. The error it
// returns is that of the job.
type placer interface {
	place(b *builder, g rowGroup, err error) error
}

// newStage makes a stage whose encoders come from a pool and go back there.
func newStage(cfg Config, encoders *sync.Pool) *stage {
	return &stage{cfg: cfg, encoders: encoders}
}

func (s *stage) encoder() (*encoder, error) {
	if e, ok := s.encoders.Get().(*encoder); ok {
		return e, nil
	}
	codec, err := newCodec(s.cfg.Compression, s.cfg.level)
	return &encoder{codec: codec, limit: s.cfg.pageRows}, err
}

// start starts the encoders, of which each of width goroutines that fill builders may
// have one, if there are threads for it. The function it returns waits for them.
func (s *stage) start(width int) (stop func(), err error) {
	var free []*encoder
	for range min(s.cfg.Threads-width, width) {
		e, err := s.encoder()
		if err != nil {
			return nil, err
		}
		free = append(free, e)
	}
	if len(free) == 0 {
		return func() {}, nil
	}
	s.queue = make(chan filled)
	var wg sync.WaitGroup
	for _, e := range free {
		wg.Go(func() {
			for f := range s.queue {
				bytes := f.build.bytes
				_ = f.encode(e) // whoever takes it keeps the error
				s.reserve(-bytes)
			}
			s.encoders.Put(e)
		})
	}
	return func() {
		close(s.queue)
		wg.Wait()
	}, nil
}

// reserve counts bytes that are handed over; false when they would be more than half
// of the memory, and others wait there.
func (s *stage) reserve(bytes int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes > 0 && s.bytes > 0 && s.bytes+bytes > s.cfg.Memory/2 {
		return false
	}
	s.bytes += bytes
	return true
}

// encode has a builder encoded, by the caller's encoder where no other is free.
func (s *stage) encode(own *encoder, f filled) error {
	if bytes := f.build.bytes; s.queue != nil && s.reserve(bytes) {
		select {
		case s.queue <- f:
			return nil
		default:
			s.reserve(-bytes)
		}
	}
	return f.encode(own)
}

func (f filled) encode(e *encoder) error {
	b := f.build
	g := rowGroup{rows: b.rows()}
	for _, leaf := range b.schema.leaves {
		c, err := e.chunk(b, leaf)
		if err != nil {
			return f.to.place(b, rowGroup{}, fmt.Errorf("encode column %v: %w", parquetPath(leaf), err))
		}
		g.chunks = append(g.chunks, c)
	}
	return f.to.place(b, g, nil)
}

// spares are emptied builders of one schema.
type spares struct {
	mu   sync.Mutex
	free []*builder // guarded by mu
}

// give takes a builder that is encoded.
func (s *spares) give(b *builder) {
	b.reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) < 2 { // one is being encoded, and one may wait
		s.free = append(s.free, b)
	}
}

// take is an emptied builder, or nil.
func (s *spares) take() *builder {
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

// leave leaves them to other jobs.
func (s *spares) leave(to *sync.Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.free {
		b.schema = nil
		to.Put(b)
	}
	s.free = nil
}
