package function

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// decimalDivide divides two decimals, rounded half away from zero to a scale. Its
// numbers may have more digits than DuckDB's.
func decimalDivide(dst []byte, args [][]byte) ([]byte, bool, error) {
	a, scaleA, ok1 := unscaled(string(args[0]))
	b, scaleB, ok2 := unscaled(string(args[1]))
	scale, err := strconv.Atoi(string(args[2]))
	if !ok1 || !ok2 || err != nil || scale+scaleB < scaleA {
		return dst, false, invalid("%s / %s is not of decimals", shortened(args[0]), shortened(args[1]))
	}
	if b.Sign() == 0 {
		return dst, false, errors.New("DIVISION_BY_ZERO: Division by zero")
	}
	a.Mul(a, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-scaleA+scaleB)), nil))
	negative := a.Sign()*b.Sign() < 0
	a.Abs(a)
	b.Abs(b)
	a.Add(a.Lsh(a, 1), b).Quo(a, b.Lsh(b, 1)) // (2a + b) / 2b
	digits := a.Text(10)
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	if negative && a.Sign() != 0 {
		dst = append(dst, '-')
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-scale:]...)
	}
	return dst, false, nil
}

// unscaled is a decimal's text as a whole number and how many of its digits are
// behind the point.
func unscaled(text string) (value *big.Int, scale int, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	value, ok = new(big.Int).SetString(whole+fraction, 10)
	return value, len(fraction), ok
}
