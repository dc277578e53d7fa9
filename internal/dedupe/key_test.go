package dedupe

import (
	"encoding/hex"
	"strings"
	"testing"

	"sluice/internal/lake"
)

func TestFieldKey(t *testing.T) {
	f := newFieldKey([]string{"a", "b"})
	key := func(record string) string {
		k, ok, _ := f.of([]byte(record), nil)
		if !ok {
			return ""
		}
		return hex.EncodeToString(k[:])
	}
	same := [][]string{
		{`{"a":{"b":"x"}}`, `{"z":[{"a":1},"]}"],"a" : { "c":{"b":2}, "b" :"x" , "b":"y"},"a":1}`, `{"\u0061":{"\u0062":"\u0078"}}`},
		{`{"a":{"b":1}}`, `{"a":{"b": 1 }}`}, {`{"a":{"b":1.0}}`}, {`{"a":{"b":"1"}}`}, {`{"a":{"b":true}}`}, {`{"a":{"b":"true"}}`}, {`{"a":{"b":false}}`},
		{`{"a":{"b":" x"}}`}, {`{"a":{"b":-1e5}}`},
		{``, `{}`, `{"a":1}`, `{"a":[{"b":1}]}`, `{"a":{"b":null}}`, `{"a":{"b":""}}`, `{"a":{"b":{}}}`, `{"a":{"b":[1]}}`, `{"b":{"a":1}}`, `{"a":{},"x":{"b":1}}`, `{"a":2,"a":{"b":1}}`},
	}
	seen := map[string]int{}
	for i, group := range same {
		for _, r := range group {
			if r == "" {
				continue
			}
			k := key(r)
			if at, ok := seen[k]; ok && at != i {
				t.Errorf("%s has the key of group %d", r, at)
			}
			seen[k] = i
			if (k == "") != (i == len(same)-1) {
				t.Errorf("%s: key %q", r, k)
			}
		}
		if i < len(same)-1 && len(group) > 1 && key(group[0]) != key(group[1]) {
			t.Errorf("%s and %s have different keys", group[0], group[1])
		}
	}
	if len(seen) != len(same) {
		t.Errorf("%d keys for %d groups", len(seen), len(same))
	}
	aside := lake.AppendMalformed(nil, []byte(`x"a":{"b":"x"}`))
	if k := key(string(aside)); k != "" {
		t.Errorf("what is no record has the key %q", k)
	}
	other, _, _ := newFieldKey([]string{"a.b"}).of([]byte(`{"a.b":"x"}`), nil)
	if hex.EncodeToString(other[:]) == key(`{"a":{"b":"x"}}`) {
		t.Error("two fields share a key")
	}
	record, scratch := []byte(`{"x":"`+strings.Repeat("y", 300)+`","a":{"b":"a\tb"}}`), make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() { _, _, scratch = f.of(record, scratch) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

// What it takes to find a key behind 500 bytes of others, and to hash it.
func BenchmarkFieldKey(b *testing.B) {
	record := []byte(`{"anonymousId":"d78353d7-8f5d-4fe6-88b0-698e81e3f999","context":{"library":{"name":"analytics.js","version":"2.11.1"},` +
		`"page":{"path":"/cart","url":"https://bookshop.example/cart"},"userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:146.0) Gecko/20100101 Firefox/146.0",` +
		`"ip":"89.230.203.62","locale":"pt-BR"},"groupId":"group_0291","traits":{"employees":281,"industry":"Media","name":"Readers of Buenos Aires","plan":"collector"},` +
		`"integrations":{"All":true,"Salesforce":false},"messageId":"ajs-21c973f8bb2f771a","originalTimestamp":"2026-01-01T00:01:27.868Z"}`)
	f := newFieldKey([]string{"messageId"})
	var scratch []byte
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, scratch = find(record, f.path, scratch)
		}
	})
	b.Run("find and hash", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, scratch = f.of(record, scratch)
		}
	})
}
