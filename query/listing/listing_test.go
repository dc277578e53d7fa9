package listing_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/lake/store"
	"sluice/query/listing"
)

func old(keys ...string) (objects []store.Object) {
	for _, k := range keys {
		objects = append(objects, store.Object{Key: k, Size: 1, ETag: "e", Modified: time.Now().Add(-24 * time.Hour)})
	}
	return objects
}

// remember lists a folder as a query does; meanwhile comes between.
func remember(c *listing.Cache, root, folder string, objects []store.Object, meanwhile func()) {
	p := c.Begin(root)
	defer p.End()
	if meanwhile != nil {
		meanwhile()
	}
	p.Keep(folder, objects)
}

func wantKept(t *testing.T, c *listing.Cache, folder string, want bool) {
	t.Helper()
	if _, ok := c.Get(folder); ok != want {
		t.Errorf("%s is remembered: %v, want %v", folder, ok, want)
	}
}

func TestOwnChangesShowAtOnce(t *testing.T) {
	c := listing.New(listing.Config{MaxAge: time.Minute, Memory: 1 << 20})
	for _, changed := range []string{"t/dt=1/b", "t/dt=1/deep/er/b"} {
		remember(c, "t/dt=1", "t/dt=1", old("t/dt=1/a"), nil)
		remember(c, "t/dt=2", "t/dt=2", old("t/dt=2/a"), nil)
		remember(c, "t/dt=11", "t/dt=11", old("t/dt=11/a"), nil)
		wantKept(t, c, "t/dt=1", true)
		c.Changed(changed)
		wantKept(t, c, "t/dt=1", false)
		wantKept(t, c, "t/dt=2", true)
		wantKept(t, c, "t/dt=11", true)
	}
}

// A listing during which something changed may lack it.
func TestChangesWhileItIsListed(t *testing.T) {
	c := listing.New(listing.Config{MaxAge: time.Minute, Memory: 1 << 20})
	remember(c, "t/dt=1", "t/dt=1", old("t/dt=1/a"), func() { c.Changed("t/dt=1/b") })
	wantKept(t, c, "t/dt=1", false)
	whole := func(folder string) {
		remember(c, "t", folder, old(folder+"/a"), func() { c.Changed("t/dt=1/b") })
	}
	whole("t/dt=1")
	wantKept(t, c, "t/dt=1", false)
	whole("t/dt=2")
	wantKept(t, c, "t/dt=2", true)
	// The root of the lake, and a change before the listing began.
	remember(c, "", "", old("a"), func() { c.Changed("x/y") })
	wantKept(t, c, "", false)
	c.Changed("t/dt=1/c")
	remember(c, "t/dt=1", "t/dt=1", old("t/dt=1/a"), nil)
	wantKept(t, c, "t/dt=1", true)
	// One that failed, then was made by another.
	c.Begin("t/dt=1").End()
	wantKept(t, c, "t/dt=1", true)
}

func TestOthersChangesShowInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := listing.New(listing.Config{MaxAge: time.Minute, Memory: 1 << 20})
		young := store.Object{Key: "t/dt=1/b", ETag: "e", Modified: time.Now().Add(-100 * time.Second)}
		remember(c, "t/dt=1", "t/dt=1", append(old("t/dt=1/a"), young), nil)
		remember(c, "t/dt=2", "t/dt=2", old("t/dt=2/a"), nil)
		remember(c, "t/dt=3", "t/dt=3", nil, nil)
		future := store.Object{Key: "t/dt=4/b", ETag: "e", Modified: time.Now().Add(time.Hour)}
		remember(c, "t/dt=4", "t/dt=4", []store.Object{future}, nil)
		wantKept(t, c, "t/dt=1", true)
		wantKept(t, c, "t/dt=3", false)
		wantKept(t, c, "t/dt=4", false)
		time.Sleep(10 * time.Second)
		wantKept(t, c, "t/dt=1", false)
		wantKept(t, c, "t/dt=2", true)
		time.Sleep(50 * time.Second)
		wantKept(t, c, "t/dt=2", false)
	})
}

func TestBounded(t *testing.T) {
	c := listing.New(listing.Config{MaxAge: time.Minute, Memory: 10_000})
	kept := 0
	for i := range 100 {
		name := fmt.Sprintf("t/dt=%d", i)
		remember(c, name, name, old(name+"/a", name+"/b"), nil)
		wantKept(t, c, name, true)
		wantKept(t, c, "t/dt=0", true) // it is asked for all the time
	}
	for i := range 100 {
		if _, ok := c.Get(fmt.Sprintf("t/dt=%d", i)); ok {
			kept++
		}
	}
	if kept < 5 || kept > 25 {
		t.Errorf("%d folders are remembered", kept)
	}
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("t/dt=0/%d", i))
	}
	remember(c, "t/dt=0", "t/dt=0", old(many...), nil)
	wantKept(t, c, "t/dt=0", false)
	off := listing.New(listing.Config{Memory: 10_000})
	remember(off, "t", "t", old("t/a"), nil)
	wantKept(t, off, "t", false)
	remember(nil, "t", "t", old("t/a"), nil)
	wantKept(t, nil, "t", false)
}
