package crawl

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"path"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A scan is what one listing found.
type scan struct {
	cfg     Config
	folders map[string]*folder // by key
	files   int
}

// A folder has files right in it.
type folder struct {
	key     string
	levels  []level
	objects []store.Object
	print   uint64 // of the names, sizes and tags of its files
}

// A group is the files of one table.
type group struct {
	root    string // key of its folder
	folders []*folder
	files   int
	bytes   int64
	// around is the root of a table below this one; "" for none.
	around string
}

// list reads the listing: no hidden and no empty files.
func (s *scan) list(ctx context.Context) error {
	root := strings.Trim(s.cfg.Root, "/")
	for o, err := range s.cfg.Lake.List(ctx, root) {
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		rest := strings.TrimPrefix(strings.TrimPrefix(o.Key, root), "/")
		if o.Size == 0 || hidden(rest) {
			continue
		}
		if s.files++; s.files > s.cfg.MaxFiles {
			return fmt.Errorf("there are more than %d files below %s: crawl its folders one by one", s.cfg.MaxFiles, s.cfg.Lake.URI(root))
		}
		if s.files%10_000 == 0 {
			s.cfg.Progress(s.files, 0)
		}
		key := path.Dir(o.Key)
		if key == "." {
			key = ""
		}
		f := s.folders[key]
		if f == nil {
			f = &folder{key: key}
			s.folders[key] = f
		}
		f.objects = append(f.objects, o)
		h := fnv.New64a()
		fmt.Fprintf(h, "%s\x00%s\x00%d", o.Key, o.ETag, o.Size)
		f.print += h.Sum64() // the order does not matter
	}
	return nil
}

func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// tables are the folders by table, in the order of the tables' keys.
func (s *scan) tables() []*group {
	root := strings.Trim(s.cfg.Root, "/")
	byRoot := map[string]*group{}
	for _, key := range slices.Sorted(maps.Keys(s.folders)) {
		f := s.folders[key]
		rest := strings.Trim(strings.TrimPrefix(key, root), "/")
		var segments []string
		if rest != "" {
			segments = strings.Split(rest, "/")
		}
		n, levels := s.cfg.partitions(segments, s.cfg.Table != "")
		f.levels = levels
		at := strings.Trim(root+"/"+strings.Join(segments[:n], "/"), "/")
		g := byRoot[at]
		if g == nil {
			g = &group{root: at}
			byRoot[at] = g
		}
		g.folders = append(g.folders, f)
		g.files += len(f.objects)
		for _, o := range f.objects {
			g.bytes += o.Size
		}
	}
	groups := slices.SortedFunc(maps.Values(byRoot), func(a, b *group) int { return cmp.Compare(a.root, b.root) })
	for i, g := range groups {
		below := g.root + "/"
		if g.root == "" {
			below = ""
		}
		// The first behind it that could lie below it.
		rest := groups[i+1:]
		n, _ := slices.BinarySearchFunc(rest, below, func(o *group, text string) int { return cmp.Compare(o.root, text) })
		if n < len(rest) && strings.HasPrefix(rest[n].root, below) {
			g.around = rest[n].root
		}
	}
	return groups
}

// name is what a new table is called: like its folder, or, if that is taken, like the path
// to it.
func (c *Crawler) name(g *group, taken map[string]bool) string {
	if c.cfg.Table != "" {
		return c.cfg.Table
	}
	segments := strings.Split(strings.Trim(strings.TrimPrefix(c.cfg.Lake.URI(g.root), "file://"), "/"), "/")
	for n := 1; n <= len(segments); n++ {
		var clean []string
		for _, s := range segments[len(segments)-n:] {
			clean = append(clean, lake.CleanName(s))
		}
		if name := strings.Join(clean, "_"); !taken[name] {
			return name
		}
	}
	for n := 2; ; n++ {
		if name := fmt.Sprintf("%s_%d", lake.CleanName(segments[len(segments)-1]), n); !taken[name] {
			return name
		}
	}
}
