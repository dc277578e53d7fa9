package predicate

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"sluice/internal/lake"
)

const dayLayout = "2006-01-02"

// A domain is the way in which a key's values compare.
type domain uint8

const (
	domainString domain = iota
	domainExact         // integers and decimals
	domainFloat
	domainBoolean
	domainTime // dates and timestamps
)

func domainOf(t lake.Type) domain {
	switch t.Kind {
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint, lake.KindDecimal:
		return domainExact
	case lake.KindFloat, lake.KindDouble:
		return domainFloat
	case lake.KindBoolean:
		return domainBoolean
	case lake.KindDate, lake.KindTimestamp:
		return domainTime
	}
	return domainString
}

// A value is a partition's value, or a literal, in its key's domain.
type value struct {
	text  string
	exact exact
	float float64
	flag  bool
	time  time.Time
}

// read reads text in the domain; ok is false where it is no value of it.
func (d domain) read(text string) (v value, ok bool) {
	v.text = text
	switch d {
	case domainExact:
		v.exact, ok = parseNumber(text)
	case domainFloat:
		f, err := strconv.ParseFloat(text, 64)
		v.float, ok = f, err == nil && !math.IsNaN(f)
	case domainBoolean:
		v.flag = strings.EqualFold(text, "true")
		ok = v.flag || strings.EqualFold(text, "false")
	case domainTime:
		v.time, ok = parseTime(text)
	default:
		ok = true
	}
	return v, ok
}

// compare orders two values of the domain.
func (d domain) compare(a, b value) int {
	switch d {
	case domainExact:
		return a.exact.compare(b.exact)
	case domainFloat:
		return cmp.Compare(a.float, b.float)
	case domainBoolean:
		return cmp.Compare(btoi(a.flag), btoi(b.flag))
	case domainTime:
		return a.time.Compare(b.time)
	}
	return strings.Compare(a.text, b.text)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// exact is an integer where rat is nil, else rat.
type exact struct {
	n   int64
	rat *big.Rat
}

// maxNumber bounds the length and the exponent of a number: past it a comparison
// could cost any amount of memory. Decimals have 38 digits.
const maxNumber = 128

// parseNumber reads a decimal number; ok is false where it is none, or one too
// long to be compared.
func parseNumber(s string) (x exact, ok bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return exact{n: n}, true
	}
	if len(s) > maxNumber || strings.ContainsAny(s, "/xXpPbBoO_iInN") {
		return exact{}, false // forms that big.Rat takes and SQL does not
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if e, err := strconv.Atoi(s[i+1:]); err != nil || e < -maxNumber || e > maxNumber {
			return exact{}, false
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return exact{}, false
	}
	return exact{rat: r}, true
}

func (x exact) compare(y exact) int {
	if x.rat == nil && y.rat == nil {
		return cmp.Compare(x.n, y.n)
	}
	return x.asRat().Cmp(y.asRat())
}

func (x exact) asRat() *big.Rat {
	if x.rat != nil {
		return x.rat
	}
	return new(big.Rat).SetInt64(x.n)
}

var timeLayouts = []string{
	dayLayout, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.RFC3339,
}

// parseTime reads a day or a time of day; without a zone it is UTC. Fractions of
// a second may follow in all.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
