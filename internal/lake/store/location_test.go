package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/lake/store"
	"sluice/internal/s3test"
)

func TestFileLocations(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for root, want := range map[string]string{
		dir + "/a":                "file://" + dir + "/a",
		dir + "/a//":              "file://" + dir + "/a",
		"b/c":                     "file://" + dir + "/b/c",
		"./b":                     "file://" + dir + "/b",
		"file://" + dir + "/d/":   "file://" + dir + "/d",
		"file:" + dir + "/e":      "file://" + dir + "/e",
		"file://localhost" + dir:  "file://" + dir,
		"file://" + dir + "/f g%": "file://" + dir + "/f g%",
	} {
		s := open(t, root, store.Config{})
		if got := s.URI("x/y=a%2Fb"); got != want+"/x/y=a%2Fb" {
			t.Errorf("%s: got %s, want %s", root, got, want)
		}
		path, ok := s.LocalPath("x/y=a%2Fb")
		if !ok || "file://"+path != want+"/x/y=a%2Fb" {
			t.Errorf("%s: local path %s", root, path)
		}
		if info, err := os.Stat(want[len("file://"):]); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", root, err)
		}
	}
}

func TestFileRootThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{path, path + "/below"} {
		if _, err := store.Open(t.Context(), root, store.Config{}); err == nil {
			t.Errorf("%s opened", root)
		}
	}
}

func TestKeyOfURI(t *testing.T) {
	dir := t.TempDir()
	file := open(t, dir, store.Config{})
	endpoint, bucket := s3test.Start(t)
	cfg := store.Config{S3: store.S3{Endpoint: endpoint, PathStyle: true}}
	prefixed := open(t, "s3://"+bucket+"/p/q/", cfg)
	whole := open(t, "s3://"+bucket, cfg)
	for _, tc := range []struct {
		s        store.Store
		uri, key string
		ok       bool
	}{
		{file, "file://" + dir + "/db/t/dt=a%2Fb/", "db/t/dt=a%2Fb", true},
		{file, "file:" + dir + "/a b", "a b", true},
		{file, "file://" + dir, "", true},
		{file, "file://" + dir + "/", "", true},
		{file, "file://" + dir + "2/a", "", false},
		{file, "file://" + dir + "/../a", "", false},
		{file, "file://" + dir + "/a//b", "", false},
		{file, "s3://" + bucket + "/a", "", false},
		{file, dir + "/a", "", false},
		{file, "", "", false},
		{prefixed, "s3://" + bucket + "/p/q/a/b", "a/b", true},
		{prefixed, "s3a://" + bucket + "/p/q/a/", "a", true},
		{prefixed, "s3n://" + bucket + "/p/q", "", true},
		{prefixed, "s3://" + bucket + "/p/qa", "", false},
		{prefixed, "s3://" + bucket + "/p", "", false},
		{prefixed, "s3://other/p/q/a", "", false},
		{whole, "s3://" + bucket + "/p/q/a", "p/q/a", true},
		{whole, "s3://" + bucket, "", true},
		{whole, "s3://" + bucket + "/", "", true},
		{whole, "s3://" + bucket + "//a", "", false},
	} {
		key, ok := tc.s.Key(tc.uri)
		if ok != tc.ok || ok && key != tc.key {
			t.Errorf("%s: got %q, %v", tc.uri, key, ok)
		}
		if ok && key != "" {
			if again, ok := tc.s.Key(tc.s.URI(key)); !ok || again != key {
				t.Errorf("%s: there and back %q, %v", tc.uri, again, ok)
			}
		}
	}
	if _, ok := whole.LocalPath("a"); ok {
		t.Error("an S3 key has a local path")
	}
}
