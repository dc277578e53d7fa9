package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	schemeFile = "file"
	schemeS3   = "s3"

	// maxKey leaves room for a prefix within S3's 1024 bytes.
	maxKey = 900
	// temporary is the folder of the file store's unfinished objects. No store has
	// keys in it.
	temporary = ".sluice-tmp"
)

// A location is a place in a file system or an object service. path is an
// absolute path for files, a key (maybe "") for S3; no slash at its end.
type location struct {
	scheme string
	bucket string // of s3
	path   string
}

// String is the location as a URI without a slash at its end.
func (l location) String() string {
	if l.scheme == schemeFile {
		return "file://" + l.path
	}
	return strings.TrimSuffix("s3://"+l.bucket+"/"+l.path, "/")
}

// parseRoot reads what a user configures.
func parseRoot(s string) (location, error) {
	if s == "" {
		return location{}, errors.New("no location: want file:///folder, a path, or s3://bucket/prefix")
	}
	if !strings.Contains(s, "://") && !strings.HasPrefix(s, "file:") {
		abs, err := filepath.Abs(s)
		if err != nil {
			return location{}, err
		}
		return location{scheme: schemeFile, path: filepath.ToSlash(abs)}, nil
	}
	l, err := parseURI(s)
	if err != nil {
		return location{}, err
	}
	if l.path == "" {
		return l, nil
	}
	return l, checkKey(strings.TrimPrefix(l.path, "/"))
}

// parseURI takes a location apart, without judging its path.
func parseURI(s string) (location, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "file":
		authority := ""
		if after, ok := strings.CutPrefix(rest, "//"); ok {
			authority, _, _ = strings.Cut(after, "/")
			rest = after[len(authority):]
		}
		if (authority != "" && authority != "localhost") || !strings.HasPrefix(rest, "/") {
			return location{}, fmt.Errorf("%s is not absolute: want file:///folder, or a plain path", s)
		}
		return location{scheme: schemeFile, path: strings.TrimRight(rest, "/")}, nil
	case "s3", "s3a", "s3n":
		bucket, path, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		if bucket == "" || !strings.HasPrefix(rest, "//") {
			return location{}, fmt.Errorf("%s has no bucket: want s3://bucket/prefix", s)
		}
		return location{scheme: schemeS3, bucket: bucket, path: strings.TrimRight(path, "/")}, nil
	}
	return location{}, fmt.Errorf("unknown scheme %q: want file:///folder, a path, or s3://bucket/prefix", scheme)
}

// uri is the URI of a key below the location.
func (l location) uri(key string) string { return strings.TrimSuffix(l.String(), "/") + "/" + key }

// key is the inverse of uri.
func (l location) key(uri string) (string, bool) {
	u, err := parseURI(uri)
	if err != nil || u.scheme != l.scheme || u.bucket != l.bucket {
		return "", false
	}
	if u.path == l.path {
		return "", true
	}
	below := u.path
	if l.path != "" {
		var ok bool
		if below, ok = strings.CutPrefix(u.path, l.path+"/"); !ok {
			return "", false
		}
	} else if l.scheme == schemeFile {
		below = strings.TrimPrefix(below, "/")
	}
	return below, checkKey(below) == nil
}

// checkKey says what is wrong with a key. Every key that reaches a backend has
// passed it, so none leaves the root.
func checkKey(key string) error {
	if len(key) > maxKey {
		return fmt.Errorf("key of %d bytes, more than %d", len(key), maxKey)
	}
	if !utf8.ValidString(key) {
		return fmt.Errorf("key %q is not UTF-8", key)
	}
	for i := range len(key) {
		if c := key[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return fmt.Errorf("key %q has the character %q", key, c)
		}
	}
	first := true
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || (first && segment == temporary) {
			return fmt.Errorf("key %q has the segment %q", key, segment)
		}
		first = false
	}
	return nil
}
