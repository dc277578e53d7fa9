package importer

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A Source is where objects are read from.
type Source interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error)
	URI(key string) string
}

// An Object is one to be read.
type Object struct {
	store.Object
	Location string
	Source   string    // of Segment's layout, or the stream of ours; "" for another
	Arrival  time.Time // of its records
	id       id
}

// A Selection says which objects of a Source are read. Its zero value takes all.
type Selection struct {
	Source       string    // of Segment's layout, or the stream of ours
	Since, Until time.Time // days, both included; zero: no bound
}

// maxObjects bounds what is remembered of objects, to about a GB.
const maxObjects = 10_000_000

// select lists the objects; others counts what is no JSON by its name.
func (s Selection) list(ctx context.Context, src Source) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		n := 0
		for o, err := range src.List(ctx, "") {
			if err != nil {
				yield(Object{}, fmt.Errorf("list what is to be imported: %w", err))
				return
			}
			found := locate(src, o)
			if o.Size == 0 || hidden(o.Key) || other(o.Key) || !s.has(found) {
				continue
			}
			if n++; n > maxObjects {
				yield(Object{}, fmt.Errorf("there are more than %d objects: import them in parts, by --since and --until", maxObjects))
				return
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}

func (s Selection) has(o Object) bool {
	day := o.Arrival.UTC().Truncate(24 * time.Hour)
	return (s.Source == "" || s.Source == o.Source) && (s.Since.IsZero() || !day.Before(s.Since)) && (s.Until.IsZero() || !day.After(s.Until))
}

// hidden reports whether engines would pass over the object, as over our errors.
func hidden(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// other reports whether the name says that the object is no JSON.
func other(key string) bool {
	switch strings.ToLower(path.Ext(key)) {
	case ".parquet", ".csv", ".tsv", ".orc", ".avro", ".crc", ".md5", ".zip", ".tar":
		return true
	}
	return false
}

const msOfDay = 24 * 60 * 60 * 1000

// date finds a date, and an hour in a folder of its own behind it.
var date = regexp.MustCompile(`(?:^|[/=_-])(\d{4})[-/](\d{2})[-/](\d{2})(?:/(?:[a-z]+=)?(\d{2})/|[/T_.-]|$)`)

// locate reads what an object's path says.
func locate(src Source, o store.Object) Object {
	out := Object{Object: o, Location: src.URI(o.Key), Arrival: o.Modified.UTC().Truncate(time.Millisecond)}
	out.id = idOf(out.Location, o.ETag, o.Size)
	// The folder that was named may itself be the source's, or the day's.
	parts := strings.Split(strings.TrimPrefix(out.Location, "file://"), "/")
	for i := len(parts) - 2; i > 0; i-- {
		ms, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil || len(parts[i]) < 11 || ms%msOfDay != 0 || ms <= 0 || ms > 1e14 {
			continue
		}
		out.Source, out.Arrival = parts[i-1], time.UnixMilli(ms).UTC()
		// Our raw copies have the batch's name, and so the moment when it began.
		name, _, _ := strings.Cut(parts[len(parts)-1], ".")
		if _, err := lake.ParseBatchID(name); err == nil {
			at, err := time.Parse("20060102T150405Z", name[:16])
			if err == nil && at.After(out.Arrival) && at.Before(out.Arrival.Add(24*time.Hour)) {
				out.Arrival = at
			}
		}
		return out
	}
	if m := date.FindStringSubmatch(o.Key); m != nil {
		hour := m[4]
		if hour == "" {
			hour = "00"
		}
		if at, err := time.Parse("2006-01-02 15", m[1]+"-"+m[2]+"-"+m[3]+" "+hour); err == nil {
			out.Arrival = at
		}
	}
	return out
}

// Size is how many bytes the selected objects have together.
func Size(ctx context.Context, cfg Config) (bytes int64, err error) {
	for o, err := range cfg.Select.list(ctx, cfg.Source) {
		if err != nil {
			return 0, err
		}
		bytes += o.Size
	}
	return bytes, nil
}
