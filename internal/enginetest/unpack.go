package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// unpack writes the files of a tar.gz that are in one of the folders to dir, without
// the archive's outermost folder. What is in several folders Trino's archive has
// once, and links to it elsewhere: so there are two passes.
func unpack(archive, dir string, folders []string) error {
	wanted := func(name string) bool {
		return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(name, f+"/") })
	}
	links := map[string][]string{} // from a file's name to the names that are links to it
	err := eachFile(archive, func(name string, h *tar.Header, _ io.Reader) error {
		if h.Typeflag == tar.TypeLink && wanted(name) {
			to := inner(h.Linkname)
			links[to] = append(links[to], name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachFile(archive, func(name string, h *tar.Header, r io.Reader) error {
		names := links[name]
		if wanted(name) {
			names = append([]string{name}, names...)
		}
		if h.Typeflag != tar.TypeReg || len(names) == 0 {
			return nil
		}
		first, err := place(dir, names[0])
		if err != nil {
			return err
		}
		f, err := os.OpenFile(first, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		for _, other := range names[1:] {
			path, err := place(dir, other)
			if err == nil {
				err = os.Link(first, path)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// place is the path of a name below dir, whose folder is made.
func place(dir, name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", errors.New("the archive has a file outside of itself: " + name)
	}
	path := filepath.Join(dir, name)
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}

func eachFile(archive string, do func(name string, h *tar.Header, r io.Reader) error) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(inner(h.Name), h, r)
		}
		if err != nil {
			return err
		}
	}
}

// inner is a name without the outermost folder.
func inner(name string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(name, "./"), "/")
	return rest
}
