package catalogsync

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"sluice/internal/lake"
)

// RaiseProjection has the projection of a table begin no earlier than at a time: keys
// are the partition keys that are its date, the largest unit first. It touches ranges
// of dates, and of years that are integers, that Sluice keeps; whatever else computes
// partitions goes on to find them empty. A partition before that time that is added
// later extends the range again.
//
// The unit that the time is in stays: a writer who adds a partition of it at this
// moment may have seen the range as it was, and not extend it.
func (c *Catalog) RaiseProjection(ctx context.Context, name lake.TableName, keys []string, from time.Time) error {
	return c.retryConflicts(ctx, "raise the projection of "+name.String(), func() error {
		t, err := c.getTable(ctx, name)
		if err != nil {
			return err
		}
		params, changed := raise(t.Parameters, keys, from)
		if !changed {
			return nil
		}
		t.Parameters = params
		return c.updateTable(ctx, name, t)
	})
}

// raise is params with ranges that begin no earlier than from.
func raise(params map[string]string, keys []string, from time.Time) (raised map[string]string, changed bool) {
	if params[paramOurs] != oursOn || params[paramEnabled] != "true" {
		return params, false
	}
	out := maps.Clone(params)
	for i, key := range keys {
		prefix := "projection." + strings.ToLower(key) + "."
		low, high, ok := strings.Cut(params[prefix+"range"], ",")
		if !ok {
			continue
		}
		switch params[prefix+"type"] {
		case "date":
			format, ok := dateFormats[params[prefix+"format"]]
			if first := from.UTC().Format(format.layout); ok && low < first { // all of one length
				out[prefix+"range"] = first + "," + high
			}
		case "integer":
			first, err := strconv.Atoi(low)
			last, err2 := strconv.Atoi(high)
			if year := from.UTC().Year(); i == 0 && err == nil && err2 == nil && len(low) == 4 && first < year && year <= last {
				out[prefix+"range"] = fmt.Sprintf("%d,%d", year, last)
			}
		}
	}
	return out, !maps.Equal(out, params)
}
