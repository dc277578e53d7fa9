package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// Table properties by which Athena (and Trino, where it is told to) computes a
// table's partitions instead of listing those that are registered. Names and
// meaning are AWS's: "Partition projection with Amazon Athena".
const (
	paramEnabled  = "projection.enabled"
	paramTemplate = "storage.location.template"
	// paramOurs says that the properties are kept current by Sluice, or in its value
	// why projection was turned off.
	paramOurs = "sluice.projection"
	oursOn    = "on"
)

const (
	// Past that many values, or bytes of them, an enum becomes injected: queries then
	// have to say which value they mean.
	maxEnumValues = 1000
	maxEnumBytes  = 64 << 10
	// maxAhead is how far behind today a day may be that is projected.
	maxAhead = 366 * 24 * time.Hour
)

// A span of dates: Go's layout of each of the formats that are projected, and what
// one step is.
type dateFormat struct {
	layout, unit string
	step         time.Duration
}

var dateFormats = map[string]dateFormat{
	"yyyy":          {"2006", "YEARS", 366 * 24 * time.Hour},
	"yyyy-MM":       {"2006-01", "MONTHS", 31 * 24 * time.Hour},
	"yyyy-MM-dd":    {"2006-01-02", "DAYS", 24 * time.Hour},
	"yyyy-MM-dd-HH": {"2006-01-02-15", "HOURS", time.Hour},
}

// wantsProjection says that the table shall be projected and is not yet, nor by
// anybody else, nor was it and turned off.
func wantsProjection(have, want map[string]string) bool {
	_, decided := have[paramEnabled]
	_, ours := have[paramOurs]
	return want[paramEnabled] == "true" && !decided && !ours
}

// isProjection tells the properties of projection from all others.
func isProjection(name string) bool {
	return strings.HasPrefix(name, "projection.") || name == paramTemplate
}

// startProjection is params with the properties of want, which cover no partition
// yet.
func startProjection(params, want map[string]string) map[string]string {
	out := maps.Clone(params)
	if out == nil {
		out = map[string]string{}
	}
	for name, value := range want {
		if isProjection(name) {
			out[name] = value
		}
	}
	out[paramOurs] = oursOn
	return out
}

// cover is params so that the projection they describe has all of parts, and
// whether that changes anything. What projection cannot describe turns it off:
// engines then go by the registered partitions, and nothing is hidden from them.
func cover(params map[string]string, keys []types.Column, parts []lake.Partition, now time.Time) (covered map[string]string, changed bool) {
	if params[paramOurs] != oursOn || params[paramEnabled] != "true" {
		return params, false
	}
	out := maps.Clone(params)
	for _, p := range parts {
		if err := coverPartition(out, keys, p, now); err != nil {
			out[paramEnabled] = "false"
			out[paramOurs] = fmt.Sprintf("off: partition %.200q: %v", p.Values, err)
			break
		}
	}
	return out, !maps.Equal(out, params)
}

func coverPartition(params map[string]string, keys []types.Column, p lake.Partition, now time.Time) error {
	if len(p.Values) != len(keys) {
		return fmt.Errorf("it has %d values for %d keys", len(p.Values), len(keys))
	}
	location := params[paramTemplate]
	for i, k := range keys {
		name, value := aws.ToString(k.Name), p.Values[i]
		if value == lake.NullPartition {
			return fmt.Errorf("%s is null", name)
		}
		if err := coverValue(params, "projection."+name+".", value, now); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		location = strings.ReplaceAll(location, "${"+name+"}", value)
	}
	if folder(location) != folder(p.Location) {
		return fmt.Errorf("it is not where %s says", paramTemplate)
	}
	return nil
}

// coverValue extends the range of one key, whose properties begin with prefix.
func coverValue(params map[string]string, prefix, value string, now time.Time) error {
	switch typ := params[prefix+"type"]; typ {
	case "injected":
		return nil
	case "enum":
		return coverEnum(params, prefix, value)
	case "integer":
		return coverInteger(params, prefix, value)
	case "date":
		return coverDate(params, prefix, value, now)
	default:
		return fmt.Errorf("it has the projection type %q", typ)
	}
}

