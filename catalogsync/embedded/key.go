package embedded

import (
	"fmt"
	"strings"
)

// encodeKey makes the key of a partition: its values one after another, each
// followed by 00 01, a 00 within one written as 00 ff. Keys sort, byte for byte,
// as the lists of values do; and whatever begins with bound(v) or a value greater
// than v sorts behind bound(v).
func encodeKey(values []string) []byte {
	var key []byte
	for _, v := range values {
		key = append(append(key, bound(v)...), 0x00, 0x01)
	}
	return key
}

// bound is the least key, or beginning of one, whose first value is v or greater.
func bound(v string) []byte { return []byte(strings.ReplaceAll(v, "\x00", "\x00\xff")) }

// decodeKey is the list of values that encodeKey made the key of.
func decodeKey(key []byte) ([]string, error) {
	values := []string{}
	var value []byte
	for i := 0; i < len(key); i++ {
		if key[i] != 0x00 {
			value = append(value, key[i])
			continue
		}
		i++
		switch {
		case i < len(key) && key[i] == 0xff:
			value = append(value, 0x00)
		case i < len(key) && key[i] == 0x01:
			values = append(values, string(value))
			value = value[:0]
		default:
			return nil, fmt.Errorf("partition key %x is damaged", key)
		}
	}
	if len(value) > 0 {
		return nil, fmt.Errorf("partition key %x is damaged", key)
	}
	return values, nil
}
