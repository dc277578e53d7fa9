package moves_test

import (
	"testing"

	"sluice/catalogsync"
	"sluice/catalogsync/moves"
	"sluice/internal/lake"
)

func TestConcerns(t *testing.T) {
	table := lake.Table{Name: lake.TableName{Database: "d", Table: "t"}, Parameters: map[string]string{catalogsync.ParamMoves: `{"epoch":"e",
		"moves":[{"id":"i","values":["1"],"from":"s3://b/t/dt=1/","to":"s3://b/t/_compacted/i/dt=1/","state":"open"}],
		"old":[{"values":["2"],"location":"s3://b/t/dt=2/"}]}`}}
	for location, want := range map[string]bool{
		"s3://b/t/dt=1/": true, "s3://b/t/_compacted/i/dt=1/": true, "s3://b/t/dt=2": true, "s3://b/t/dt=3/": false, "s3://b/t/": false,
	} {
		if got, err := moves.Concerns(table, location); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", location, got, err, want)
		}
	}
	if got, err := moves.Concerns(lake.Table{}, "s3://b/t/dt=1/"); err != nil || got {
		t.Errorf("a table without moves: %v, %v", got, err)
	}
	table.Parameters[catalogsync.ParamMoves] = "{"
	if _, err := moves.Concerns(table, "s3://b/t/dt=1/"); err == nil {
		t.Error("a ledger that cannot be read: no error")
	}
}
