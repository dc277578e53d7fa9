package executor

import (
	"math/big"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// wide reads an integer of any width.
func (c *cell) wide(t mapping.Type, row int) *big.Int {
	switch t {
	case mapping.TypeHugeInt:
		return joinHalves(at[uint64](c, 2*row), int64(at[uint64](c, 2*row+1)))
	case mapping.TypeUHugeInt:
		v := new(big.Int).SetUint64(at[uint64](c, 2*row+1))
		return v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(at[uint64](c, 2*row)))
	}
	return big.NewInt(c.integer(t, row))
}

func joinHalves(lower uint64, upper int64) *big.Int {
	v := big.NewInt(upper)
	v.Lsh(v, 64)
	return v.Add(v, new(big.Int).SetUint64(lower))
}

// appendDecimal puts the point scale digits from the right of an integer.
func appendDecimal(dst []byte, digits string, scale int) []byte {
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	dst = append(dst, '.')
	return append(dst, digits[len(digits)-scale:]...)
}
