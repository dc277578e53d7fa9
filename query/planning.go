package query

import (
	"context"
	"sync"
)

// A planning counts the plans that are being made: those begun before a moment may
// have a snapshot of the buffer in which a batch is that is in the lake by now.
type planning struct {
	mu    sync.Mutex // guards all below
	turn  int        // of the plans that begin now: 0 or 1
	count [2]int
	done  chan struct{} // closed when the other turn's plans are made; nil: nobody waits

	waiting sync.Mutex // held by the one who waits
}

// begin counts a plan until the function it returns is called.
func (p *planning) begin() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn := p.turn
	p.count[turn]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.count[turn]--; p.count[turn] == 0 && turn != p.turn && p.done != nil {
			close(p.done)
			p.done = nil
		}
	}
}

// wait returns when all plans that had begun are made.
func (p *planning) wait(ctx context.Context) error {
	p.waiting.Lock()
	defer p.waiting.Unlock()
	p.mu.Lock()
	before := p.turn
	if p.count[1-before] > 0 { // one who gave up waiting left them: they are older still
		p.mu.Unlock()
		if err := p.await(ctx, 1-before); err != nil {
			return err
		}
		p.mu.Lock()
	}
	p.turn = 1 - before
	p.mu.Unlock()
	return p.await(ctx, before)
}

// await waits until a turn that no plan begins in any more has none.
func (p *planning) await(ctx context.Context, turn int) error {
	p.mu.Lock()
	if p.count[turn] == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.done == nil {
		p.done = make(chan struct{})
	}
	done := p.done
	p.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Planned returns when every plan that had begun is made: what has left the buffer
// before is then looked for in the lake by all that are still being made, and by none
// in a snapshot. Whoever merges files of batches, so that they are not told by their
// names any more, waits for it between the release of the batches and showing the file.
func (e *Engine) Planned(ctx context.Context) error { return e.planning.wait(ctx) }