func coverEnum(params map[string]string, prefix, value string) error {
	if value == "" || strings.TrimSpace(value) != value || strings.Contains(value, ",") {
		return errors.New("an enum cannot have the value")
	}
	var values []string
	if s := params[prefix+"values"]; s != "" {
		values = strings.Split(s, ",")
	}
	at, found := slices.BinarySearch(values, value)
	if found {
		return nil
	}
	values = slices.Insert(values, at, value)
	text := strings.Join(values, ",")
	if len(values) > maxEnumValues || len(text) > maxEnumBytes {
		params[prefix+"type"] = "injected"
		delete(params, prefix+"values")
		return nil
	}
	params[prefix+"values"] = text
	return nil
}

func coverInteger(params map[string]string, prefix, value string) error {
	digits, _ := strconv.Atoi(params[prefix+"digits"])
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || value != fmt.Sprintf("%0*d", digits, n) {
		return fmt.Errorf("it is no integer of %d digits", digits)
	}
	low, high, ok := strings.Cut(params[prefix+"range"], ",")
	if !ok {
		params[prefix+"range"] = fmt.Sprintf("%d,%d", n, n)
		return nil
	}
	from, err1 := strconv.ParseInt(low, 10, 64)
	to, err2 := strconv.ParseInt(high, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("read %srange: %w", prefix, err)
	}
	if n < from || n > to {
		params[prefix+"range"] = fmt.Sprintf("%d,%d", min(n, from), max(n, to))
	}
	return nil
}

// coverDate extends a range from the first value there is to as many steps ahead
// of today as the last is, at least one: clocks differ.
func coverDate(params map[string]string, prefix, value string, now time.Time) error {
	format, ok := dateFormats[params[prefix+"format"]]
	if !ok {
		return fmt.Errorf("the format %q is not known", params[prefix+"format"])
	}
	t, err := time.Parse(format.layout, value)
	if err != nil || t.Format(format.layout) != value {
		return fmt.Errorf("it is no date of the format %s", params[prefix+"format"])
	}
	if t.Before(time.Unix(0, 0)) || t.Sub(now) > maxAhead {
		return errors.New("it is too far from today: every day between would be looked for")
	}
	steps := max(1, int((t.Sub(now)+format.step-1)/format.step))
	first := value
	if low, high, ok := strings.Cut(params[prefix+"range"], ","); ok {
		var n int
		if _, err := fmt.Sscanf(high, "NOW+%d"+format.unit, &n); err != nil {
			return fmt.Errorf("read %srange: %w", prefix, err)
		}
		first, steps = min(first, low), max(steps, n)
	}
	params[prefix+"range"] = fmt.Sprintf("%s,NOW+%d%s", first, steps, format.unit)
	return nil
}

// project has the table's projection, if it is kept by Sluice, cover the partitions.
func (c *Catalog) project(ctx context.Context, name lake.TableName, parts []lake.Partition) error {
	return c.retryConflicts(ctx, "project partitions of "+name.String(), func() error {
		t, err := c.getTable(ctx, name)
		if err != nil {
			return err
		}
		params, changed := cover(t.Parameters, t.PartitionKeys, parts, time.Now())
		if !changed {
			return nil
		}
		c.warnOff(ctx, name, params)
		t.Parameters = params
		return c.updateTable(ctx, name, t)
	})
}

// warnOff tells of a projection that was turned off.
func (c *Catalog) warnOff(ctx context.Context, name lake.TableName, params map[string]string) {
	if params[paramEnabled] == "false" {
		c.log.WarnContext(ctx, "partition projection turned off: engines go by the registered partitions", "table", name.String(), "why", params[paramOurs])
	}
}
