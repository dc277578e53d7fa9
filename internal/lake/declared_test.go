package lake_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/internal/lake"
)

func TestParseDeclaredType(t *testing.T) {
	typ, err := lake.ParseDeclaredType("struct<a:array<timestamp(Epoch_Millis)>,b:map<string,string( json )>,c:string,d:string(text),e:timestamp>")
	if err != nil {
		t.Fatal(err)
	}
	forms := []lake.Form{typ.Fields[0].Type.Elem.Form, typ.Fields[1].Type.Elem.Form, typ.Fields[2].Type.Form, typ.Fields[3].Type.Form, typ.Fields[4].Type.Form}
	for i, want := range []lake.Form{lake.FormEpochMillis, lake.FormJSON, lake.FormPlain, lake.FormText, lake.FormPlain} {
		if forms[i] != want {
			t.Errorf("form %d is %q, want %q", i, forms[i], want)
		}
	}
	if got, want := typ.String(), "struct<a:array<timestamp>,b:map<string,string>,c:string,d:string,e:timestamp>"; got != want {
		t.Errorf("%s, want %s: forms are no part of a type", got, want)
	}
	plain, err := lake.ParseType(typ.String())
	if err != nil || !plain.Equal(typ) {
		t.Errorf("%v: the type without its forms is another one", err)
	}
	for _, s := range []string{"timestamp()", "timestamp(json)", "string(epoch_seconds)", "timestamp(epoch_seconds", "timestamp(3)", "varchar(json)", "bigint(epoch_seconds)", "timestamp(epoch_seconds,1)"} {
		if typ, err := lake.ParseDeclaredType(s); err == nil {
			t.Errorf("%s is read as %s", s, typ)
		}
	}
	if _, err := lake.ParseType("timestamp(epoch_seconds)"); err == nil || !strings.Contains(err.Error(), "unexpected") {
		t.Errorf("a catalog's type has a form: %v", err)
	}
}

// Batches that were sealed when a declared column was a type alone are still read.
func TestColumnSpecJSON(t *testing.T) {
	for text, want := range map[string]lake.ColumnSpec{`"bigint"`: {Type: "bigint"}, `{"type":"string","from":"a.b"}`: {Type: "string", From: "a.b"}} {
		var got lake.ColumnSpec
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := json.Marshal(got); err != nil || string(again) != text {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
	}
}
