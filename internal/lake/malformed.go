package lake

import "bytes"

// A receiver whose protocol takes any bytes keeps a record that is no JSON object
// as a line too, so that it ends under the error prefix and not in the void. Such a
// line begins with malformedMark, which no JSON has unescaped. Then come runs of
// at most maxRun bytes without a newline, each after its length + 1, exclusive-ored
// with '\n' so that the line has none (consistent overhead byte stuffing). A
// newline of the record follows each run but the last and those of maxRun bytes.
const (
	malformedMark = 0x01
	maxRun        = 254
)

// MalformedLen bounds the length of the line, newline included, that keeps n bytes
// which are no record.
func MalformedLen(n int) int { return n + n/maxRun + 3 }

// AppendMalformed appends the line, without the newline at its end, that keeps
// bytes which are no record.
func AppendMalformed(dst, raw []byte) []byte {
	dst = append(dst, malformedMark)
	for {
		n := bytes.IndexByte(raw[:min(len(raw), maxRun)], '\n')
		newline := n >= 0
		if !newline {
			n = min(len(raw), maxRun)
			newline = n < maxRun && n < len(raw)
		}
		dst = append(dst, byte(n+1)^'\n')
		dst = append(dst, raw[:n]...)
		raw = raw[n:]
		if newline {
			raw = raw[1:]
			continue
		}
		if n < maxRun {
			return dst
		}
	}
}

// IsMalformed reports whether a line, without its newline, was made by
// AppendMalformed.
func IsMalformed(line []byte) bool { return len(line) > 0 && line[0] == malformedMark }

// HasMalformed reports whether there may be such lines among those of a block.
func HasMalformed(data []byte) bool { return bytes.IndexByte(data, malformedMark) >= 0 }

// DecodeMalformed appends the bytes that a line made by AppendMalformed keeps. What
// is left of a damaged line is appended as it is.
func DecodeMalformed(dst, line []byte) []byte {
	line = line[1:]
	for len(line) > 0 {
		n := int(line[0]^'\n') - 1
		if n < 0 || n > len(line)-1 {
			return append(dst, line...)
		}
		dst = append(dst, line[1:1+n]...)
		line = line[1+n:]
		if n < maxRun && len(line) > 0 {
			dst = append(dst, '\n')
		}
	}
	return dst
}
