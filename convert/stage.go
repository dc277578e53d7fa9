package convert

import (
	"fmt"
	"sync"
)

// A stage encodes row groups beside the lanes, where there are threads for that. A
// lane does it by itself when nobody is free.
type stage struct {
	cfg      Config
	encoders *sync.Pool
	queue    chan *ticket // nil: there is nobody

	mu    sync.Mutex
	bytes int64 // in builders that were handed over and are not encoded yet; guarded by mu
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

// start starts the encoders: as many as there are threads that no lane uses, and one a
// lane at most. The function it returns waits for them.
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
	s.queue = make(chan *ticket)
	var wg sync.WaitGroup
	for _, e := range free {
		wg.Go(func() {
			for t := range s.queue {
				bytes := t.build.bytes
				_ = t.encode(e) // the output keeps the error
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

// encode has a row group encoded, by the lane's encoder where no other is free.
func (s *stage) encode(own *encoder, t *ticket) error {
	if bytes := t.build.bytes; s.queue != nil && s.reserve(bytes) {
		select {
		case s.queue <- t:
			return nil
		default:
			s.reserve(-bytes)
		}
	}
	return t.encode(own)
}

// A ticket is a row group on its way into its file.
type ticket struct {
	from    *lane
	turn    int // at which the lane closed it
	file    *parquetFile
	build   *builder
	group   rowGroup
	encoded bool // guarded by output.mu, as group is
}

// encode encodes the row group and hands it to the output, whose error it returns.
func (t *ticket) encode(e *encoder) error {
	b := t.build
	g := rowGroup{rows: b.rows()}
	var err error
	for _, leaf := range b.schema.leaves {
		var c *chunk
		if c, err = e.chunk(b, leaf); err != nil {
			err = fmt.Errorf("encode column %v: %w", parquetPath(leaf), err)
			break
		}
		g.chunks = append(g.chunks, c)
	}
	t.build = nil
	t.from.release(b)
	return t.from.output.done(t, g, err)
}
