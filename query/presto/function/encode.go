package function

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"strconv"
)

// keyed is HMAC with a hash.
func keyed(of func() hash.Hash) func(dst []byte, args [][]byte) ([]byte, bool, error) {
	return func(dst []byte, args [][]byte) ([]byte, bool, error) {
		h := hmac.New(of, args[1])
		h.Write(args[0])
		return h.Sum(dst), false, nil
	}
}

var (
	hmacMD5    = keyed(md5.New)
	hmacSHA1   = keyed(sha1.New)
	hmacSHA256 = keyed(sha256.New)
	hmacSHA512 = keyed(sha512.New)
)

func sha512Of(dst []byte, args [][]byte) ([]byte, bool, error) {
	sum := sha512.Sum512(args[0])
	return append(dst, sum[:]...), false, nil
}

func crc32Of(dst []byte, args [][]byte) ([]byte, bool, error) {
	return strconv.AppendUint(dst, uint64(crc32.ChecksumIEEE(args[0])), 10), false, nil
}

func toBase64URL(dst []byte, args [][]byte) ([]byte, bool, error) {
	return base64.URLEncoding.AppendEncode(dst, args[0]), false, nil
}

func toBase32(dst []byte, args [][]byte) ([]byte, bool, error) {
	return base32.StdEncoding.AppendEncode(dst, args[0]), false, nil
}

// fromBase64 takes what Java's decoders do: padding may be missing.
func fromBase64(with, without *base64.Encoding) func(dst []byte, args [][]byte) ([]byte, bool, error) {
	return func(dst []byte, args [][]byte) ([]byte, bool, error) {
		coding := with
		if n := len(args[0]); n%4 != 0 {
			coding = without
		}
		out, err := coding.AppendDecode(dst, args[0])
		if err != nil {
			return dst, false, invalid("%s is not base 64: %v", shortened(args[0]), err)
		}
		return out, false, nil
	}
}

var (
	fromBase64Plain = fromBase64(base64.StdEncoding, base64.RawStdEncoding)
	fromBase64URL   = fromBase64(base64.URLEncoding, base64.RawURLEncoding)
)

func fromBase32(dst []byte, args [][]byte) ([]byte, bool, error) {
	out, err := base32.StdEncoding.AppendDecode(dst, args[0])
	if err != nil {
		return dst, false, invalid("%s is not base 32: %v", shortened(args[0]), err)
	}
	return out, false, nil
}

// fromBase is from_base(text, radix).
func fromBase(dst []byte, args [][]byte) ([]byte, bool, error) {
	radix, err := strconv.Atoi(string(args[1]))
	if err != nil || radix < 2 || radix > 36 {
		return dst, false, invalid("Radix must be between 2 and 36")
	}
	v, err := strconv.ParseInt(string(args[0]), radix, 64)
	if err != nil {
		return dst, false, invalid("Not a valid base-%d number: %s", radix, shortened(args[0]))
	}
	return strconv.AppendInt(dst, v, 10), false, nil
}

func toBigEndian64(dst []byte, args [][]byte) ([]byte, bool, error) {
	v, err := strconv.ParseInt(string(args[0]), 10, 64)
	return binary.BigEndian.AppendUint64(dst, uint64(v)), false, err
}

func fromBigEndian64(dst []byte, args [][]byte) ([]byte, bool, error) {
	if len(args[0]) != 8 {
		return dst, false, invalid("expected 8-byte input, but got instead: %d", len(args[0]))
	}
	return strconv.AppendInt(dst, int64(binary.BigEndian.Uint64(args[0])), 10), false, nil
}
