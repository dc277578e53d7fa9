package function

import (
	"bytes"
	"math/big"
	"slices"

	"sluice/internal/jsonscan"
)

// nestedEqual is a = b of arrays, maps and rows, which come as JSON: NULL where NULL
// within leaves it open, and of maps whatever the order of their entries is. What is
// NULL within is null in the JSON.
func nestedEqual(dst []byte, args [][]byte) ([]byte, bool, error) {
	switch compareNested(trimmed(args[0]), trimmed(args[1]), false) {
	case unequal:
		return append(dst, "false"...), false, nil
	case equal:
		return append(dst, "true"...), false, nil
	}
	return dst, true, nil
}

// nestedSame is a IS NOT DISTINCT FROM b: NULL within is as any other value.
func nestedSame(dst []byte, args [][]byte) ([]byte, bool, error) {
	if compareNested(trimmed(args[0]), trimmed(args[1]), true) == equal {
		return append(dst, "true"...), false, nil
	}
	return append(dst, "false"...), false, nil
}

func trimmed(text []byte) []byte { return text[jsonscan.SkipSpace(text, 0):] }

type verdict int

const (
	unequal verdict = iota
	open
	equal
)

// compareNested compares two JSON values of one type.
func compareNested(a, b []byte, nulls bool) verdict {
	switch {
	case a[0] == 'n' || b[0] == 'n':
		switch {
		case !nulls:
			return open
		case a[0] == b[0]:
			return equal
		}
		return unequal
	case a[0] == '[' && b[0] == '[':
		return compareArrays(a, b, nulls)
	case a[0] == '{' && b[0] == '{':
		return compareObjects(a, b, nulls)
	case a[0] == '"' || a[0] == 't' || a[0] == 'f':
		return verdictOf(bytes.Equal(scalar(a), scalar(b)))
	}
	x, y := scalar(a), scalar(b)
	if bytes.Equal(x, y) {
		return equal
	}
	p, ok1 := new(big.Float).SetPrec(512).SetString(string(x))
	q, ok2 := new(big.Float).SetPrec(512).SetString(string(y))
	return verdictOf(ok1 && ok2 && p.Cmp(q) == 0)
}

func verdictOf(is bool) verdict {
	if is {
		return equal
	}
	return unequal
}

// scalar is the value at the beginning of a text.
func scalar(text []byte) []byte {
	if n, err := jsonscan.Value(text); err == nil {
		return text[:n]
	}
	return text
}

func compareArrays(a, b []byte, nulls bool) verdict {
	all := equal
	fromA, endA, okA := jsonscan.NextElement(a, 0)
	fromB, endB, okB := jsonscan.NextElement(b, 0)
	for okA && okB {
		all = min(all, compareNested(a[fromA:endA], b[fromB:endB], nulls))
		fromA, endA, okA = jsonscan.NextElement(a, endA)
		fromB, endB, okB = jsonscan.NextElement(b, endB)
	}
	if okA != okB {
		return unequal
	}
	return all
}

// compareObjects compares rows, whose fields have one order and may have no names, and
// maps, whose entries have none.
func compareObjects(a, b []byte, nulls bool) verdict {
	p, q := membersInOrder(a), membersInOrder(b)
	if len(p) != len(q) {
		return unequal
	}
	ordered := slices.EqualFunc(p, q, func(x, y namedValue) bool { return bytes.Equal(x.name, y.name) })
	if !ordered {
		for _, list := range [][]namedValue{p, q} {
			slices.SortFunc(list, func(x, y namedValue) int { return bytes.Compare(x.name, y.name) })
		}
	}
	all := equal
	for i := range p {
		if !bytes.Equal(p[i].name, q[i].name) {
			return unequal
		}
		all = min(all, compareNested(p[i].value, q[i].value, nulls))
	}
	return all
}

func membersInOrder(object []byte) []namedValue {
	var out []namedValue
	for m, ok := jsonscan.NextMember(object, 0); ok; m, ok = jsonscan.NextMember(object, m.End) {
		out = append(out, namedValue{m.Name(object), object[m.Value:m.End]})
	}
	return out
}
