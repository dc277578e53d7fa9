package convert

import "sluice/internal/lake"

// digitsToMicros says by how many decimal digits a form's unit is larger than a
// microsecond.
var digitsToMicros = map[lake.Form]int{lake.FormEpochSeconds: 6, lake.FormEpochMillis: 3, lake.FormEpochMicros: 0}

// The years 0001 to 9999, as RFC 3339 has them, in microseconds since 1970.
const (
	minMicros = -62_135_596_800_000_000
	maxMicros = 253_402_300_800_000_000 - 1
)

// parseEpoch is a number literal, in a unit of 10^digits microseconds since 1970,
// as microseconds. Digits past the microsecond are cut, towards the earlier one, as
// they are of RFC 3339. It takes what is within the years 0001 to 9999, and not -0.
func parseEpoch(text []byte, digits int) (micros int64, ok bool) {
	if len(text) > 400 {
		return 0, false
	}
	significant, exp, neg := decimal(text)
	if len(significant) == 0 {
		return 0, !neg
	}
	if exp += digits; exp > 18 {
		return 0, false
	}
	rest := false // digits that are cut
	for k, c := range significant {
		if k >= exp {
			rest = true
			break
		}
		micros = micros*10 + int64(c-'0')
	}
	for k := len(significant); k < exp; k++ {
		micros *= 10
	}
	if neg {
		micros = -micros
		if rest {
			micros--
		}
	}
	return micros, minMicros <= micros && micros <= maxMicros
}
