package output

import (
	"fmt"
	"strings"
	"time"

	"sluice/query/result"
)

// Footer says in one line what an answer cost, as in
// "2 rows in 14 ms · 3 files scanned · 1.2 MB · 7 of 10 partitions pruned".
func Footer(s result.Stats) string {
	parts := []string{count(s.Rows, "row") + " in " + elapsed(s.Elapsed)}
	parts = append(parts, count(s.Files, "file")+" scanned", Size(s.Bytes))
	if s.FetchedBytes > 0 {
		parts = append(parts, Size(s.FetchedBytes)+" fetched")
	}
	if s.CachedBytes > 0 {
		parts = append(parts, Size(s.CachedBytes)+" from the cache")
	}
	if s.FilesPruned > 0 {
		parts = append(parts, count(s.FilesPruned, "file")+" pruned")
	}
	if s.Partitions > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s pruned", s.PartitionsPruned, count(s.Partitions, "partition")))
	}
	if s.LiveRows > 0 {
		parts = append(parts, count(s.LiveRows, "live row"))
	}
	if s.Cost > 0 {
		parts = append(parts, fmt.Sprintf("Athena: $%.5f", s.Cost))
	}
	return strings.Join(parts, " · ")
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func elapsed(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// Size is a number of bytes for eyes, in powers of 1000.
func Size(n int64) string {
	if n < 1000 {
		return count(n, "byte")
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		f /= 1000
		if f < 999.5 || unit == "TB" {
			if f < 10 {
				return fmt.Sprintf("%.1f %s", f, unit)
			}
			return fmt.Sprintf("%.0f %s", f, unit)
		}
	}
	return ""
}
