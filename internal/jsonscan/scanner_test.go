package jsonscan_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/jsonscan"
)

// sameAsObject holds a Scanner against Object on a sequence of objects.
func sameAsObject(t *testing.T, s *jsonscan.Scanner, data []byte) {
	t.Helper()
	n, err := s.Object(data)
	wantN, wantErr := jsonscan.Object(data)
	if n != wantN || !reflect.DeepEqual(err, wantErr) {
		t.Fatalf("Scanner.Object(%q) = %d, %v; Object says %d, %v", data, n, err, wantN, wantErr)
	}
}

// Every prefix, and every change of one byte, of records that the scanner has
// learned is judged as Object judges it.
func TestScannerIsAsStrict(t *testing.T) {
	var s jsonscan.Scanner
	records := []string{
		`{"a":1,"b":"x","c":[1,2,3,4],"d":{"e":true,"f":null},"g":[]}`,
		`{"a":1,"b":"x","d":{"e":true},"g":[{"h":1},{"h":2}]}`,
		`{"a": 1, "b": "x\n", "c": [], "d": {}}`,
		`{"a":-0.5e3,"b":"é"}`, `{}`, `{"a":{}}`, `{"a":[[[1]]]}`,
	}
	for range 3 {
		for _, r := range records {
			sameAsObject(t, &s, []byte(r))
			sameAsObject(t, &s, []byte(r+"\n"+r))
		}
	}
	const alphabet = "{}[],:\"\\ 0-x\n\x00\xff.etn"
	for _, r := range records {
		for i := range len(r) {
			sameAsObject(t, &s, []byte(r[:i+1]))
			for _, c := range []byte(alphabet) {
				changed := []byte(r)
				changed[i] = c
				if changed[0] == '{' {
					sameAsObject(t, &s, changed)
				}
			}
		}
	}
}

// Objects of ever new shapes fill the graph and no more.
func TestScannerIsBounded(t *testing.T) {
	var s jsonscan.Scanner
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b strings.Builder
		for k := range 1 + rng.IntN(8) {
			fmt.Fprintf(&b, `,"k%d":%d`, rng.IntN(1000), k)
		}
		sameAsObject(t, &s, []byte("{"+b.String()[1:]+"}"))
	}
	deep := []byte(strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200))
	sameAsObject(t, &s, deep)
	sameAsObject(t, &s, deep)
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n{\"a\":[1,2],\"b\":{}}\n{\"a\":[1,2],\"b\":{}}\n{\"a\":[1,2],\"b\":{}"))
	f.Add([]byte("{\"a\" : 1}\n{\"a\":1 }\n{ }\n{\"a\":{\"b\":[{\"c\":\"d\"}]}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s jsonscan.Scanner
		lines := bytes.Split(data, []byte("\n"))
		for range 2 {
			for _, line := range lines {
				if len(line) > 0 && line[0] == '{' {
					sameAsObject(t, &s, line)
				}
			}
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	line := []byte(`{"bookId":"5f3a1c9e-1c7b-4d3e-9a55-0f1e2d3c4b5a","title":"The Silent River of Stones","author":"Maria Castellanos","genre":"Mystery","userId":"c56a4180-65aa-42ec-a945-5fd21dec0538","userCountry":"DE","userAge":34,"purchaseTimestamp":1767225600}`)
	var s jsonscan.Scanner
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Object(line); err != nil {
			b.Fatal(err)
		}
	}
}
