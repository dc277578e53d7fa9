package query

import (
	"context"
	"encoding/json"
	"fmt"

	"sluice/buffer"
	"sluice/catalogsync"
	"sluice/configs"
	"sluice/internal/holdback"
	"sluice/internal/lake"
	"sluice/query/live"
	"sluice/query/write"
)

// A snapshot is what the buffer held when the query began: the batches that are
// not released, by the table they go to.
//
// It is taken before the catalog and the lake are looked at. A batch is released
// only after its files are stored and its partitions registered; so one that is
// not in the snapshot is found in the lake, and one that is in it is taken from
// here and its files in the lake, if there are some already, are passed over. Rows that
// are held back are in neither: see package holdback for why they are seen once.
type snapshot struct {
	tables map[lake.TableName][]live.Batch
	held   []*buffer.Snapshot
	moment *live.Moment // nil without a buffer
	// visible is Request.Visible. It goes with the snapshot, since all that finds
	// tables has one.
	visible func(database string) bool
	// shelf is which held rows are seen; nil: there are none. It was begun before the
	// buffer was looked at.
	shelf *holdback.Look
	inLog map[lake.BatchID]bool // batches that the buffer held
	// look is which statements that write are seen; nil: there are none.
	look *write.Look
	// looked holds what the catalog said of tables, each asked for once a statement.
	looked map[lake.TableName]lookedUp
}

type lookedUp struct {
	table lake.Table
	err   error
}

// lookup is the catalog's table of that name, if the asker may see it.
func (s *snapshot) lookup(ctx context.Context, c Catalog, name lake.TableName) (lake.Table, error) {
	if l, ok := s.looked[name]; ok {
		return l.table, l.err
	}
	l := lookedUp{err: catalogsync.ErrNotFound}
	if s.sees(name.Database) {
		l.table, l.err = c.Table(ctx, name)
	}
	if l.err == nil && s.look.HidesTable(l.table) {
		l = lookedUp{err: catalogsync.ErrNotFound}
	}
	if s.looked == nil {
		s.looked = make(map[lake.TableName]lookedUp)
	}
	s.looked[name] = l
	return l.table, l.err
}

// sees reports whether the asker may see the database.
func (s *snapshot) sees(database string) bool { return s.visible == nil || s.visible(database) }

func (e *Engine) snapshot(visible func(database string) bool) (*snapshot, error) {
	s := &snapshot{tables: make(map[lake.TableName][]live.Batch), visible: visible, look: e.writer.Look(), shelf: e.cfg.Held.Look(), inLog: make(map[lake.BatchID]bool)}
	if e.cfg.Buffer == nil {
		return s, nil
	}
	s.moment = e.live.Begin()
	for _, state := range e.cfg.Buffer.Streams() {
		if state.Records == 0 {
			continue
		}
		held, err := e.cfg.Buffer.Snapshot(state.Name)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("snapshot stream %s: %w", state.Name, err)
		}
		s.held = append(s.held, held)
		for i := range held.Batches {
			if err := s.add(&held.Batches[i], e.cfg); err != nil {
				s.close()
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *snapshot) add(b *buffer.SnapshotBatch, cfg Config) error {
	stream := cfg.Stream(b.Stream)
	if b.Sealed {
		stream = configs.Stream{}
		if err := json.Unmarshal(b.Rules, &stream); err != nil {
			return fmt.Errorf("read rules of batch %s: %w", b.ID, err)
		}
	}
	name, err := tableOf(b.Stream, stream, cfg.Database)
	if err != nil {
		return fmt.Errorf("read rules of batch %s: %w", b.ID, err)
	}
	s.inLog[b.ID] = true
	if !s.sees(name.Database) {
		return nil
	}
	s.tables[name] = append(s.tables[name], live.Batch{
		ID: b.ID, Stream: stream, Records: b.Records, Bytes: b.Bytes, End: b.End, Blocks: b.Blocks,
	})
	return nil
}

// tableOf is the table that a stream goes to.
func tableOf(name string, stream configs.Stream, database string) (lake.TableName, error) {
	table := stream.Table
	if table == "" {
		table = lake.CleanName(name)
	}
	return lake.ParseTableName(table, database)
}

func (s *snapshot) close() {
	s.look.End()
	s.shelf.End()
	if s.moment != nil {
		s.moment.End()
	}
	for _, held := range s.held {
		held.Close()
	}
}

// waiting are the table's rows that wait for others, each piece a file.
func (s *snapshot) waiting(name lake.TableName) (pieces []holdback.Piece) {
	for _, p := range s.shelf.Pieces(name) {
		if !s.inLog[p.Batch] {
			pieces = append(pieces, p)
		}
	}
	return pieces
}
