package catalogsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// Who updates a partition writes all of it, also where it lies, as he read it: Glue knows
// no version of a partition. While somebody does, no move of the table's partitions may
// be committed (see package moves). So it is announced in the table, in the parameter
// sluice.updates, before the partitions are read, and taken back when the catalog has
// answered every request; one that may still be under way is waited for (RequestFence).
//
//	[{"id": "20260131T235959Z-0123456789ab", "at": "2026-01-31T23:59:59Z"}]

// ParamUpdates is the parameter of a table in which updates of its partitions are
// announced.
const ParamUpdates = "sluice.updates"

// RequestFence is after how long no request of ours can be carried out any more: each is
// given up within a minute, and refused by the catalog when its signature is older than
// 15 minutes (AWS: 5), with some minutes for clocks that are not right.
const RequestFence = 20 * time.Minute

type update struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func updatesOf(t *lake.Table) (u []update, err error) {
	if text := t.Parameters[ParamUpdates]; text != "" {
		if err = json.Unmarshal([]byte(text), &u); err != nil {
			return nil, fmt.Errorf("table %s: its parameter %s cannot be read: %w", t.Name, ParamUpdates, err)
		}
	}
	return u, nil
}

func putUpdates(t *lake.Table, u []update) {
	if len(u) == 0 {
		delete(t.Parameters, ParamUpdates)
		return
	}
	text, err := json.Marshal(u)
	if err != nil {
		panic("BUG: updates have no JSON: " + err.Error())
	}
	t.Parameters[ParamUpdates] = string(text)
}

// Updating reports whether partitions of the table may be being updated.
func Updating(t *lake.Table, fence time.Duration) (bool, error) {
	u, err := updatesOf(t)
	return slices.ContainsFunc(u, func(u update) bool { return time.Since(u.At) < fence }), err
}

// Announce puts an update of partitions into the table, for Amend. ok is false where one
// of them is being moved this moment: then it must not be updated.
func Announce(t *lake.Table, id string, values [][]string) (ok bool, err error) {
	var moves struct {
		Moves []struct {
			Values []string
			State  string
		}
	}
	if text := t.Parameters[ParamMoves]; text != "" {
		if err := json.Unmarshal([]byte(text), &moves); err != nil {
			return false, fmt.Errorf("table %s: its parameter %s cannot be read: %w", t.Name, ParamMoves, err)
		}
	}
	for _, m := range moves.Moves {
		if m.State == "moved" && slices.ContainsFunc(values, func(v []string) bool { return slices.Equal(v, m.Values) }) {
			return false, nil
		}
	}
	u, err := updatesOf(t)
	if err != nil {
		return false, err
	}
	u = slices.DeleteFunc(u, func(u update) bool { return u.ID == id || time.Since(u.At) > RequestFence })
	putUpdates(t, append(u, update{id, time.Now().UTC()}))
	return true, nil
}

// Retract takes an update back, for Amend.
func Retract(t *lake.Table, id string) error {
	u, err := updatesOf(t)
	if err == nil {
		putUpdates(t, slices.DeleteFunc(u, func(u update) bool { return u.ID == id }))
	}
	return err
}

// errUpdateLater says that a partition that is being moved was not updated.
var errUpdateLater = errors.New("a partition is being moved")

// announced does what updates partitions, which it is given as they are by then. do
// reports whether every request that it made was answered at once.
func (c *Catalog) announced(ctx context.Context, name lake.TableName, stale []types.Partition, do func([]types.Partition) (answered bool, err error)) error {
	values := make([][]string, len(stale))
	for i, p := range stale {
		values[i] = p.Values
	}
	id := string(lake.NewBatchID(time.Now()))
	_, err := c.Amend(ctx, name, func(t *lake.Table) error {
		ok, err := Announce(t, id, values)
		if err == nil && !ok {
			err = errUpdateLater
		}
		return err
	})
	if err != nil {
		return err
	}
	now, err := c.get(ctx, name, values)
	answered := true
	if err == nil {
		answered, err = do(now)
	}
	if !answered {
		return err // it is waited for
	}
	_, retractErr := c.Amend(ctx, name, func(t *lake.Table) error { return Retract(t, id) })
	return errors.Join(err, retractErr)
}

// get reads partitions as the catalog has them; those that are not there are left out.
func (c *Catalog) get(ctx context.Context, name lake.TableName, values [][]string) ([]types.Partition, error) {
	var found []types.Partition
	for n := 1; len(values) > 0; {
		group := values[:min(len(values), maxBatchGet)]
		input := &glue.BatchGetPartitionInput{CatalogId: c.catalogID, DatabaseName: &name.Database, TableName: &name.Table}
		for _, v := range group {
			input.PartitionsToGet = append(input.PartitionsToGet, types.PartitionValueList{Values: v})
		}
		out, err := c.glue.BatchGetPartition(ctx, input)
		if err != nil {
			return nil, fmt.Errorf("get partitions of %s: %w", name, orNotFound(err))
		}
		found = append(found, out.Partitions...)
		rest := values[len(group):]
		if len(out.UnprocessedKeys) == 0 {
			values, n = rest, 1
			continue
		}
		again := make([][]string, 0, len(out.UnprocessedKeys)+len(rest))
		for _, k := range out.UnprocessedKeys {
			again = append(again, k.Values)
		}
		values = append(again, rest...)
		if n++; n > maxAttempts {
			return nil, fmt.Errorf("get partitions of %s: the catalog left %d unprocessed", name, len(values))
		}
		if err := pause(ctx, n); err != nil {
			return nil, fmt.Errorf("get partitions of %s: %w", name, err)
		}
	}
	return found, nil
}
