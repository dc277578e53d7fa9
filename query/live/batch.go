package live

import (
	"encoding/json"
	"fmt"

	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/partitioner"
)

// A Batch is one batch of the buffer, as a snapshot holds it.
type Batch struct {
	ID      lake.BatchID
	Stream  configs.Stream // how its records become rows
	Records int64
	Bytes   int64
	End     int64 // offset after the last frame
	// Blocks reads the frames from an offset to End.
	Blocks func(from int64) lake.Blocks
}

// rules is what of a Stream decides the shape of rows, made ready.
type rules struct {
	id       string // equal for equal rules
	parsed   *partitioner.Rules
	declared []lake.Column
	rewrite  *convert.Rewrite // set once there is something to convert
	strict   bool
	layout   convert.Layout
}

func newRules(s configs.Stream) (*rules, error) {
	id, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	// Of the layout only that which decides about values: a timestamp of millis
	// reads the same before and after delivery. To sort would be for nothing.
	r := &rules{id: string(id), strict: s.Strict, layout: convert.Layout{Timestamp: s.Layout.Timestamp}}
	spec := partitioner.Spec{PartitionBy: s.PartitionBy, Prefix: s.Prefix, Keys: s.PartitionKeys, Query: s.PartitionQuery, TimeZone: s.TimeZone}
	if r.parsed, err = spec.Parse(); err != nil {
		return nil, fmt.Errorf("read rules of table %s: %w", s.Table, err)
	}
	if r.declared, err = convert.ParseColumns(s.Columns); err != nil {
		return nil, fmt.Errorf("read rules of table %s: %w", s.Table, err)
	}
	return r, nil
}

// Keys are the partition columns that the batch's rules make.
func (b Batch) Keys() ([]lake.Column, error) {
	r, err := newRules(b.Stream)
	if err != nil {
		return nil, err
	}
	return r.parsed.Keys(), nil
}
