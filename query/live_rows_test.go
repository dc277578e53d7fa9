package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/query"
)

// conversions counts what the engine converts.
type conversions struct {
	query.Converter
	mu    sync.Mutex
	jobs  int
	bytes int64
}

func (c *conversions) Convert(ctx context.Context, job convert.Job) (convert.Result, error) {
	res, err := c.Converter.Convert(ctx, job)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs++
	c.bytes += res.Bytes
	return res, err
}

// take is what was converted since it was last asked.
func (c *conversions) take() (jobs int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	jobs, bytes = c.jobs, c.bytes
	c.jobs, c.bytes = 0, 0
	return jobs, bytes
}

func counted(c *conversions) func(*query.Config) {
	return func(cfg *query.Config) { c.Converter, cfg.Converter = cfg.Converter, c }
}

// A batch that was converted for a query is not converted again by later ones when
// it is sealed, nor at any step of its delivery, nor with rules of every kind.
func TestDeliveryConvertsNothingAnew(t *testing.T) {
	conv := &conversions{}
	h := newHouse(t, map[string]configs.Stream{"purchases": {
		Table: "shop.purchases", PartitionBy: []string{"dt=day(ts)", "country=country"},
		Columns:   map[string]lake.ColumnSpec{"total": {Type: "decimal(10,2)"}, "city": {Type: "string", From: "item.city"}},
		Transform: `.total = .item.price * 2`,
		Layout:    configs.Layout{Sort: []string{"country", "id desc"}, Bloom: []string{"id"}},
	}}, counted(conv))
	ask := func(when string, want int) {
		t.Helper()
		h.want("SELECT count(*), sum(id), sum(total) FROM shop.purchases", "4|10|24.00")
		if jobs, _ := conv.take(); jobs != want {
			t.Errorf("%s: %d conversions, want %d", when, jobs, want)
		}
	}
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 1, "US"))
	h.post("purchases", purchase(3, 2, "DE"), purchase(4, 2, "FR"))
	ask("open", 1)
	ask("warm", 0)
	before, err := json.Marshal(h.stream("purchases"))
	check(t, err)
	h.seal("purchases")
	var stored configs.Stream
	check(t, json.Unmarshal(h.buffer.Sealed()[0].Rules, &stored))
	if diff := cmp.Diff(h.stream("purchases"), stored); diff != "" {
		t.Errorf("rules of %s are read back otherwise: %s", before, diff)
	}
	ask("sealed", 0)
	for i, step := range h.deliverSteps(h.buffer.Sealed()[0]) {
		step()
		ask(fmt.Sprintf("step %d", i), 0)
	}
	h.want("SELECT count(*) FROM live.shop.purchases", "0")
}
