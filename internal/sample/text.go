package sample

import "strconv"

const hexDigits = "0123456789abcdef"

// appendHex appends the 2*n hexadecimal digits of the low n bytes.
func appendHex(dst []byte, v uint64, n int) []byte {
	for shift := 8*n - 4; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&15])
	}
	return dst
}

// appendUUID appends a UUID of version 4 made of the bits.
func appendUUID(dst []byte, hi, lo uint64) []byte {
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	dst = appendHex(dst, hi>>32, 4)
	dst = append(dst, '-')
	dst = appendHex(dst, hi>>16, 2)
	dst = append(dst, '-')
	dst = appendHex(dst, hi, 2)
	dst = append(dst, '-')
	dst = appendHex(dst, lo>>48, 2)
	dst = append(dst, '-')
	return appendHex(dst, lo, 6)
}

func appendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// appendDigits appends v with zeros in front, n digits in all.
func appendDigits(dst []byte, v int64, n int) []byte {
	end := len(dst) + n
	for range n {
		dst = append(dst, '0')
	}
	for i := end - 1; i >= end-n; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// appendCents appends an amount such as 19.99.
func appendCents(dst []byte, cents int64) []byte {
	dst = appendInt(dst, cents/100)
	dst = append(dst, '.')
	return appendDigits(dst, cents%100, 2)
}

// appendTime appends epoch milliseconds as 2026-01-31T23:59:59.123Z.
func appendTime(dst []byte, millis int64) []byte {
	days, ms := millis/dayMillis, millis%dayMillis
	dst = appendDate(dst, days)
	dst = append(dst, 'T')
	dst = appendDigits(dst, ms/3_600_000, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, ms/60_000%60, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, ms/1000%60, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, ms%1000, 3)
	return append(dst, 'Z')
}

// appendDate appends the day, counted from 1970-01-01 and not before it. The
// calendar is Howard Hinnant's civil_from_days, whose years begin in March.
func appendDate(dst []byte, days int64) []byte {
	days += 719468
	era := days / 146097
	doe := days % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day := doy - (153*mp+2)/5 + 1
	month, year := mp+3, yoe+era*400
	if month > 12 {
		month, year = month-12, year+1
	}
	dst = appendDigits(dst, year, 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, month, 2)
	dst = append(dst, '-')
	return appendDigits(dst, day, 2)
}

// appendJSON appends s as a JSON string. Control characters do not occur here.
func appendJSON(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
