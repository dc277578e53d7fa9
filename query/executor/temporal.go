package executor

import (
	"fmt"
	"math"
	"time"
	_ "time/tzdata" // of zones, where the machine has none

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// appendTime appends a date, a time, a timestamp or an interval.
func (c *cell) appendTime(dst []byte, row int) []byte {
	switch c.typ {
	case mapping.TypeDate:
		days := at[int32](c, row)
		if days == math.MaxInt32 || days == -math.MaxInt32 {
			return appendInfinity(dst, days > 0)
		}
		return time.Unix(int64(days)*86400, 0).UTC().AppendFormat(dst, time.DateOnly)
	case mapping.TypeTime:
		return appendMicros(dst, time.UnixMicro(at[int64](c, row)).UTC(), "15:04:05")
	case mapping.TypeInterval:
		p := at[struct {
			months, days int32
			micros       int64
		}](c, row)
		return appendInterval(dst, p.months, p.days, p.micros)
	}
	v := at[int64](c, row)
	if v == math.MaxInt64 || v == -math.MaxInt64 {
		return appendInfinity(dst, v > 0)
	}
	var t time.Time
	switch c.typ {
	case mapping.TypeTimestampS:
		t = time.Unix(v, 0)
	case mapping.TypeTimestampMS:
		t = time.UnixMilli(v)
	case mapping.TypeTimestampNS:
		t = time.Unix(0, v)
	default:
		t = time.UnixMicro(v)
	}
	if c.zone != nil {
		return append(append(appendMicros(dst, t.In(c.zone), time.DateTime), ' '), c.zoneName...)
	}
	dst = appendMicros(dst, t.UTC(), time.DateTime)
	if c.typ == mapping.TypeTimestampTZ {
		dst = append(dst, " UTC"...)
	}
	return dst
}

// locationOf is a zone by its name in the time zone database, or by its offset, as
// in +05:30.
func locationOf(name string) (*time.Location, error) {
	if len(name) == 6 && (name[0] == '+' || name[0] == '-') {
		t, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, fmt.Errorf("read time zone: %w", err)
		}
		_, offset := t.Zone()
		return time.FixedZone(name, offset), nil
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load time zone: %w", err)
	}
	return location, nil
}

func appendInfinity(dst []byte, positive bool) []byte {
	if !positive {
		dst = append(dst, '-')
	}
	return append(dst, "Infinity"...)
}

// appendMicros appends three digits of a second where they say it all, else
// six, else nine.
func appendMicros(dst []byte, t time.Time, layout string) []byte {
	switch ns := t.Nanosecond(); {
	case ns%1e6 == 0:
		layout += ".000"
	case ns%1e3 == 0:
		layout += ".000000"
	default:
		layout += ".000000000"
	}
	return t.AppendFormat(dst, layout)
}

// appendInterval writes Presto's "days hours:minutes:seconds.millis", with the
// months before it as "years-months" where there are any.
func appendInterval(dst []byte, months, days int32, micros int64) []byte {
	if months != 0 {
		sign := ""
		if months < 0 {
			sign, months = "-", -months
		}
		dst = fmt.Appendf(dst, "%s%d-%d", sign, months/12, months%12)
		if days == 0 && micros == 0 {
			return dst
		}
		dst = append(dst, ' ')
	}
	total := int64(days)*86_400_000_000 + micros
	if total < 0 {
		dst, total = append(dst, '-'), -total
	}
	dst = fmt.Appendf(dst, "%d %02d:%02d:%02d.%03d", total/86_400_000_000, total/3_600_000_000%24,
		total/60_000_000%60, total/1_000_000%60, total/1000%1000)
	if total%1000 != 0 {
		dst = fmt.Appendf(dst, "%03d", total%1000)
	}
	return dst
}
