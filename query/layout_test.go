package query_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/configs"
)

// Whatever the layout, a query's answer is the same before and after delivery,
// and where files of several layouts make one table.
func TestLayouts(t *testing.T) {
	layouts := []configs.Layout{
		{},
		{Timestamp: "int96", Compression: "gzip"},
		{Timestamp: "millis", Sort: []string{"ts desc nulls first", "id"}},
		{Timestamp: "int96", Sort: []string{"user", "ts"}, Bloom: []string{"id", "user", "ts", "n", "price"}},
		{Compression: "snappy", Bloom: []string{"user", "id", "ts", "n", "price", "o.t"}, Sort: []string{"price desc"}},
	}
	for _, l := range layouts {
		t.Run(fmt.Sprintf("%+v", l), func(t *testing.T) {
			h := newHouse(t, map[string]configs.Stream{"s": {Layout: l}})
			h.post("s", layoutRecords(0, 400)...)
			askLayouts(h, 400, l.Timestamp == "millis")
			h.deliver("s")
			h.post("s", layoutRecords(400, 500)...)
			askLayouts(h, 500, l.Timestamp == "millis") // some rows delivered, some not
			h.deliver("s")
			askLayouts(h, 500, l.Timestamp == "millis")
		})
	}
	t.Run("one table", func(t *testing.T) {
		h := newHouse(t, map[string]configs.Stream{})
		for i, l := range layouts {
			if l.Timestamp == "millis" {
				l.Timestamp = "" // its digits would be missing
			}
			h.streams["s"] = configs.Stream{Layout: l}
			h.post("s", layoutRecords(100*i, 100*i+100)...)
			h.deliver("s")
		}
		askLayouts(h, 500, false)
	})
}

// layoutRecords are records whose times are a second and a bit apart, over 1970.
func layoutRecords(from, to int) (records []string) {
	for i := from; i < to; i++ {
		at := layoutTime(i, false)
		records = append(records, fmt.Sprintf(`{"id":%d,"user":"u%d","ts":%q,"n":%d,"price":%d.5,"o":{"t":%q},"l":[%q]}`, i, i%50, at, i%7, i%90, at, at))
	}
	return records
}

func layoutTime(i int, cut bool) string {
	at := fmt.Sprintf("19%02d-12-31T23:59:%02d.%03d", 60+i%20, i%60, i%1000)
	if cut {
		return at + "Z"
	}
	return fmt.Sprintf("%s%03dZ", at, 999-i%999)
}

func askLayouts(h *house, n int, cut bool) {
	h.t.Helper()
	sql := func(i int) string { return strings.NewReplacer("T", " ", "Z", "").Replace(layoutTime(i, cut)) }
	for _, i := range []int{17, n - 1} {
		shown := sql(i)
		same := fmt.Sprintf(`%d|"%s"|"%s"|"%s"`, i, shown, shown, shown)
		what := "SELECT id, ts, o.t, l[1] FROM s WHERE "
		h.want(what+fmt.Sprintf("ts = TIMESTAMP '%s' AND id = %d", shown, i), same)
		h.want(what+fmt.Sprintf("ts >= TIMESTAMP '%s' AND ts <= TIMESTAMP '%s' AND id = %d", shown, shown, i), same)
		h.want(what+fmt.Sprintf("o.t = TIMESTAMP '%s' AND id = %d", shown, i), same)
		h.want(what+fmt.Sprintf("user = 'u%d' AND price = %d.5 AND n = %d AND id = %d", i%50, i%90, i%7, i), same)
		h.want(fmt.Sprintf("SELECT count(*) FROM s WHERE ts > TIMESTAMP '%s' AND id = %d", shown, i), "0")
	}
	h.want("SELECT count(*), count(DISTINCT id) FROM s", fmt.Sprintf("%d|%d", n, n))
	h.want("SELECT count(*) FROM s WHERE user = 'nobody' OR id = -1", "0")
	early := 0
	for i := range n {
		if i%20 < 10 {
			early++
		}
	}
	h.want("SELECT count(*) FROM s WHERE ts < TIMESTAMP '1970-01-01'", fmt.Sprint(early))
}
