package configs

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// setScalar reads text, from a file or the environment, into a setting. The
// text of a string is taken as it stands, so that an account number with
// leading zeros needs no quotes.
func setScalar(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
		return nil
	case *Bytes:
		return p.UnmarshalText([]byte(text))
	case *time.Duration:
		d, err := parseDuration(text)
		if err == nil {
			*p = d
		}
		return err
	case *bool:
		switch strings.ToLower(text) {
		case "true", "false":
			*p = strings.EqualFold(text, "true")
			return nil
		}
	case *int:
		n, err := strconv.Atoi(text)
		if err == nil && math.MinInt32 <= n && n <= math.MaxInt32 {
			*p = n
			return nil
		}
	case *[]string: // of the environment: in a file it is a list
		*p = nil
		for item := range strings.SplitSeq(text, ",") {
			*p = append(*p, strings.TrimSpace(item))
		}
		return nil
	case *float64:
		f, err := strconv.ParseFloat(text, 64)
		if err == nil {
			*p = f
			return nil
		}
	default:
		panic(fmt.Sprintf("BUG: no text form for %s", v.Type()))
	}
	return fmt.Errorf("found %q, want %s", shorten(text), wanted(v.Type()))
}

// wanted says what a setting of the type takes.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Bytes]():
		return "a size, such as 256MiB"
	case reflect.TypeFor[time.Duration]():
		return "a duration, such as 30s, 5m or 1h30m"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number, such as 0.01"
	}
	return "a text"
}

// maxDays is as many as a time.Duration holds.
const maxDays = 106_751

// parseDuration reads what time.ParseDuration does, and whole days (400d); a number without a unit is
// refused with the two likely meanings.
func parseDuration(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok { // 24 hours each
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= maxDays {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	if _, err := strconv.Atoi(text); err == nil {
		return 0, fmt.Errorf("%q lacks a unit; want %ss for seconds or %sm for minutes", shorten(text), shorten(text), shorten(text))
	}
	return 0, fmt.Errorf("found %q, want %s", shorten(text), wanted(reflect.TypeFor[time.Duration]()))
}
