package retention

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/internal/upkeep/places"
)

// A Report is what is past its time of a table.
type Report struct {
	Table lake.TableName
	// Now is the time of the look, by the store; partitions that ended before Cutoff
	// are past their time.
	Now, Cutoff time.Time
	Expired     []Expired
	Kept        int // partitions that are not past their time
	// Passed are partitions that are left alone, whatever their age: the first
	// maxPassed of PassedCount.
	Passed      []Passed
	PassedCount int
	Dropped     int // of Expired; none in a plan

	oldest time.Time // begin of the oldest partition that stays and has a date
}

const maxPassed = 100

// An Expired partition is past its time.
type Expired struct {
	Partition lake.Partition
	From, End time.Time // its span
	Objects   int
	Bytes     int64

	folder string
}

// A Passed partition is left alone.
type Passed struct {
	Partition lake.Partition
	Why       string
}

func (rep *Report) pass(p lake.Partition, why string) {
	if rep.PassedCount++; len(rep.Passed) < maxPassed {
		rep.Passed = append(rep.Passed, Passed{p, why})
	}
}

// Plan finds what is past its time of a table, and changes nothing.
func (r *Reaper) Plan(ctx context.Context, name lake.TableName) (Report, error) {
	r.tell(Status{Table: name})
	defer r.tell(Status{})
	rep, _, err := r.plan(ctx, name)
	if err != nil {
		return rep, fmt.Errorf("retention of %s: %w", name, err)
	}
	return rep, nil
}

func (r *Reaper) plan(ctx context.Context, name lake.TableName) (Report, lake.Table, error) {
	rep := Report{Table: name}
	rule, ok := r.cfg.Rules[name]
	if !ok || rule.After <= 0 {
		return rep, lake.Table{}, fmt.Errorf("there is no rule for it: set tables.%s.retention in the configuration", name)
	}
	table, err := r.cfg.Catalog.Table(ctx, name)
	if err != nil {
		return rep, table, err
	}
	keys, root, err := r.check(table, rule)
	if err != nil {
		return rep, table, err
	}
	if rep.Now, err = r.cfg.Store.Now(ctx); err != nil {
		return rep, table, err
	}
	rep.Cutoff = rep.Now.Add(-rule.After)
	parts, err := r.cfg.Catalog.Partitions(ctx, name, "")
	if err != nil {
		return rep, table, err
	}
	r.sort(&rep, parts, keys, root)
	if err := r.leaveMoving(&rep, table); err != nil {
		return rep, table, err
	}
	if err := r.leaveShared(ctx, &rep); err != nil {
		return rep, table, err
	}
	return rep, table, r.measure(ctx, &rep)
}

// measure lists what the partitions have. One that an object came to lately is left
// for another round.
func (r *Reaper) measure(ctx context.Context, rep *Report) error {
	quiet := rep.Expired[:0]
	for _, e := range rep.Expired {
		var latest time.Time
		for o, err := range r.cfg.Store.List(ctx, e.folder) {
			if err != nil {
				return err
			}
			e.Objects++
			e.Bytes += o.Size
			if o.Modified.After(latest) {
				latest = o.Modified
			}
		}
		if !latest.Before(rep.Now.Add(-r.cfg.Quiet)) {
			rep.stays(e.From)
			rep.pass(e.Partition, "an object came to it at "+latest.UTC().Format(time.RFC3339)+": it goes when it has been quiet for "+r.cfg.Quiet.String())
			continue
		}
		quiet = append(quiet, e)
	}
	rep.Expired = quiet
	return nil
}

// check finds the keys that the rule names among the table's, and the key of its folder.
func (r *Reaper) check(t lake.Table, rule Rule) (keys []int, root string, err error) {
	root, ok := r.cfg.Store.Key(t.Location)
	root = strings.Trim(root, "/")
	switch {
	case t.View != "":
		return nil, "", fmt.Errorf("it is a view")
	case !ok || t.Location == "" || root == "":
		return nil, "", fmt.Errorf("it lies at %q, which is not a folder of the lake", t.Location)
	case len(t.PartitionKeys) == 0:
		return nil, "", fmt.Errorf("it has no partitions")
	}
	for _, by := range rule.By {
		i := lake.ColumnIndex(t.PartitionKeys, by)
		if i < 0 {
			return nil, "", fmt.Errorf("it has no partition key %s, by which its rule goes", by)
		}
		keys = append(keys, i)
	}
	return keys, root, nil
}

// sort parts the partitions.
func (r *Reaper) sort(rep *Report, parts []lake.Partition, keys []int, root string) {
	values := make([]string, len(keys))
	for _, p := range parts {
		valid := true
		for i, k := range keys {
			if valid = valid && k < len(p.Values); valid {
				values[i] = p.Values[k]
			}
		}
		if !valid {
			rep.pass(p, "it has other values than the table has keys")
			continue
		}
		from, end, err := span(values)
		if err != nil {
			rep.pass(p, err.Error())
			continue
		}
		folder, ok := r.folder(p)
		switch {
		case end.After(rep.Cutoff):
			rep.Kept++
			rep.stays(from)
		case !ok || folder == root || !places.Within(folder, root):
			rep.stays(from)
			rep.pass(p, "it lies outside the table's folder, at "+p.Location)
		default:
			rep.Expired = append(rep.Expired, Expired{Partition: p, From: from, End: end, folder: folder})
		}
	}
	slices.SortStableFunc(rep.Expired, func(a, b Expired) int { return a.End.Compare(b.End) })
}

func (rep *Report) stays(from time.Time) {
	if rep.oldest.IsZero() || from.Before(rep.oldest) {
		rep.oldest = from
	}
}

// leaveMoving passes over partitions that compaction is moving, until that is over: what is
// dropped in the middle would leave files that nobody knows of.
func (r *Reaper) leaveMoving(rep *Report, t lake.Table) error {
	rest := rep.Expired[:0]
	for _, e := range rep.Expired {
		moving, err := r.cfg.Moving(t, e.Partition.Location)
		if err != nil {
			return err
		}
		if moving {
			rep.stays(e.From)
			rep.pass(e.Partition, "compaction is moving it: it goes in another round")
			continue
		}
		rest = append(rest, e)
	}
	rep.Expired = rest
	return nil
}

// leaveShared passes over partitions whose folder is not theirs alone.
func (r *Reaper) leaveShared(ctx context.Context, rep *Report) error {
	if len(rep.Expired) == 0 {
		return nil
	}
	folders := make([]string, len(rep.Expired))
	for i, e := range rep.Expired {
		folders[i] = e.folder
	}
	over, err := places.Over(ctx, r.cfg.Catalog, r.cfg.Store.Key, folders)
	if err != nil {
		return err
	}
	alone := rep.Expired[:0]
	for _, e := range rep.Expired {
		if other, ok := shared(over[e.folder], rep.Table, e.Partition.Values); ok {
			rep.stays(e.From)
			rep.pass(e.Partition, "its folder is also that of "+other.String()+", or one lies in the other")
			continue
		}
		alone = append(alone, e)
	}
	rep.Expired = alone
	return nil
}

// shared finds one of the refs that is neither the table nor the partition itself.
func shared(refs []places.Ref, table lake.TableName, values []string) (places.Ref, bool) {
	for _, ref := range refs {
		own := ref.Table == table && (ref.Values == nil || slices.Equal(ref.Values, values))
		if !own {
			return ref, true
		}
	}
	return places.Ref{}, false
}
