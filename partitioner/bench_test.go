package partitioner_test

import "testing"

func BenchmarkAppendPath(b *testing.B) {
	for _, bc := range []struct {
		name   string
		specs  []string
		values []string
	}{
		{"day(ingest)", nil, nil},
		{"day(epoch)", []string{"dt=day(ts)"}, []string{"1769839199"}},
		{"day(millis)", []string{"dt=day(ts)"}, []string{"1769839199999"}},
		{"day(rfc3339)", []string{"dt=day(ts)"}, []string{`"2026-01-31T05:59:59.123Z"`}},
		{"country", []string{"country=userCountry"}, []string{`"DE"`}},
		{"country+day+hour", []string{"country=c", "dt=day(ts)", "hr=hour(ts)"}, []string{`"DE"`, "1769839199"}},
		{"escapes", []string{"ua=ua"}, []string{`"Mozilla/5.0 (X11; Linux \"x86\")"`}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			e := mustParse(b, bc.specs...).Evaluator()
			var values [][]byte
			for _, v := range bc.values {
				values = append(values, []byte(v))
			}
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = e.AppendPath(buf[:0], values, arrival)
			}
		})
	}
	// Late events make every record another day.
	b.Run("day(epoch), alternating", func(b *testing.B) {
		e := mustParse(b, "dt=day(ts)").Evaluator()
		values := [2][][]byte{{[]byte("1769839199")}, {[]byte("1669839199")}}
		var buf []byte
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			buf = e.AppendPath(buf[:0], values[i&1], arrival)
			i++
		}
	})
}

func TestAppendPathDoesNotAllocate(t *testing.T) {
	e := mustParse(t, "c=c", "dt=day(ts)", "hr=hour(ts)", "in=day(ingest)").Evaluator()
	values := [][]byte{[]byte(`"a\/b"`), []byte("1769839199")}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendPath(buf[:0], values, arrival) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
