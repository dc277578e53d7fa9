package vacuum

import (
	"path"
	"regexp"
	"strings"

	"sluice/internal/lake"
)

var batchName = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}\.(parquet|ndjson|gz|zst)$`)

// Ours reports whether an object of that key has a name that Sluice makes.
func Ours(key string) bool {
	name := path.Base(key)
	_, written := lake.WriteOf(name)
	return written || batchName.MatchString(name)
}

// isData reports whether a name is one that Sluice gives to data of a table.
func isData(name string) bool {
	if _, ok := lake.BatchOf(name); ok {
		return true
	}
	_, ok := lake.WriteOf(name)
	return ok && strings.HasSuffix(name, lake.ParquetExt)
}

// isHidden reports whether a part of a relative key begins with _ or . .
func isHidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}
