package result

import (
	"math"
	"strconv"
	"strings"
)

// AppendFloat appends a float so that it is read back as the same; bits is 32 or 64.
func AppendFloat(dst []byte, f float64, bits int) ([]byte, Form) {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...), String
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...), String
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...), String
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if format == 'f' && !strings.Contains(string(dst[n:]), ".") {
		dst = append(dst, ".0"...)
	}
	return dst, Literal
}
