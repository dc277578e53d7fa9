package delivery

import (
	"encoding/json"

	"sluice/buffer"
	"sluice/convert"
	"sluice/internal/holdback"
	"sluice/internal/lake"
)

// hold takes out of the result the files that are too small to be delivered by
// themselves, as far as there is room for them.
func (d *Deliverer) hold(b *buffer.Batch, r route, res *convert.Result) (held []holdback.Piece) {
	if r.hold.Under == 0 || d.cfg.Held == nil {
		return nil
	}
	var bytes int64
	files := res.Files[:0:0]
	for _, f := range res.Files {
		if f.Bytes >= int64(r.hold.Under) || !d.cfg.Held.Room(bytes+f.Bytes, len(held)+1) {
			files = append(files, f)
			continue
		}
		bytes += f.Bytes
		held = append(held, holdback.Piece{
			Batch: b.ID, Stream: b.Stream, Table: r.table, Partition: f.Partition, Values: f.Values, Keys: r.rules.Keys(), Path: f.Path, Rows: f.Rows, Bytes: f.Bytes,
			Rules: json.RawMessage(b.Rules), Columns: res.Columns, Enough: int64(r.hold.Under), Wait: r.hold.For,
		})
	}
	res.Files = files
	return held
}

// shelve keeps what is held of the batch, in place of what an earlier attempt held, and
// returns how many rows that is.
func (d *Deliverer) shelve(b *buffer.Batch, held []holdback.Piece) (rows int64, err error) {
	if d.cfg.Held == nil || len(held) == 0 && !d.cfg.Held.Holds(b.ID) {
		return 0, nil
	}
	for _, p := range held {
		rows += p.Rows
	}
	return rows, d.cfg.Held.Put(b.ID, held)
}

// HeldTable says which table rows go to that a batch of the stream was sealed with the
// rules for, and what its partition keys are.
func HeldTable(database string) func(stream string, rules json.RawMessage) (lake.TableName, []lake.Column, error) {
	return func(stream string, text json.RawMessage) (lake.TableName, []lake.Column, error) {
		s, table, err := readRules(stream, text, database)
		if err != nil {
			return table, nil, err
		}
		job, err := JobOf(s.Stream)
		if err != nil {
			return table, nil, err
		}
		return table, job.Rules.Keys(), nil
	}
}
