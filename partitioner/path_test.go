package partitioner_test

import (
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
	"sluice/partitioner"
)

// The expectations are Hive's FileUtils.charToEscape, written out.
func TestEscape(t *testing.T) {
	for c := range 256 {
		want := string([]byte{byte(c)})
		if c < 0x20 || strings.ContainsRune("\"#%'*/:=?\\\x7f{[]^", rune(c)) && c < 0x80 {
			want = "%" + strings.ToUpper(strconv.FormatInt(int64(c)+0x100, 16)[1:])
		}
		if got := partitioner.Escape(string([]byte{byte(c)})); got != want {
			t.Errorf("%#x: got %q, want %q", c, got, want)
		}
	}
	if got := partitioner.Escape("2026-01-31 05:00:00.0/é"); got != "2026-01-31 05%3A00%3A00.0%2Fé" {
		t.Error(got)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "%2F": "/", "%2f": "/", "a%3Db%3Dc": "a=b=c", "%": "%", "%2": "%2", "%zz": "%zz", "%%2F": "%/", "%2%2F": "%2/",
		"%252F": "%2F", "%E9": "é", "é%00": "é\x00",
	} {
		if got := partitioner.Unescape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func columns(names ...string) (keys []lake.Column) {
	for _, n := range names {
		keys = append(keys, lake.Column{Name: n, Type: lake.String})
	}
	return keys
}

func TestPath(t *testing.T) {
	keys := columns("dt", "c")
	values := []string{"2026-01-31", "a/../b"}
	got := partitioner.Path(keys, values)
	if want := "dt=2026-01-31/c=a%2F..%2Fb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	back, err := partitioner.ParsePath(keys, got)
	if err != nil || cmp.Diff(values, back) != "" {
		t.Errorf("back: %q, %v", back, err)
	}
	if got := partitioner.Path(keys, []string{"", null}); got != "dt="+null+"/c="+null {
		t.Errorf("nulls: %s", got)
	}
	if got := partitioner.Path(nil, nil); got != "" {
		t.Errorf("no keys: %q", got)
	}
	if values, err := partitioner.ParsePath(nil, ""); err != nil || len(values) != 0 {
		t.Errorf("no keys: %q, %v", values, err)
	}
}

func TestParsePathFaults(t *testing.T) {
	for _, p := range []string{
		"", "dt=1", "dt=1/c=2/d=3", "c=2/dt=1", "/dt=1/c=2", "dt=1/c=2/", "dt=1//c=2", "t/dt=1/c=2", "dt=/c=2", "dt/c=2", "=1/c=2", "DT=1/c=2",
	} {
		if values, err := partitioner.ParsePath(columns("dt", "c"), p); err == nil {
			t.Errorf("%q: %q", p, values)
		}
	}
}

func TestParsePairs(t *testing.T) {
	names, values, err := partitioner.ParsePairs("Day=2026-01-31/a%3Db=c=d/n=" + null)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Day", "a=b", "n"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2026-01-31", "c=d", null}, values); diff != "" {
		t.Error(diff)
	}
}

// checkContained fails where a path could reach outside the folders it names.
func checkContained(t testing.TB, p string, folders int) {
	t.Helper()
	if path.Clean(p) != p || path.IsAbs(p) || strings.Count(p, "/") != folders-1 || len(p) > partitioner.MaxPath {
		t.Errorf("path %q of %d folders", p, folders)
	}
	for i := range len(p) {
		if p[i] < 0x20 || p[i] == 0x7f || p[i] == '\\' {
			t.Errorf("path %q has the byte %#x", p, p[i])
		}
	}
}
