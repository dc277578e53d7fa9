package lake

import "strings"

// MovedFolder is the folder, below a table's own, for partitions that were moved: what
// compaction makes of a partition lies in {table}/_compacted/{id}/{partition}/, where
// only the partition's location in the catalog leads. Its name begins with an
// underscore, so that whoever looks for partitions by their folders' names passes it
// over.
const MovedFolder = "_compacted"

// MovedLocation is where the partition at a location lies after the move with an id.
// ok is false where the location is not in the table's folder: then nothing says that
// a folder beside it is the table's. Of a table without partitions the two are the same.
func MovedLocation(table, partition, id string) (location string, ok bool) {
	root, _ := HomeLocation(table)
	home, _ := HomeLocation(partition)
	rest, ok := strings.CutPrefix(home, root)
	if !ok || !strings.HasSuffix(root, "/") {
		return "", false
	}
	return root + MovedFolder + "/" + id + "/" + rest, true
}

// HomeLocation is where what lies at a location, or its key, lay before it was ever
// moved; moved says whether it was.
func HomeLocation(location string) (home string, moved bool) {
	const mark = "/" + MovedFolder + "/"
	for at := 0; ; {
		i := strings.Index(location[at:], mark)
		if i < 0 {
			return location, false
		}
		at += i
		id, rest, ok := strings.Cut(location[at+len(mark):], "/")
		if _, err := ParseBatchID(id); ok && err == nil {
			return location[:at+1] + rest, true
		}
		at += len(mark) - 1
	}
}
