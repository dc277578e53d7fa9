package embedded

import (
	"context"
	"database/sql"
)

// What clients ask for and the catalog does not keep: they get an empty list,
// and an error where the table they ask of is not there.

type extrasRequest struct {
	DatabaseName, TableName string
	PartitionValues         []string
}

type statisticsAnswer struct {
	ColumnStatisticsList []nothing
	Errors               []nothing
}

func (s *Server) tableStatistics(ctx context.Context, in extrasRequest) (statisticsAnswer, error) {
	out := statisticsAnswer{ColumnStatisticsList: []nothing{}, Errors: []nothing{}}
	return out, s.exists(ctx, in)
}

func (s *Server) partitionStatistics(ctx context.Context, in extrasRequest) (statisticsAnswer, error) {
	out := statisticsAnswer{ColumnStatisticsList: []nothing{}, Errors: []nothing{}}
	_, err := s.getPartition(ctx, partitionRequest{
		DatabaseName: in.DatabaseName, TableName: in.TableName, PartitionValues: in.PartitionValues,
	})
	return out, err
}

type indexesAnswer struct{ PartitionIndexDescriptorList []nothing }

func (s *Server) getPartitionIndexes(ctx context.Context, in extrasRequest) (indexesAnswer, error) {
	return indexesAnswer{PartitionIndexDescriptorList: []nothing{}}, s.exists(ctx, in)
}

// exists is the error that the table is not there.
func (s *Server) exists(ctx context.Context, in extrasRequest) error {
	return s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		return err
	})
}

type functionRequest struct{ FunctionName string }

func (s *Server) getUserDefinedFunction(_ context.Context, in functionRequest) (nothing, error) {
	return nothing{}, notFound("Function %s not found.", in.FunctionName)
}

type functionsAnswer struct{ UserDefinedFunctions []nothing }

// getUserDefinedFunctions finds none, in whatever database: Spark asks in all.
func (s *Server) getUserDefinedFunctions(context.Context, functionRequest) (functionsAnswer, error) {
	return functionsAnswer{UserDefinedFunctions: []nothing{}}, nil
}
