package checkpoint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
	"sluice/query/checkpoint"
)

// The oldest batches go; who has not read them is told.
func TestForgetting(t *testing.T) {
	cfg := config(faultfs.New())
	cfg.Batches = 8
	b := open(t, cfg)
	check(t, b.Note(id(0)))
	check(t, plan(t, b, "slow", false, 1).Commit())
	for n := 2; n < 12; n++ {
		check(t, b.Note(id(n)))
		if n == 4 {
			check(t, plan(t, b, "fast", false).Commit())
		}
	}
	b.Close()
	b = open(t, cfg)
	defer b.Close()
	r := begin(t, b, "slow", false)
	if err := r.Plan(t.Context(), []lake.TableName{purchases}, sealed()); !errors.Is(err, checkpoint.ErrExpired) || !strings.Contains(err.Error(), "DROP CHECKPOINT slow") {
		t.Errorf("a batch that is not remembered: %v", err)
	}
	r.Abandon()
	r = plan(t, b, "fast", false)
	wantCovered(t, r, purchases, 5, 6, 7, 8, 9, 10, 11)
	r.Abandon()
	check(t, b.Drop("slow"))
	r = plan(t, b, "slow", false)
	wantCovered(t, r, purchases, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	r.Abandon()
}

const golden = `+000000000001 0000 20260131T235959Z-000000000001 ef2fcfbf
+000000000002 0000 20260131T235959Z-000000000002 df8b8331
+000000000003 0001 20260131T235959Z-000000000003 0eeaba2f
`

// The files are as the package's doc has them.
func TestFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := faultfs.New()
		b := open(t, config(fsys))
		check(t, b.Note(id(1)))
		run := plan(t, b, "a", false, 1, 2, 3)
		check(t, run.Commit())
		b.Close()
		got, err := fsys.ReadFile("/checkpoints/batches")
		check(t, err)
		if diff := cmp.Diff(golden, string(got)); diff != "" {
			t.Errorf("journal (-want +got):\n%s", diff)
		}
		got, err = fsys.ReadFile("/checkpoints/a.json")
		check(t, err)
		state := `{"name":"a","run":1,"token":"` + run.Token() + `","committed":"2000-01-01T00:00:00Z","tables":{"shop.purchases":{"from":0,"to":3,"run":1}}}` + "\n"
		if diff := cmp.Diff(state, string(got)); diff != "" {
			t.Errorf("checkpoint (-want +got):\n%s", diff)
		}
	})
}

// A torn tail is cut, a line that was durable and is not whole is damage, and what
// it is that was lost is said to whom it concerns.
func TestDamage(t *testing.T) {
	lines := strings.SplitAfter(golden, "\n")[:3]
	for name, tt := range map[string]struct {
		text    string
		covered []int // by a first run
		lost    bool
	}{
		"whole":                   {golden, []int{1, 2, 3}, false},
		"empty":                   {"", nil, false},
		"torn last line":          {golden[:len(golden)-9], []int{1, 2}, false},
		"torn first of two":       {lines[0] + strings.Repeat("\x00", 58) + lines[2], []int{1}, false},
		"garbage alone":           {strings.Repeat("x", 200), nil, false},
		"garbage behind":          {golden + strings.Repeat("x", 200), []int{1, 2, 3}, false},
		"damaged line":            {strings.Repeat("x", 58) + lines[1] + lines[2], []int{2, 3}, true},
		"one byte of a durable":   {strings.Replace(lines[0], "00001 e", "00009 e", 1) + lines[1], []int{2}, true},
		"a line out of its place": {lines[0] + lines[0] + lines[2], []int{1, 3}, true},
	} {
		fsys := faultfs.New()
		check(t, fsys.Mkdir("/checkpoints"))
		check(t, fsys.WriteFile("/checkpoints/batches", []byte(tt.text)))
		for range 2 {
			b := open(t, config(fsys))
			r := plan(t, b, "first", false)
			wantCovered(t, r, purchases, tt.covered...)
			r.Abandon()
			b.Close()
			_, err := fsys.ReadFile("/checkpoints/batches.damaged")
			if tt.lost != (err == nil) || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the damaged file aside: %v", name, err)
			}
		}
	}
}

