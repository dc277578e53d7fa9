package dedupe

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sluice/buffer"
)

var update = flag.Bool("update", false, "write testdata anew")

func keyOf(i int) Key {
	k, _, _ := newFieldKey([]string{"id"}).of(fmt.Appendf(nil, `{"id":%d}`, i), nil)
	return k
}

// writeFile makes a key file of the keys of some numbers.
func writeFile(t testing.TB, dir string, window uint32, arrival func(i int) uint32, numbers ...int) string {
	t.Helper()
	s := &set{kind: kindField, dir: dir, fs: buffer.OS(), window: window}
	keys := map[Key]uint32{}
	for _, i := range numbers {
		keys[keyOf(i)] = arrival(i)
	}
	if err := s.write(keys, 0); err != nil {
		t.Fatal(err)
	}
	defer s.files[0].close()
	return s.files[0].path
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func TestKeyFile(t *testing.T) {
	for _, n := range []int{1, 2, 23, 24, 25, 1000, 30_000} {
		path := writeFile(t, t.TempDir(), 3600, func(i int) uint32 { return uint32(i) }, upTo(n)...)
		f, err := openKeyFile(buffer.OS(), path)
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for i := range 2 * n {
			k := keyOf(i)
			at, ok, err := f.find(&k)
			if err != nil {
				t.Fatal(err)
			}
			if ok != (i < n) || ok && at != uint32(i) {
				t.Fatalf("of %d: key %d found %v with arrival %d", n, i, ok, at)
			}
			if b, _ := f.verified(bucketOf(&k, f.head.buckets)); i >= n && inFilter(b[filterAt:filterAt+filterLen], &k) {
				wrong++
			}
		}
		if n >= 1000 && wrong > n/100 {
			t.Errorf("of %d: the filter passes %d keys that are not there", n, wrong)
		}
		c := &cursor{file: f}
		var last Key
		for i := 0; ; i++ {
			e, ok, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				if i != n {
					t.Errorf("the cursor gave %d of %d entries", i, n)
				}
				break
			}
			if i > 0 && compareKeys(last, e.key) >= 0 {
				t.Fatal("entries do not ascend")
			}
			last = e.key
		}
		f.close()
	}
}

// A file with a byte that is not as written, or cut anywhere, never gives a wrong
// answer: it is found damaged, and of what cannot be damaged by it nothing is lost.
func TestDamageIsFound(t *testing.T) {
	const n = 60
	dir := t.TempDir()
	good, err := os.ReadFile(writeFile(t, dir, 3600, func(i int) uint32 { return uint32(i) }, upTo(n)...))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "fields-x.keys")
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openKeyFile(buffer.OS(), path)
		var damage *DamageError
		var version *VersionError
		damaged := errors.As(err, &damage) || errors.As(err, &version)
		if err != nil && !damaged {
			t.Fatalf("%s: %v", what, err)
		}
		if f == nil {
			return
		}
		defer f.close()
		for i := range 2 * n {
			k := keyOf(i)
			at, ok, err := f.find(&k)
			if errors.As(err, &damage) {
				damaged = true
			} else if err != nil || ok != (i < n) || ok && at != uint32(i) {
				t.Fatalf("%s: key %d found %v with arrival %d, %v", what, i, ok, at, err)
			}
		}
		c := &cursor{file: f, skip: true}
		for {
			e, ok, err := c.next()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if !ok {
				break
			}
			if e.key != keyOf(int(e.arrival)) {
				t.Fatalf("%s: salvaged an entry that was never written", what)
			}
		}
		if c.damage != nil {
			damaged = true
		} else if c.lost() != 0 {
			t.Errorf("%s: %d entries lost without damage", what, c.lost())
		}
		if !damaged {
			t.Fatalf("%s: not found", what)
		}
		if c.read < n/4 {
			t.Errorf("%s: only %d of %d entries can be salvaged", what, c.read, n)
		}
	}
	for at := range good {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(good)
			bad[at] ^= bit
			check(fmt.Sprintf("byte %d", at), bad)
		}
	}
	for size := range good {
		check(fmt.Sprintf("cut at %d", size), good[:size])
	}
	check("one byte more", append(bytes.Clone(good), 0))
}

