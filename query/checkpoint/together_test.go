package checkpoint_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/buffer/faultfs"
	"sluice/internal/lake"
	"sluice/query/checkpoint"
)

// Batches are together as long as no range of a checkpoint of their table, nor a run
// that is under way, ends between them; the last gives the name.
func TestTogether(t *testing.T) {
	b := open(t, config(faultfs.New()))
	t1, t2 := lake.TableName{Database: "d", Table: "a"}, lake.TableName{Database: "d", Table: "b"}
	id := func(n int) lake.BatchID { return lake.BatchID(fmt.Sprintf("20260131T000000Z-%012x", n)) }
	note := func(from, to int) {
		for n := from; n <= to; n++ {
			if err := b.Note(id(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := func(name string, table lake.TableName) *checkpoint.Run {
		run, err := b.Begin(context.Background(), name, false)
		if err == nil {
			err = run.Plan(context.Background(), []lake.TableName{table}, func() ([]lake.BatchID, error) { return nil, nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	is := func(what string, want ...[]lake.BatchID) {
		t.Helper()
		var ids []lake.BatchID
		for _, part := range want {
			ids = append(part[:len(part):len(part)], ids...) // in another order
		}
		if diff := cmp.Diff(want, b.Together(t1, ids)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	note(1, 3)
	is("no checkpoint", []lake.BatchID{id(1), id(2), id(3)})
	is("one without a number", []lake.BatchID{id(9)}, []lake.BatchID{id(1), id(3)})
	run := begin("hourly", t1) // up to 3
	note(4, 5)
	is("a run under way", []lake.BatchID{id(1), id(3)}, []lake.BatchID{id(4), id(5)})
	if err := run.Commit(); err != nil {
		t.Fatal(err)
	}
	is("committed", []lake.BatchID{id(1), id(3)}, []lake.BatchID{id(4), id(5)})
	other := begin("other", t2) // up to 5
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	note(6, 6)
	is("a checkpoint of another table", []lake.BatchID{id(1)}, []lake.BatchID{id(4), id(5), id(6)})
	run = begin("hourly", t1) // after 3 up to 6
	run.Abandon()
	note(7, 7)
	is("a run that was abandoned", []lake.BatchID{id(2)}, []lake.BatchID{id(4), id(7)})
}
