package query

import (
	"context"
	"testing"
	"testing/synctest"
)

// Planned waits for the plans that had begun, and for no others.
func TestPlanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p planning
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		first, second := p.begin(), p.begin()
		waited := make(chan struct{})
		go func() {
			if err := p.wait(t.Context()); err != nil {
				t.Error(err)
			}
			close(waited)
		}()
		synctest.Wait()
		later := p.begin()
		first()
		synctest.Wait()
		select {
		case <-waited:
			t.Fatal("it did not wait for the second plan")
		default:
		}
		second()
		<-waited

		// One who gives up leaves the plans to the next one, who waits for them too.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.wait(ctx); err == nil {
			t.Fatal("no error of a wait that was given up")
		}
		newest := p.begin()
		waited = make(chan struct{})
		go func() {
			if err := p.wait(t.Context()); err != nil {
				t.Error(err)
			}
			close(waited)
		}()
		synctest.Wait()
		newest()
		synctest.Wait()
		select {
		case <-waited:
			t.Fatal("it did not wait for the plan that another gave up on")
		default:
		}
		later()
		<-waited
	})
}
