package embedded

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
)

// What a partition's values may add up to, in bytes.
const maxValues = 16 << 10

// A partitionWriter changes the partitions of one table within a transaction.
type partitionWriter struct {
	tx          *sql.Tx
	table       tableRow
	at          epoch
	descriptors map[[32]byte]int64 // ids of what is stored already, by hash
	insert      *sql.Stmt          // insertValue; the transaction's end closes it
}

func newPartitionWriter(ctx context.Context, tx *sql.Tx, databaseName, name string) (*partitionWriter, error) {
	t, err := findTable(ctx, tx, databaseName, name)
	if err != nil {
		return nil, err
	}
	insert, err := tx.PrepareContext(ctx, insertValue)
	if err != nil {
		return nil, err
	}
	return &partitionWriter{tx: tx, table: t, at: now(), descriptors: map[[32]byte]int64{}, insert: insert}, nil
}

// checkValues checks that the values could be those of a partition of t.
func (t tableRow) checkValues(values []string) error {
	if len(values) != len(t.input.PartitionKeys) || len(values) == 0 {
		return invalid("The number of partition keys (%d) does not match the number of partition values (%d).",
			len(t.input.PartitionKeys), len(values))
	}
	if n := len(strings.Join(values, "")); n > maxValues {
		return invalid("The partition values have %d bytes together, at most %d are taken.", n, maxValues)
	}
	return nil
}

// stored is the form in which a partition is kept.
type stored struct {
	key        []byte
	location   *string
	descriptor int64
	detail     string
}

func (w *partitionWriter) encode(ctx context.Context, p partitionInput) (stored, error) {
	if err := w.table.checkValues(p.Values); err != nil {
		return stored{}, err
	}
	if p.StorageDescriptor != nil {
		if err := checkColumns(p.StorageDescriptor.Columns); err != nil {
			return stored{}, err
		}
	}
	p.fill()
	s := stored{key: encodeKey(p.Values), location: p.StorageDescriptor.Location}
	detail, err := json.Marshal(p.partitionDetail)
	if err != nil {
		return stored{}, err
	}
	s.detail = string(detail)
	shared := *p.StorageDescriptor
	shared.Location = nil
	s.descriptor, err = w.descriptor(ctx, shared)
	return s, err
}

// descriptor is the id of a storage descriptor, which is stored if it is new.
func (w *partitionWriter) descriptor(ctx context.Context, sd storageDescriptor) (int64, error) {
	document, err := json.Marshal(sd)
	if err != nil {
		return 0, err
	}
	hash := sha256.Sum256(document)
	if id, ok := w.descriptors[hash]; ok {
		return id, nil
	}
	var id int64
	const find = "SELECT id FROM descriptors WHERE table_id = ? AND hash = ?"
	err = w.tx.QueryRowContext(ctx, find, w.table.id, hash[:]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.tx.QueryRowContext(ctx, "INSERT INTO descriptors (table_id, hash, document) VALUES (?, ?, ?) RETURNING id",
			w.table.id, hash[:], string(document)).Scan(&id)
	}
	if err != nil {
		return 0, err
	}
	w.descriptors[hash] = id
	return id, nil
}

func (w *partitionWriter) create(ctx context.Context, p partitionInput) error {
	s, err := w.encode(ctx, p)
	if err != nil {
		return err
	}
	done, err := affected(w.tx.ExecContext(ctx, `INSERT INTO partitions (table_id, key, location, descriptor_id, detail, created)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, w.table.id, s.key, s.location, s.descriptor, s.detail, w.at))
	if err != nil {
		return err
	}
	if !done {
		return alreadyExists("Partition %.200q of table %s.%s already exists.", p.Values, w.table.database, w.table.input.Name)
	}
	return indexValues(ctx, w.insert, w.table.id, s.key, p.Values)
}

// update replaces the partition that has the values of old by p, which may have
// others.
func (w *partitionWriter) update(ctx context.Context, old []string, p partitionInput) error {
	if len(p.Values) == 0 {
		p.Values = old
	}
	s, err := w.encode(ctx, p)
	if err != nil {
		return err
	}
	oldKey := encodeKey(old)
	if string(oldKey) != string(s.key) {
		var there, taken bool
		err := w.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM partitions WHERE table_id = ?1 AND key = ?2),
			EXISTS (SELECT 1 FROM partitions WHERE table_id = ?1 AND key = ?3)`, w.table.id, oldKey, s.key).Scan(&there, &taken)
		switch {
		case err != nil:
			return err
		case !there:
			return w.table.noPartition(old)
		case taken:
			return alreadyExists("Partition %.200q of table %s.%s already exists.", p.Values, w.table.database, w.table.input.Name)
		}
	}
	done, err := affected(w.tx.ExecContext(ctx, `UPDATE partitions SET key = ?, location = ?, descriptor_id = ?, detail = ?
		WHERE table_id = ? AND key = ?`, s.key, s.location, s.descriptor, s.detail, w.table.id, oldKey))
	if err != nil {
		return err
	}
	if !done {
		return w.table.noPartition(old)
	}
	if string(oldKey) == string(s.key) {
		return nil
	}
	if err := w.forget(ctx, oldKey, old); err != nil {
		return err
	}
	return indexValues(ctx, w.insert, w.table.id, s.key, p.Values)
}

// forget deletes what is kept of a partition beside itself.
func (w *partitionWriter) forget(ctx context.Context, key []byte, values []string) error {
	if err := unindexValues(ctx, w.tx, w.table.id, key, values); err != nil {
		return err
	}
	_, err := w.tx.ExecContext(ctx, "DELETE FROM column_statistics WHERE table_id = ? AND key = ?", w.table.id, key)
	return err
}

func (w *partitionWriter) delete(ctx context.Context, values []string) error {
	key := encodeKey(values)
	done, err := affected(w.tx.ExecContext(ctx, "DELETE FROM partitions WHERE table_id = ? AND key = ?", w.table.id, key))
	if err != nil {
		return err
	}
	if !done {
		return w.table.noPartition(values)
	}
	return w.forget(ctx, key, values)
}

func (t tableRow) noPartition(values []string) error {
	return notFound("Partition %.200q of table %s.%s not found.", values, t.database, t.input.Name)
}

type partitionRequest struct {
	scope
	DatabaseName, TableName string
	PartitionValues         []string
	PartitionValueList      []string
	PartitionInput          partitionInput
}

func (s *Server) createPartition(ctx context.Context, in partitionRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		w, err := newPartitionWriter(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		return w.create(ctx, in.PartitionInput)
	})
}

func (s *Server) updatePartition(ctx context.Context, in partitionRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		w, err := newPartitionWriter(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		return w.update(ctx, in.PartitionValueList, in.PartitionInput)
	})
}

func (s *Server) deletePartition(ctx context.Context, in partitionRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		w, err := newPartitionWriter(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		return w.delete(ctx, in.PartitionValues)
	})
}
