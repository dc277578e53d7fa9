package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"sluice/internal/jsonscan"
)

var memberSeeds = []string{
	`{}`, `{ }`, ` {"a":1}`[1:], `{"a":1,"b":"}","c":[1,{"d":"]"}], "e" : {"f":{}} }`, "{\n\t\"a\" :\r\n null , \"b\":\"\\\"\\\\\"\n}",
	`{"":"","é":"日本","a\u0062":-1.5e3,"x":true,"y":[],"z":[[],[[{}]]]}`, `{"a":1,"a":2}`,
}

// Members come in order, cover the object, and say what encoding/json says.
func checkMembers(t *testing.T, object []byte) {
	n, err := jsonscan.Object(object)
	if err != nil {
		return
	}
	object = object[:n]
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	at := 0
	for {
		m, ok := jsonscan.NextMember(object, at)
		if ok != dec.More() {
			t.Fatalf("%q: a member after %d: %v", object, at, ok)
		}
		if !ok {
			return
		}
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if got := string(m.Name(object)); got != name.(string) && !bytes.ContainsRune([]byte(name.(string)), '\uFFFD') {
			t.Fatalf("%q: the name %q, want %q", object, got, name)
		}
		if got := object[m.Value:m.End]; !bytes.Equal(got, value) {
			t.Fatalf("%q: the value %q, want %q", object, got, value)
		}
		if value[0] == '[' {
			checkElements(t, value)
		}
		at = m.End
	}
}

func checkElements(t *testing.T, array []byte) {
	var want []json.RawMessage
	if err := json.Unmarshal(array, &want); err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, w := range want {
		from, end, ok := jsonscan.NextElement(array, at)
		if !ok || !bytes.Equal(array[from:end], w) {
			t.Fatalf("%q: after %d %v %d:%d, want %q", array, at, ok, from, end, w)
		}
		at = end
	}
	if _, _, ok := jsonscan.NextElement(array, at); ok {
		t.Fatalf("%q: an element too many", array)
	}
}

func TestMembers(t *testing.T) {
	for _, s := range memberSeeds {
		checkMembers(t, []byte(s))
	}
}

func FuzzMembers(f *testing.F) {
	for _, s := range memberSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		if len(object) > 0 && object[0] == '{' && bytes.Count(object, []byte{'{'})+bytes.Count(object, []byte{'['}) < 500 {
			checkMembers(t, object)
		}
	})
}
