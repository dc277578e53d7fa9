// Package function has the scalar functions of Presto's that none of DuckDB's
// equals, in Go. The macros of package presto call them, under names that begin
// with presto_go_.
//
// A function gets its arguments as bytes (a varchar's or a varbinary's, none of
// them NULL) and appends its answer. It keeps nothing and may run in several
// threads at once. The reference is PrestoDB 0.287, whose answers are in
// query/presto/testdata.
package function

import "fmt"

// Prefix begins the names.
const Prefix = "presto_go_"

// A Function is one of them, as the executor takes it.
type Function struct {
	Name       string
	Parameters []string // VARCHAR or BLOB
	Result     string
	Call       func(dst []byte, args [][]byte) (answer []byte, null bool, err error)
}

// All are the functions.
func All() []Function {
	const text, bytes = "VARCHAR", "BLOB"
	f := func(name, result string, call func([]byte, [][]byte) ([]byte, bool, error), parameters ...string) Function {
		return Function{Name: Prefix + name, Parameters: parameters, Result: result, Call: call}
	}
	return []Function{
		f("json_extract", text, jsonExtract, text, text),
		f("json_scalar", text, jsonScalar, text, text),
		f("json_parse", text, jsonParse, text),
		f("json_text", text, jsonText, text),
		f("nested_equal", text, nestedEqual, text, text),
		f("nested_same", text, nestedSame, text, text),
		f("json_fit", text, jsonFit, text, text),
		f("json_canonical", text, jsonCanonical, text),
		f("xxhash64", bytes, xxhash64, bytes),
		f("sha512", bytes, sha512Of, bytes),
		f("hmac_md5", bytes, hmacMD5, bytes, bytes),
		f("hmac_sha1", bytes, hmacSHA1, bytes, bytes),
		f("hmac_sha256", bytes, hmacSHA256, bytes, bytes),
		f("hmac_sha512", bytes, hmacSHA512, bytes, bytes),
		f("crc32", text, crc32Of, bytes),
		f("to_base64url", text, toBase64URL, bytes),
		f("from_base64url", bytes, fromBase64URL, text),
		f("from_base64", bytes, fromBase64Plain, text),
		f("to_base32", text, toBase32, bytes),
		f("from_base32", bytes, fromBase32, text),
		f("from_base", text, fromBase, text, text),
		f("to_big_endian_64", bytes, toBigEndian64, text),
		f("from_big_endian_64", text, fromBigEndian64, bytes),
		f("regexp_group", text, regexpGroup, text, text, text),
		f("date_parse", text, dateParse, text, text),
		f("parse_datetime", text, parseDatetime, text, text),
		f("parse_datetime_zone", text, parseDatetimeZone, text, text),
		f("iso_timestamp", text, isoTimestamp, text),
		f("iso_zone", text, isoZone, text),
		f("json_size", text, jsonSize, text, text),
		f("type_name", text, typeName, text),
		f("substr_bytes", bytes, substrBytes, bytes, text, text),
		f("reverse_bytes", bytes, reverseBytes, bytes),
		f("lpad_bytes", bytes, padBytes(true), bytes, text, bytes),
		f("rpad_bytes", bytes, padBytes(false), bytes, text, bytes),
		f("from_utf8", text, fromUTF8, bytes, text),
		f("to_big_endian_32", bytes, toBigEndian32, text),
		f("from_big_endian_32", text, fromBigEndian32, bytes),
		f("to_ieee754_32", bytes, toIEEE754(32), text),
		f("to_ieee754_64", bytes, toIEEE754(64), text),
		f("from_ieee754_32", text, fromIEEE754(32), bytes),
		f("from_ieee754_64", text, fromIEEE754(64), bytes),
		f("levenshtein", text, levenshtein, text, text),
		f("hamming", text, hamming, text, text),
		f("regexp_replace", text, regexpReplace, text, text, text),
		f("decimal_divide", text, decimalDivide, text, text, text),
		f("checksum_bytes", text, checksumBytes, bytes),
		f("checksum_long", text, checksumLong, text),
		f("checksum_double", text, checksumDouble, text),
		f("checksum_real", text, checksumReal, text),
		f("checksum_total", bytes, checksumTotal, text),
	}
}

// invalid is Presto's INVALID_FUNCTION_ARGUMENT.
func invalid(format string, args ...any) error {
	return fmt.Errorf("INVALID_FUNCTION_ARGUMENT: "+format, args...)
}
