package presto

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // of zones, where the machine has none

	"sluice/query/syntax"
)

// A zone of the time zone database, or an offset in minutes.
type zone struct {
	name   string // as Presto writes it
	offset int
	fixed  bool
}

var offsetZone = regexp.MustCompile(`^([+-])(\d\d)(?::(\d\d))?$`)

// utcNames are other names of UTC, which is what Presto makes of them.
var utcNames = map[string]bool{"utc": true, "z": true, "ut": true, "uct": true, "gmt": true, "gmt0": true, "greenwich": true, "universal": true, "zulu": true,
	"etc/utc": true, "etc/gmt": true, "etc/uct": true, "etc/zulu": true, "etc/universal": true, "etc/greenwich": true, "etc/gmt0": true}

// zoneNamed is a zone by its name.
func zoneNamed(name string) (zone, bool) {
	if utcNames[strings.ToLower(name)] {
		return zone{name: "UTC", fixed: true}, true
	}
	if m := offsetZone.FindStringSubmatch(name); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi("0" + m[3])
		offset := 60*hours + minutes
		if minutes > 59 || offset > 14*60 {
			return zone{}, false
		}
		if m[1] == "-" {
			offset = -offset
		}
		return offsetOf(offset), true
	}
	// Names without a slash, such as EST, are not all Presto's.
	if !strings.Contains(name, "/") || strings.Contains(name, "..") {
		return zone{}, false
	}
	for _, spelled := range []string{name, titled(name)} {
		if l, err := time.LoadLocation(spelled); err == nil {
			return zone{name: l.String()}, true
		}
	}
	return zone{}, false
}

// titled is a zone's name with capitals where they usually are.
func titled(name string) string {
	b := []byte(strings.ToLower(name))
	for i, c := range b {
		if (i == 0 || strings.IndexByte("/_-", b[i-1]) >= 0) && 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func offsetOf(minutes int) zone {
	sign, m := "+", minutes
	if m < 0 {
		sign, m = "-", -m
	}
	if m == 0 {
		return zone{name: "UTC", fixed: true}
	}
	return zone{name: fmt.Sprintf("%s%02d:%02d", sign, m/60, m%60), offset: minutes, fixed: true}
}

// constantInterval is a constant of hours, minutes or seconds, in milliseconds.
func constantInterval(n node) (millis int64, ok bool) {
	args := arguments(n)
	if len(args) != 1 {
		return 0, false
	}
	per := map[string]int64{"to_hours": 3600_000, "to_minutes": 60_000, "to_seconds": 1000, "to_days": 86400_000}[syntax.Text(n, "function_name")]
	if syntax.Text(n, "function_name") == "-" {
		millis, ok = constantInterval(args[0])
		return -millis, ok
	}
	v, ok := numberOf(args[0])
	if inner := syntax.Object(args[0], "child"); !ok && class(args[0]) == "CAST" {
		v, ok = numberOf(inner)
		if inner := arguments(inner); !ok && len(inner) == 1 { // CAST(trunc(CAST('2' AS DOUBLE)) AS INTEGER)
			v, ok = numberOf(inner[0])
		}
	}
	return int64(v * float64(per)), ok && per > 0
}
