package embedded

import (
	"context"
	"database/sql"
)

// What one request may hold, as in AWS Glue.
const (
	maxBatchCreate = 100
	maxBatchUpdate = 100
	maxBatchDelete = 25
	maxBatchGet    = 1000
)

type batchRequest struct {
	scope
	DatabaseName, TableName string
	PartitionInputList      []partitionInput
	PartitionsToDelete      []valueList
	PartitionsToGet         []valueList
	Entries                 []updateEntry
}

type updateEntry struct {
	PartitionValueList []string
	PartitionInput     partitionInput
}

type partitionErrors struct{ Errors []partitionError }

// batch does something to many partitions: what is wrong with one of them is
// reported, any other error undoes all.
func (s *Server) batch(ctx context.Context, in batchRequest, n, most int,
	do func(ctx context.Context, w *partitionWriter, i int) error, values func(i int) []string) (partitionErrors, error) {
	out := partitionErrors{Errors: []partitionError{}}
	if n > most {
		return out, invalid("the request has %d partitions, at most %d are taken", n, most)
	}
	err := s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		w, err := newPartitionWriter(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		for i := range n {
			err := do(ctx, w, i)
			if f, ok := asFault(err); ok {
				out.Errors = append(out.Errors, partitionError{orNone(values(i)), f.detail()})
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Server) batchCreatePartition(ctx context.Context, in batchRequest) (partitionErrors, error) {
	list := in.PartitionInputList
	return s.batch(ctx, in, len(list), maxBatchCreate,
		func(ctx context.Context, w *partitionWriter, i int) error { return w.create(ctx, list[i]) },
		func(i int) []string { return list[i].Values })
}

func (s *Server) batchDeletePartition(ctx context.Context, in batchRequest) (partitionErrors, error) {
	list := in.PartitionsToDelete
	return s.batch(ctx, in, len(list), maxBatchDelete,
		func(ctx context.Context, w *partitionWriter, i int) error { return w.delete(ctx, list[i].Values) },
		func(i int) []string { return list[i].Values })
}

type updateErrors struct{ Errors []updateError }

type updateError struct {
	PartitionValueList []string
	ErrorDetail        errorDetail
}

func (s *Server) batchUpdatePartition(ctx context.Context, in batchRequest) (updateErrors, error) {
	list := in.Entries
	done, err := s.batch(ctx, in, len(list), maxBatchUpdate,
		func(ctx context.Context, w *partitionWriter, i int) error {
			return w.update(ctx, list[i].PartitionValueList, list[i].PartitionInput)
		},
		func(i int) []string { return list[i].PartitionValueList })
	out := updateErrors{Errors: []updateError{}}
	for _, e := range done.Errors {
		out.Errors = append(out.Errors, updateError{e.PartitionValues, e.ErrorDetail})
	}
	return out, err
}

type batchGetAnswer struct {
	Partitions      []partition
	UnprocessedKeys []valueList
}

// batchGetPartition leaves out partitions that are not there, as AWS Glue does.
// What would make the answer too large is left for another request.
func (s *Server) batchGetPartition(ctx context.Context, in batchRequest) (batchGetAnswer, error) {
	out := batchGetAnswer{Partitions: []partition{}, UnprocessedKeys: []valueList{}}
	if n := len(in.PartitionsToGet); n > maxBatchGet {
		return out, invalid("the request has %d partitions, at most %d are taken", n, maxBatchGet)
	}
	err := s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		r := newPartitionReader(tx, t, in.DatabaseName, in.TableName, in.scope)
		keys := make([][]byte, 0, len(in.PartitionsToGet))
		for _, p := range in.PartitionsToGet {
			keys = append(keys, encodeKey(p.Values))
		}
		var read int
		out.Partitions, read, err = r.get(ctx, keys)
		out.UnprocessedKeys = append(out.UnprocessedKeys, in.PartitionsToGet[read:]...)
		return err
	})
	return out, err
}
