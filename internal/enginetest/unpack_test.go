package main

import (
	"archive/tar"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// archive writes a tar.gz: a name ending in > is a link to what follows.
func archive(t *testing.T, entries ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.tar.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	for _, e := range entries {
		name, to, link := strings.Cut(e, ">")
		h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(name))}
		if link {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, to, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if !link {
			if _, err := w.Write([]byte(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []interface{ Close() error }{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestUnpack(t *testing.T) {
	path := archive(t, "s-1/lib/a.jar", "s-1/plugin/other/b.jar", "s-1/plugin/hive/c.jar", "s-1/plugin/hive/b.jar>s-1/plugin/other/b.jar",
		"s-1/plugin/more/b.jar>s-1/plugin/other/b.jar", "s-1/library/d.jar")
	dir := t.TempDir()
	if err := unpack(path, dir, []string{"lib", "plugin/hive"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := os.ReadFile(p)
			rel, _ := filepath.Rel(dir, p)
			got = append(got, filepath.ToSlash(rel)+": "+string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"lib/a.jar: s-1/lib/a.jar", "plugin/hive/b.jar: s-1/plugin/other/b.jar", "plugin/hive/c.jar: s-1/plugin/hive/c.jar"}
	if !slices.Equal(got, want) {
		t.Errorf("unpacked %q, want %q", got, want)
	}
	if err := unpack(archive(t, "s-1/lib/../../../evil"), t.TempDir(), []string{"lib"}); err == nil {
		t.Error("a file outside of the archive: no error")
	}
}