// A checkpoint in whose next range a batch was lost says so, and whose is not goes
// on; so do all of them where the whole journal was lost.
func TestLost(t *testing.T) {
	fsys := faultfs.New()
	b := open(t, config(fsys))
	for n := range 3 {
		check(t, b.Note(id(n)))
	}
	b.Close()
	text, err := fsys.ReadFile("/checkpoints/batches")
	check(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	for name, tt := range map[string]struct {
		text string
		good string // the checkpoints that go on
	}{
		"the second batch": {lines[0] + strings.Repeat("x", 58) + lines[2], "at2"},
		"the journal":      {"", ""},
		"all but one":      {lines[0], ""},
	} {
		fsys := faultfs.New()
		check(t, fsys.Mkdir("/checkpoints"))
		check(t, fsys.WriteFile("/checkpoints/batches", []byte(tt.text)))
		for to := 1; to <= 2; to++ {
			check(t, fsys.WriteFile(fmt.Sprintf("/checkpoints/at%d.json", to), fmt.Appendf(nil, `{"name":"at%d","run":1,"committed":"2000-01-01T00:00:00Z","tables":{"shop.purchases":{"from":0,"to":%[1]d,"run":1}}}`, to)))
		}
		for range 2 {
			b := open(t, config(fsys))
			check(t, b.Note(id(10)))
			for _, c := range []string{"at1", "at2"} {
				r := begin(t, b, c, false)
				err := r.Plan(t.Context(), []lake.TableName{purchases}, sealed())
				if good := strings.Contains(tt.good, c); good != (err == nil) || good != r.Covers(purchases, id(10)) || !good && !errors.Is(err, checkpoint.ErrExpired) {
					t.Errorf("%s: %s: %v", name, c, err)
				}
				r.Abandon()
			}
			r := plan(t, b, "new", false)
			if !r.Covers(purchases, id(10)) {
				t.Errorf("%s: a new one does not cover what is new", name)
			}
			r.Abandon()
			b.Close()
		}
	}
}

// A checkpoint whose file cannot be read is of no use, harms no other, and can be
// dropped.
func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"", "{", "null", `{"name":"b","run":1,"tables":{"t":{"from":0,"to":1,"run":1}}}`, `{"name":"a","run":0,"tables":{"t":{"from":0,"to":1,"run":0}}}`,
		`{"name":"a","run":1}`, `{"name":"a","run":1,"tables":{"t":{"from":2,"to":1,"run":1}}}`, `{"name":"a","run":1,"tables":{"t":{"from":0,"to":1,"run":2}}}`,
		`{"name":"a","run":1,"tables":{"t":{"from":0,"to":1,"run":1}}} x`, `{"name":"a","run":1,"more":1,"tables":{"t":{"from":0,"to":1,"run":1}}}`,
	} {
		fsys := faultfs.New()
		check(t, fsys.Mkdir("/checkpoints"))
		check(t, fsys.WriteFile("/checkpoints/a.json", []byte(text)))
		check(t, fsys.WriteFile("/checkpoints/b.json.new", []byte("left behind")))
		b := open(t, config(fsys))
		if list := b.List(); len(list) != 1 || list[0].Err == nil {
			t.Errorf("%s: listed %+v", text, list)
		}
		for _, replay := range []bool{false, true} {
			if _, err := b.Begin(t.Context(), "a", replay); !errors.Is(err, checkpoint.ErrExpired) || !strings.Contains(err.Error(), "/checkpoints/a.json") {
				t.Errorf("%s: %v", text, err)
			}
		}
		plan(t, b, "b", false).Abandon()
		check(t, b.Drop("a"))
		check(t, plan(t, b, "a", false).Commit())
		b.Close()
		if _, err := fsys.ReadFile("/checkpoints/b.json.new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file half written is left: %v", err)
		}
	}
}

// Whatever the files hold, Open says so or works.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(golden), []byte(`{"name":"a","run":1,"committed":"2000-01-01T00:00:00Z","tables":{"shop.purchases":{"from":0,"to":1,"run":1}}}`))
	f.Add([]byte(golden[58:]+golden[:58]), []byte(`{}`))
	f.Add([]byte(golden[:100]), []byte(``))
	f.Fuzz(func(t *testing.T, journal, state []byte) {
		fsys := faultfs.New()
		check(t, fsys.Mkdir("/checkpoints"))
		check(t, fsys.WriteFile("/checkpoints/batches", journal))
		check(t, fsys.WriteFile("/checkpoints/a.json", state))
		b, err := checkpoint.Open(config(fsys))
		if err != nil {
			t.Fatal(err) // nothing in it may keep the service from starting
		}
		defer b.Close()
		before := b.Last()
		check(t, b.Note(id(1<<40)))
		if got := b.Last(); got < before || got > before+1 {
			t.Fatalf("the number after %d is %d", before, got)
		}
		if r, err := b.Begin(t.Context(), "a", false); err == nil {
			r.Plan(t.Context(), []lake.TableName{purchases}, sealed(1, 2))
			r.Abandon()
		}
		again, err := checkpoint.Open(config(fsys))
		check(t, err)
		defer again.Close()
		if again.Last() != b.Last() {
			t.Fatalf("read back up to %d, want %d", again.Last(), b.Last())
		}
	})
}

// A full disk stops no start: the journal is written before it is relied on again.
func TestFullDisk(t *testing.T) {
	fsys := faultfs.New()
	b := open(t, config(fsys))
	check(t, b.Note(id(1)))
	b.Close()
	fsys.SetCapacity(1)
	b = open(t, config(fsys))
	defer b.Close()
	if err := b.Note(id(1)); !errors.Is(err, buffer.ErrNoSpace) {
		t.Errorf("a batch that may be in the page cache alone is noted: %v", err)
	}
	fsys.SetCapacity(1 << 30)
	check(t, b.Note(id(1)))
	r := plan(t, b, "a", false, 1, 2)
	wantCovered(t, r, purchases, 1, 2)
	check(t, r.Commit())
}