func TestGolden(t *testing.T) {
	dir := t.TempDir()
	fs := buffer.OS()
	w, err := newFileWriter(fs, dir, kindRequest, 30, 86400)
	if err != nil {
		t.Fatal(err)
	}
	aside := w.aside()
	w.head.id = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	w.salt = w.head.salt()
	if err := os.Rename(aside, w.aside()); err != nil {
		t.Fatal(err)
	}
	keys := []Key{keyOf(1), keyOf(2), keyOf(3)}
	slices.SortFunc(keys, compareKeys)
	for i, k := range keys {
		if err := w.add(entry{k, 1_700_000_000 + uint32(i)}); err != nil {
			t.Fatal(err)
		}
	}
	path, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/keys.hex"
	dump := hex.Dump(got)
	if *update {
		if err := os.WriteFile(golden, []byte(dump), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != dump {
		t.Errorf("the format changed; got\n%s", dump)
	}
}

// What a merge keeps: of every key the latest arrival, but for what has expired.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	want := map[Key]uint32{}
	var files []*keyFile
	for n := range 5 {
		var numbers []int
		for range 2000 * n {
			numbers = append(numbers, rng.IntN(20_000))
		}
		numbers = append(numbers, 1)
		path := writeFile(t, dir, 1<<31, func(i int) uint32 { return uint32(i + n) }, numbers...)
		f, err := openKeyFile(buffer.OS(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		files = append(files, f)
		for _, i := range numbers {
			if at := uint32(i + n); at >= 500 {
				want[keyOf(i)] = max(want[keyOf(i)], at)
			}
		}
	}
	path, err := merge(buffer.OS(), files, 500, 3600)
	if err != nil {
		t.Fatal(err)
	}
	f, err := openKeyFile(buffer.OS(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if int(f.head.entries) != len(want) {
		t.Errorf("%d entries, want %d", f.head.entries, len(want))
	}
	for k, at := range want {
		if got, ok, err := f.find(&k); !ok || got != at || err != nil {
			t.Fatalf("arrival %d, %v, %v, want %d", got, ok, err, at)
		}
	}
	if path, err = merge(buffer.OS(), files, 1<<30, 3600); path != "" || err != nil {
		t.Errorf("a merge of nothing: %q, %v", path, err)
	}
	if left, _ := filepath.Glob(dir + "/*" + asideExt); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Over three windows of flushes, there are never many files, nothing that is
// remembered is lost, and what has expired goes.
func TestTidyKeepsFewFiles(t *testing.T) {
	const window = 800
	s := &set{kind: kindField, dir: t.TempDir(), fs: buffer.OS(), window: window}
	most := 0
	now := uint32(10_000)
	for i := range 1200 {
		now += 2
		if err := s.write(map[Key]uint32{keyOf(i): now, keyOf(-i - 1): now}, now); err != nil {
			t.Fatal(err)
		}
		if err := s.tidy(func() uint32 { return now }); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(s.files))
		for back := 0; back <= min(i, window/2); back += 50 {
			k := keyOf(i - back)
			if at, ok, err := s.inFiles(&k, now); !ok || err != nil || at != now-2*uint32(back) {
				t.Fatalf("after %d: key %d found %v, arrival %d, %v", i, i-back, ok, at, err)
			}
		}
	}
	entries, _, _ := s.stored()
	if most > 2*slots+2 || entries > 2*(window+slack+2*window/slots)/2 {
		t.Errorf("up to %d files, %d entries at the end", most, entries)
	}
	disk, _ := filepath.Glob(s.dir + "/*")
	if len(disk) != len(s.files) {
		t.Errorf("%d files on disk, %d in use", len(disk), len(s.files))
	}
	s.replace(s.list(), nil)
}

func FuzzKeyFile(f *testing.F) {
	dir := f.TempDir()
	good, err := os.ReadFile(writeFile(f, dir, 60, func(i int) uint32 { return uint32(i) }, upTo(40)...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-headerLen])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "fields-fuzz.keys")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := openKeyFile(buffer.OS(), path)
		if k == nil {
			if err == nil {
				t.Fatal("neither a file nor an error")
			}
			return
		}
		defer k.close()
		for i := range 50 {
			key := keyOf(i)
			k.find(&key)
		}
		for c := (&cursor{file: k, skip: true}); ; {
			if _, ok, err := c.next(); !ok || err != nil {
				break
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"a":{"b":"x"},"c":[1,{"a":2}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		find(append([]byte("{"), data...), [][]byte{[]byte("a"), []byte("b")}, nil)
	})
}

// A disk that fails under a mapped file is an error, not the end of the process.
func TestReadFault(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, dir, 3600, func(int) uint32 { return 1 }, upTo(1000)...)
	f, err := openKeyFile(buffer.OS(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if err := os.Truncate(path, 0); err != nil { // what is mapped is not there any more
		t.Fatal(err)
	}
	err = guarded(dir, func() error {
		k := keyOf(1)
		_, _, err := f.find(&k)
		return err
	})
	var fault *ReadError
	if !errors.As(err, &fault) {
		t.Errorf("got %v", err)
	}
}
