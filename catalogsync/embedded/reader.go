package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// A partitionReader reads partitions of one table within a transaction.
type partitionReader struct {
	tx    *sql.Tx
	table tableRow
	// What the answer calls the table: as the request did, which clients compare.
	databaseName, tableName string
	scope                   scope
	withoutColumns          bool

	descriptors map[int64]*storageDescriptor // read so far
	bytes       int                          // of the answer so far, about
}

func newPartitionReader(tx *sql.Tx, t tableRow, databaseName, tableName string, s scope) *partitionReader {
	return &partitionReader{
		tx: tx, table: t, databaseName: databaseName, tableName: tableName, scope: s,
		descriptors: map[int64]*storageDescriptor{},
	}
}

// get reads those of the keys that are there, in order, until the answer is a
// page long: read says how many of the keys it got to, at least one.
func (r *partitionReader) get(ctx context.Context, keys [][]byte) (found []partition, read int, err error) {
	found = []partition{}
	if len(keys) == 0 {
		return found, 0, nil
	}
	stmt, err := r.tx.PrepareContext(ctx,
		"SELECT location, descriptor_id, detail, created FROM partitions WHERE table_id = ? AND key = ?")
	if err != nil {
		return nil, 0, err
	}
	defer stmt.Close()
	for ; read < len(keys) && r.bytes <= maxPageBytes; read++ {
		p, err := r.one(ctx, stmt, keys[read])
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		found = append(found, p)
	}
	return found, read, nil
}

func (r *partitionReader) one(ctx context.Context, stmt *sql.Stmt, key []byte) (partition, error) {
	p := partition{DatabaseName: r.databaseName, TableName: r.tableName, CatalogID: r.scope.id()}
	var location *string
	var descriptor int64
	var detail string
	err := stmt.QueryRowContext(ctx, r.table.id, key).Scan(&location, &descriptor, &detail, &p.CreationTime)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(detail), &p.partitionDetail); err != nil {
		return p, fmt.Errorf("read partition %x: %w", key, err)
	}
	if p.Values, err = decodeKey(key); err != nil {
		return p, err
	}
	sd, err := r.descriptor(ctx, descriptor)
	if err != nil {
		return p, fmt.Errorf("read descriptor %d: %w", descriptor, err)
	}
	own := *sd
	own.Location = location
	p.StorageDescriptor = &own
	r.bytes += own.size()
	return p, nil
}

func (r *partitionReader) descriptor(ctx context.Context, id int64) (*storageDescriptor, error) {
	if sd, ok := r.descriptors[id]; ok {
		return sd, nil
	}
	var document string
	err := r.tx.QueryRowContext(ctx, "SELECT document FROM descriptors WHERE id = ?", id).Scan(&document)
	if err != nil {
		return nil, err
	}
	sd := &storageDescriptor{}
	if err := json.Unmarshal([]byte(document), sd); err != nil {
		return nil, err
	}
	if r.withoutColumns {
		sd.Columns = []column{}
	}
	r.descriptors[id] = sd
	return sd, nil
}

type partitionAnswer struct{ Partition partition }

func (s *Server) getPartition(ctx context.Context, in partitionRequest) (partitionAnswer, error) {
	var out partitionAnswer
	err := s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		if err := t.checkValues(in.PartitionValues); err != nil {
			return err
		}
		r := newPartitionReader(tx, t, in.DatabaseName, in.TableName, in.scope)
		found, _, err := r.get(ctx, [][]byte{encodeKey(in.PartitionValues)})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return t.noPartition(in.PartitionValues)
		}
		out.Partition = found[0]
		return nil
	})
	return out, err
}
