package delivery_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"sluice/buffer"
	"sluice/internal/delivery"
)

// A lateLog comes back from the release of a batch only when it may.
type lateLog struct {
	*buffer.Buffer
	released, back chan struct{}
}

func (l lateLog) Release(ctx context.Context, b *buffer.Batch) error {
	err := l.Buffer.Release(ctx, b)
	l.released <- struct{}{}
	<-l.back
	return err
}

// A flush waits for a batch whose log is gone already while its delivery is not at its
// end: what is held of it can be joined only then.
func TestFlushAwaitsReleased(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newRigIn(t, dir)
		r.streams["s"] = held
		shelf := r.shelf()
		log := lateLog{r.buffer, make(chan struct{}), make(chan struct{})}
		d := r.deliverer(func(cfg *delivery.Config) { cfg.Log, cfg.Held = log, shelf })
		defer start(t, d)()
		r.append("s", record(0))
		if err := r.buffer.Seal(context.Background(), "s"); err != nil {
			t.Fatal(err)
		}
		<-log.released
		flushed := make(chan error, 1)
		go func() {
			_, err := d.Flush(context.Background(), "s")
			flushed <- err
		}()
		synctest.Wait()
		select {
		case err := <-flushed:
			t.Errorf("flushed while the batch is being delivered: %v", err)
			flushed <- err
		default:
		}
		close(log.back)
		if err := <-flushed; err != nil {
			t.Fatal(err)
		}
	})
	// Outside of the bubble: a reader keeps decoders for others.
	if ids := newRigIn(t, dir).ids("s"); !slices.Equal(ids, upTo(1)) {
		t.Errorf("in the lake: %v", ids)
	}
}
