package partitioner

import (
	"fmt"
	"strings"

	"sluice/internal/lake"
)

// Path is the relative path, without a slash at either end, of the partition
// with these raw values, one a key; an empty value is written as null. It does
// not bound the length: values that came from an Evaluator's path fit.
func Path(keys []lake.Column, values []string) string {
	if len(keys) != len(values) {
		panic(fmt.Sprintf("BUG: partition path of %d values for %d keys", len(values), len(keys)))
	}
	var dst []byte
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = appendEscaped(dst, key.Name)
		dst = append(dst, '=')
		if values[i] == "" {
			dst = append(dst, lake.NullPartition...)
			continue
		}
		dst = appendEscaped(dst, values[i])
	}
	return string(dst)
}

// ParsePath reads the raw values back from a path that has exactly these keys
// in this order, no more folders at either end.
func ParsePath(keys []lake.Column, path string) (values []string, err error) {
	names, values, err := ParsePairs(path)
	if err != nil {
		return nil, err
	}
	if len(names) != len(keys) {
		return nil, fmt.Errorf("partition path %q: %d folders for %d partition columns", path, len(names), len(keys))
	}
	for i, key := range keys {
		if names[i] != key.Name {
			return nil, fmt.Errorf("partition path %q: folder %d is of %q, want %q", path, i+1, names[i], key.Name)
		}
	}
	return values, nil
}

// ParsePairs reads a path whose every folder is name=value, whatever the names.
// The empty path has no pairs.
func ParsePairs(path string) (names, values []string, err error) {
	if path == "" {
		return nil, nil, nil
	}
	for folder := range strings.SplitSeq(path, "/") {
		name, value, ok := strings.Cut(folder, "=")
		if !ok || name == "" || value == "" {
			return nil, nil, fmt.Errorf("partition path %q: folder %q is not name=value", path, folder)
		}
		names = append(names, Unescape(name))
		values = append(values, Unescape(value))
	}
	return names, values, nil
}
