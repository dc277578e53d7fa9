package holdback

import (
	"errors"
	"fmt"
	"os"
	"time"

	"sluice/internal/lake"
)

// Put keeps the pieces of a batch whose log is still there, in place of those that an
// earlier attempt put: their files, which the caller gives away, are moved to the shelf.
// No pieces: none are kept. All of them are of one stream, table and set of rules. When
// Put returns nil that is durable; after an error it is as it was, or as asked for.
//
// If we crash before the manifest is replaced, the new files are in none and Open
// removes them; after it, the old ones.
func (s *Shelf) Put(id lake.BatchID, pieces []Piece) (err error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	old := s.batches[id]
	s.mu.Unlock()
	if old == nil && len(pieces) == 0 {
		return nil
	}
	b := &batch{id: id, bound: true}
	if old != nil {
		b.stream, b.table = old.stream, old.table
	}
	defer func() {
		if err != nil {
			for _, p := range b.pieces {
				os.Remove(s.path(p.file))
			}
			err = fmt.Errorf("hold rows of batch %s: %w", id, err)
		}
	}()
	gen := string(lake.NewBatchID(time.Now()))
	for n, p := range pieces {
		b.stream, b.table, b.keys, b.rules, b.columns = p.Stream, p.Table, p.Keys, p.Rules, p.Columns
		file := fmt.Sprintf("%s-%s-%d%s", id, gen[len(gen)-12:], n, pieceExt)
		kept, err := s.adopt(b, p, file)
		if err != nil {
			return err
		}
		b.pieces = append(b.pieces, kept)
	}
	if err := syncFile(s.cfg.Dir); err != nil {
		return err
	}
	if err := s.writeBatch(b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old != nil {
		for _, p := range old.pieces {
			s.bytes -= p.bytes
			s.files--
			os.Remove(s.path(p.file))
		}
	}
	delete(s.batches, id)
	if len(b.pieces) > 0 {
		s.batches[id] = b
	}
	for _, p := range b.pieces {
		s.bytes += p.bytes
		s.files++
	}
	s.metrics.put(len(b.pieces))
	return nil
}

// adopt moves a file to the shelf, and makes its content durable.
func (s *Shelf) adopt(b *batch, p Piece, file string) (*piece, error) {
	if err := syncFile(p.Path); err != nil {
		return nil, err
	}
	crc, size, err := sum(p.Path)
	if err != nil {
		return nil, err
	}
	if size != p.Bytes {
		return nil, errors.New("BUG: a file has another size than its conversion said")
	}
	if err := os.Rename(p.Path, s.path(file)); err != nil {
		return nil, err
	}
	return &piece{
		batch: b, file: file, partition: p.Partition, values: p.Values, rows: p.Rows, bytes: size, crc: crc,
		due: time.Now().Add(p.Wait), wait: p.Wait, enough: p.Enough,
	}, nil
}
