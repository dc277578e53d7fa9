package lake

// The value of tagSource is the location of the object that a block's records were
// read from, cut after maxSource bytes.
const (
	tagSource = 3
	maxSource = 2048
)

// AppendSource appends the attribute of a block whose records were read from the
// object at a location.
func AppendSource(dst []byte, location string) []byte {
	at := len(dst)
	dst = append(dst, tagSource, 0, 0)
	dst = append(dst, location[:min(len(location), maxSource)]...)
	return setLength(dst, at)
}

// ParseSource is the location that AppendSource noted, "" for none.
func ParseSource(attrs []byte) string {
	v, _ := findAttr(attrs, tagSource)
	return string(v)
}
