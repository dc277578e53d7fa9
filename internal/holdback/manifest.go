package holdback

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluice/internal/lake"
)

// A manifest is the file of a batch.
type manifest struct {
	Stream  string          `json:"stream"`
	Rules   json.RawMessage `json:"rules"`
	Columns [][3]string     `json:"columns"` // name, type, key
	Pieces  []manifestPiece `json:"pieces"`
}

type manifestPiece struct {
	File      string        `json:"file"`
	Values    []string      `json:"values"`
	Partition string        `json:"partition"`
	Rows      int64         `json:"rows"`
	Bytes     int64         `json:"bytes"`
	CRC       uint32        `json:"crc"`
	Due       time.Time     `json:"due"`
	Wait      time.Duration `json:"wait"`
	Enough    int64         `json:"enough"`
}

const (
	manifestExt = ".json"
	joinExt     = ".join"
	pieceExt    = ".parquet"
	newExt      = ".new"
)

func (s *Shelf) path(name string) string { return filepath.Join(s.cfg.Dir, name) }

func encodeColumns(columns []lake.Column) [][3]string {
	out := make([][3]string, len(columns))
	for i, c := range columns {
		out[i] = [3]string{c.Name, c.Type.String(), c.Key}
	}
	return out
}

func decodeColumns(texts [][3]string) (columns []lake.Column, err error) {
	for _, t := range texts {
		typ, err := lake.ParseType(t[1])
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", t[0], err)
		}
		columns = append(columns, lake.Column{Name: t[0], Type: typ, Key: t[2]})
	}
	return columns, nil
}

// encode is the batch's manifest.
func (b *batch) encode() manifest {
	m := manifest{Stream: b.stream, Rules: b.rules, Columns: encodeColumns(b.columns), Pieces: []manifestPiece{}}
	for _, p := range b.pieces {
		m.Pieces = append(m.Pieces, manifestPiece{p.file, p.values, p.partition, p.rows, p.bytes, p.crc, p.due.UTC(), p.wait, p.enough})
	}
	return m
}

// readBatch reads a batch's manifest. A piece that would wait longer than it may, since
// the clock was set, is due in time.
func (s *Shelf) readBatch(id lake.BatchID, now time.Time) (*batch, error) {
	text, err := os.ReadFile(s.path(string(id) + manifestExt))
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	b := &batch{id: id, stream: m.Stream, rules: m.Rules}
	if b.columns, err = decodeColumns(m.Columns); err != nil {
		return nil, err
	}
	if b.table, b.keys, err = s.cfg.Table(m.Stream, m.Rules); err != nil {
		return nil, err
	}
	for _, p := range m.Pieces {
		if filepath.Base(p.File) != p.File || !strings.HasPrefix(p.File, string(id)+"-") {
			return nil, fmt.Errorf("the piece %q is not one of batch %s", p.File, id)
		}
		wait := max(0, min(p.Due.Sub(now), p.Wait))
		b.pieces = append(b.pieces, &piece{
			batch: b, file: p.File, partition: p.Partition, values: p.Values, rows: p.Rows, bytes: p.Bytes, crc: p.CRC,
			due: now.Add(wait), wait: p.Wait, enough: p.Enough,
		})
	}
	return b, nil
}

// writeBatch makes the batch's manifest durable, or that there is none if it has no
// pieces. If we crash before the rename, it is what it was.
func (s *Shelf) writeBatch(b *batch) error {
	if len(b.pieces) > 0 {
		return s.writeFile(string(b.id)+manifestExt, b.encode())
	}
	if err := os.Remove(s.path(string(b.id) + manifestExt)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFile(s.cfg.Dir)
}

// writeFile replaces a file of the shelf, durably.
func (s *Shelf) writeFile(name string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("marshal %s: %w", name, err)
	}
	f, err := os.Create(s.path(name) + newExt)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), s.path(name))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncFile(s.cfg.Dir)
}

// syncFile makes a file's content, or a folder's entries, durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is a file's checksum and size.
func sum(path string) (crc uint32, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	h := crc32.New(castagnoli)
	size, err = io.Copy(h, f)
	return h.Sum32(), size, err
}
