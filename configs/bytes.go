package configs

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// byteUnits are the units that Bytes takes, largest first, in the spelling that
// it prints.
var byteUnits = []struct {
	name string
	size Bytes
}{
	{"TiB", 1 << 40}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// ParseBytes reads a size: a number, and a unit or none for bytes. KiB, MiB, GiB
// and TiB are powers of 1024; KB, MB, GB and TB powers of 1000; case does not
// matter, a fraction may be given where it comes to whole bytes (1.5GiB).
func ParseBytes(s string) (Bytes, error) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && (s[i] == '.' || '0' <= s[i] && s[i] <= '9') {
		i++
	}
	number, unit := s[:i], strings.TrimSpace(s[i:])
	size := Bytes(1)
	if unit != "" {
		size = unitSize(unit)
	}
	switch {
	case strings.HasPrefix(s, "-"):
		return 0, fmt.Errorf("%q is negative", s)
	case number == "" || len(number) > 32 || size == 0 && !ambiguousUnit(unit):
		return 0, fmt.Errorf("%q is not a size; want a number with a unit, such as 256MiB, 1GB or 4096", s)
	case size == 0:
		u := strings.ToUpper(unit[:1])
		return 0, fmt.Errorf("the unit of %q is ambiguous; want %s%siB (1024 based) or %s%sB (1000 based)", s, number, u, number, u)
	}
	exact, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, fmt.Errorf("%q is not a size; %q is not a number", s, number)
	}
	exact.Mul(exact, new(big.Rat).SetInt64(int64(size)))
	if !exact.IsInt() {
		return 0, fmt.Errorf("%q is not a whole number of bytes", s)
	}
	if !exact.Num().IsInt64() {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return Bytes(exact.Num().Int64()), nil
}

func unitSize(unit string) Bytes {
	for _, u := range byteUnits {
		if strings.EqualFold(unit, u.name) {
			return u.size
		}
	}
	return 0
}

// ambiguousUnit reports whether unit is one letter that some tools take for a
// power of 1024 and others for one of 1000.
func ambiguousUnit(unit string) bool {
	return len(unit) == 1 && strings.ContainsAny(unit, "kKmMgGtT")
}

// String prints the size in the largest unit that makes it a whole number,
// binary ones first: 256MiB, 1GB, 1025B is 1025. ParseBytes reads it back.
func (b Bytes) String() string {
	for _, u := range byteUnits {
		if u.size > 1 && b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText is String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is ParseBytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := ParseBytes(string(text))
	if err == nil {
		*b = v
	}
	return err
}
