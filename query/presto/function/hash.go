package function

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// xxhash64 is the function of this name: XXH64 with seed 0, its eight bytes from the
// highest on.
func xxhash64(dst []byte, args [][]byte) ([]byte, bool, error) {
	return binary.BigEndian.AppendUint64(dst, xxhash.Sum64(args[0])), false, nil
}

// A checksum is the sum, modulo 2^64, of each value's hash times checksumPrime, and
// of checksumPrime for each NULL. The hash of a text is XXH64; that of a number, date
// or timestamp is hashLong of its 64 bits, that of a truth value Java's.
const checksumPrime = 0x9E3779B185EBCA87

func hashLong(v uint64) uint64 {
	return bits.RotateLeft64(v*0xC2B2AE3D27D4EB4F, 31) * 0x9E3779B185EBCA87
}

// summand is what a hash adds, as decimal digits.
func summand(dst []byte, hash uint64) ([]byte, bool, error) {
	return strconv.AppendUint(dst, hash*checksumPrime, 10), false, nil
}

func checksumBytes(dst []byte, args [][]byte) ([]byte, bool, error) {
	return summand(dst, xxhash.Sum64(args[0]))
}

func checksumLong(dst []byte, args [][]byte) ([]byte, bool, error) {
	v, err := strconv.ParseInt(string(args[0]), 10, 64)
	if err != nil {
		return dst, false, invalid("bigint overflow: %s", args[0])
	}
	return summand(dst, hashLong(uint64(v)))
}

func checksumDouble(dst []byte, args [][]byte) ([]byte, bool, error) {
	f, err := strconv.ParseFloat(string(args[0]), 64)
	if err != nil {
		return dst, false, invalid("not a double: %s", args[0])
	}
	if f != f {
		return summand(dst, hashLong(0x7ff8000000000000)) // Java has one NaN
	}
	return summand(dst, hashLong(math.Float64bits(f)))
}

func checksumReal(dst []byte, args [][]byte) ([]byte, bool, error) {
	f, err := strconv.ParseFloat(string(args[0]), 32)
	if err != nil {
		return dst, false, invalid("not a real: %s", args[0])
	}
	if f != f {
		return summand(dst, hashLong(0x7fc00000))
	}
	return summand(dst, hashLong(uint64(int64(int32(math.Float32bits(float32(f)))))))
}

// checksumTotal is the sum of summands, as the eight bytes that Presto gives, from
// the lowest on.
func checksumTotal(dst []byte, args [][]byte) ([]byte, bool, error) {
	var sum uint64 // modulo 2^64, of a decimal of any length
	for _, c := range args[0] {
		sum = sum*10 + uint64(c-'0')
	}
	return binary.LittleEndian.AppendUint64(dst, sum), false, nil
}
