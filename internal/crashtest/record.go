package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The streams: one as it comes; one that goes to many partitions and refuses what
// does not fit its declared columns; one that drops what it has already.
const (
	plain = iota
	parts
	once
	numStreams
)

var streamNames = [numStreams]string{plain: "plain", parts: "parts", once: "once"}

// streamsConfig is the setting of that name: another one for each start, as far as rows
// of small files are held back, or not.
func streamsConfig(rng *rand.Rand) string {
	hold := func() string {
		if rng.IntN(3) == 0 {
			return ""
		}
		return fmt.Sprintf(", hold: {under: %dKiB, for: %dms}", 1<<(2+rng.IntN(6)), 1000+rng.IntN(4000))
	}
	return `{plain: {table: plain` + hold() + `}, parts: {partition_by: ["dt=day(happened)", "kind=kind"], strict: true, columns: {amount: bigint}` + hold() + `}, ` +
		`once: {dedupe: {key: id, window: ` + window.String() + `}` + hold() + `}}`
}

// A record is one that some client sends: everything in it follows from these
// three numbers, so what is read back can be checked without remembering it.
type record struct{ stream, client, seq int }

func (r record) id() string { return fmt.Sprintf("c%02d-%07d", r.client, r.seq) }

// parseRecord is the record of that id.
func parseRecord(stream int, id string) (record, bool) {
	r := record{stream: stream}
	n, err := fmt.Sscanf(id, "c%d-%d", &r.client, &r.seq)
	return r, err == nil && n == 2 && r.id() == id && r.client >= 0 && r.seq >= 0
}

func (r record) hash() uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, streamNames[r.stream], r.id())
	x := h.Sum64() // whose high bits are much alike
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	return x ^ x>>33
}

func (r record) kind() string { return fmt.Sprintf("k%d", r.hash()>>8%8) }

// firstDay is the first of the late days; the usual one is usualDay after it.
var firstDay = time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)

const usualDay = 12

// happened is when the record's event was: some come days late.
func (r record) happened() time.Time {
	day := usualDay
	if r.hash()>>16%20 == 0 {
		day = int(r.hash() >> 24 % usualDay)
	}
	return firstDay.AddDate(0, 0, day).Add(time.Duration(r.seq%1000) * time.Second)
}

// misfit tells of a record that is acknowledged, and becomes no row.
func (r record) misfit() bool { return r.stream == parts && r.hash()>>32%300 == 0 }

func (r record) check() string { return fmt.Sprintf("%016x", r.hash()) }

// numExtras is how many columns come to be in the course of a round.
const numExtras = 6

// extra is the column that only some records have, the later the more of them;
// -1 for none.
func (r record) extra() int {
	if r.hash()>>40%10 != 0 {
		return -1
	}
	return int(r.hash() >> 48 % uint64(min(1+r.seq/150, numExtras)))
}

// json is the record as it is sent.
func (r record) json() string {
	var b strings.Builder
	amount := fmt.Sprint(r.seq)
	if r.misfit() {
		amount = `"none"`
	}
	fmt.Fprintf(&b, `{"id":%q,"seq":%d,"kind":%q,"happened":%q,"amount":%s,"who":{"check":%q,"home":{"zip":%d}},"tags":["t%d",%q]`,
		r.id(), r.seq, r.kind(), r.happened().Format(time.RFC3339), amount, r.check(), r.seq%100, r.seq%7, r.kind())
	if x := r.extra(); x >= 0 {
		fmt.Fprintf(&b, `,"extra%d":%q`, x, r.check())
	}
	fmt.Fprintf(&b, `,"note":%q}`, strings.Repeat("the quick brown fox ", int(r.hash()>>50%8)))
	return b.String()
}

// A row is what is read back of a record, by SQL or from a file.
type row struct {
	ID   string `json:"id" parquet:"id,optional"`
	Seq  int64  `json:"seq" parquet:"seq,optional"`
	Kind string `json:"kind" parquet:"kind,optional"` // from a file: only if it is no partition
	// Amount is declared for one stream and inferred for the other.
	Amount int64 `json:"amount" parquet:"amount,optional"`
	Who    *struct {
		Check string `json:"check" parquet:"check,optional"`
		Home  *struct {
			Zip int64 `json:"zip" parquet:"zip,optional"`
		} `json:"home" parquet:"home,optional"`
	} `json:"who" parquet:"who,optional"`
	Extra0 *string `json:"extra0" parquet:"extra0,optional"`
	Extra1 *string `json:"extra1" parquet:"extra1,optional"`
	Extra2 *string `json:"extra2" parquet:"extra2,optional"`
	Extra3 *string `json:"extra3" parquet:"extra3,optional"`
	Extra4 *string `json:"extra4" parquet:"extra4,optional"`
	Extra5 *string `json:"extra5" parquet:"extra5,optional"`
	// Tags and Rescued are read by SQL only.
	Tags    []string        `json:"tags" parquet:"-"`
	Rescued json.RawMessage `json:"_rescued" parquet:"-"`
	// Day is the partition in which the row was found; "" if it is not known.
	Day string `json:"dt" parquet:"-"`
}

// differs says what is wrong with the content of the record's row; "" if nothing.
func (w row) differs(r record) string {
	switch {
	case w.Seq != int64(r.seq) || w.Amount != int64(r.seq):
		return fmt.Sprintf("seq %d, amount %d", w.Seq, w.Amount)
	case w.Tags != nil && !slices.Equal(w.Tags, []string{fmt.Sprintf("t%d", r.seq%7), r.kind()}):
		return fmt.Sprintf("tags %q", w.Tags)
	case len(w.Rescued) > 0 && string(w.Rescued) != "null":
		return fmt.Sprintf("values were rescued: %s", w.Rescued)
	case w.Kind != r.kind():
		return fmt.Sprintf("kind %q, not %q", w.Kind, r.kind())
	case w.Who == nil || w.Who.Check != r.check():
		return fmt.Sprintf("who %+v", w.Who)
	case w.Who.Home == nil || w.Who.Home.Zip != int64(r.seq%100):
		return fmt.Sprintf("who.home %+v", w.Who.Home)
	case r.stream == parts && w.Day != r.happened().Format(time.DateOnly):
		return fmt.Sprintf("in partition dt=%s, not %s", w.Day, r.happened().Format(time.DateOnly))
	}
	for i, x := range []*string{w.Extra0, w.Extra1, w.Extra2, w.Extra3, w.Extra4, w.Extra5} {
		switch want := i == r.extra(); {
		case want && (x == nil || *x != r.check()), !want && x != nil && *x != "":
			return fmt.Sprintf("extra%d", i)
		}
	}
	return ""
}

// between is a random time from lo to hi.
func between(rng *rand.Rand, lo, hi time.Duration) time.Duration {
	return lo + time.Duration(rng.Int64N(int64(hi-lo)+1))
}
