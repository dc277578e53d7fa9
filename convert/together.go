package convert

import (
	"context"
	"sync"
	"time"

	"sluice/internal/lake"
)

// A portion is a copy of some of the input, of one turn, on its way to a lane.
type portion struct {
	turn   int
	data   []byte
	blocks []arrived
	ends   bool // the turn
}

// arrived says up to where in a portion's data the records of one block go.
type arrived struct {
	end    int
	at     time.Time
	source string // the object that they came from; "" for none
}

const portionBytes = 4 << 20

// together converts with a goroutine for each lane, beside this one, which reads.
func (r *run) together(ctx context.Context) {
	var wg sync.WaitGroup
	var to []chan *portion // of each lane that has had a turn; this goroutine sends and closes
	// One is at each lane, one waits there, and one is being filled.
	portions := 2*r.width() + 1
	empty := make(chan *portion, portions)
	for range portions {
		empty <- &portion{}
	}
	send := func(p *portion) {
		l, err := r.lane(p.turn)
		if err != nil {
			r.fail(p.turn, err)
			return
		}
		if l.number == len(to) {
			in := make(chan *portion, portions) // so that sending never waits
			to = append(to, in)
			wg.Go(func() { r.work(ctx, l, in, empty) })
		}
		to[l.number] <- p
	}
	p := <-empty
	for c, err := range r.cuts() {
		if err != nil {
			r.fail(c.turn, err)
		}
		if r.void(c.turn) {
			break
		}
		p.add(c)
		if c.ends || len(p.data) >= portionBytes {
			send(p)
			p = <-empty
			p.turn, p.data, p.blocks, p.ends = 0, p.data[:0], p.blocks[:0], false
		}
	}
	if len(p.data) > 0 && !r.void(p.turn) {
		send(p)
	}
	for _, in := range to {
		close(in)
	}
	wg.Wait()
}

func (p *portion) add(c cut) {
	if p.turn, p.ends = c.turn, c.ends; p.data == nil && c.turn > 0 { // the first may be all that there is
		p.data = make([]byte, 0, portionBytes+portionBytes/8)
	}
	p.data = append(p.data, c.block.Data...)
	source := lake.ParseSource(c.block.Attrs)
	if n := len(p.blocks); n > 0 && p.blocks[n-1].at.Equal(c.block.Arrival) && p.blocks[n-1].source == source {
		p.blocks[n-1].end = len(p.data)
	} else {
		p.blocks = append(p.blocks, arrived{len(p.data), c.block.Arrival, source})
	}
}

// work converts the portions of a lane, to the end of the input.
func (r *run) work(ctx context.Context, l *lane, in <-chan *portion, empty chan<- *portion) {
	for p := range in {
		from := 0
		for _, b := range p.blocks {
			if r.void(p.turn) {
				break
			}
			block := lake.Block{Data: p.data[from:b.end], Arrival: b.at}
			if b.source != "" {
				block.Attrs = lake.AppendSource(nil, b.source)
			}
			if err := r.take(ctx, l, p.turn, block); err != nil {
				r.fail(p.turn, err)
			}
			from = b.end
		}
		if p.ends {
			r.output.enter(l.number, p.turn+r.width())
		}
		empty <- p
	}
	r.close(l)
}
