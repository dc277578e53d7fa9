package progress

import (
	"fmt"
	"strconv"
	"time"
)

// Bytes prints a size to three digits or so, in units of 1000: 1.23 GB.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	if n < 1000 && n > -1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n)/1000, units[0]
	for _, u := range units[1:] {
		if v < 999.5 && v > -999.5 {
			break
		}
		v, unit = v/1000, u
	}
	switch {
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}

// shortDuration prints the two largest units: 1h05m, 3m20s, 12s.
func shortDuration(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	switch {
	case s >= 100*3600:
		return "days"
	case s >= 3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	case s >= 60:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%ds", s)
}
