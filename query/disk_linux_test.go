package query_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/query"
)

// smallDisk mounts a file system of its own, where that is permitted.
func smallDisk(t *testing.T, size int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	check(t, os.Mkdir(dir, 0o755))
	err := unix.Mount("test", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skip(err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// fillUp leaves no space at all.
func fillUp(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	check(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

// A query that needs space on a full disk says so, names the disk, and what to do;
// one that needs none is answered, and all are when there is space again.
func TestFullDisk(t *testing.T) {
	const sorted = "SELECT count(*) FROM (SELECT a.range AS x, md5(a.range::varchar) AS y FROM range(3000000) a ORDER BY y, x)"
	for name, tc := range map[string]struct {
		sql  string
		size int64
		make func(h *house)
	}{
		"live rows": {"SELECT count(*) FROM shop.purchases", 1 << 20, func(h *house) { h.post("purchases", purchase(1, 1, "DE")) }},
		"fetched objects": {"SELECT sum(id) FROM shop.purchases", 1 << 20, func(h *house) {
			h.post("purchases", purchase(1, 1, "DE"))
			h.deliver("purchases")
		}},
		"spilled rows": {sorted, 256 << 20, func(*house) {}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(smallDisk(t, tc.size), "cache")
			h := newHouse(t, shopHouseStreams, func(c *query.Config) {
				c.Store = remoteFiles{c.Store.(*openedFiles)}
				c.Dir, c.Memory, c.Cache = dir, 128<<20, 1<<30
			})
			tc.make(h)
			fillUp(t, filepath.Dir(dir))
			_, _, err := h.query(tc.sql)
			var fault *query.Error
			if !errors.As(err, &fault) || fault.Code != query.CodeDiskFull || !strings.Contains(fault.Message, dir) || !strings.Contains(fault.Message, "free") {
				t.Errorf("%v", err)
			}
			if _, _, err := h.query("SELECT 1"); err != nil {
				t.Errorf("a query that needs no space: %v", err)
			}
			check(t, os.Remove(filepath.Join(filepath.Dir(dir), "filler")))
			if _, _, err := h.query(tc.sql); err != nil {
				t.Errorf("with space again: %v", err)
			}
		})
	}
}
