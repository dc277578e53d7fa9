package lake_test

import (
	"strings"
	"testing"

	"sluice/internal/lake"
)

func TestParseType(t *testing.T) {
	for s, want := range map[string]string{
		" BIGINT ":                           "bigint",
		"integer":                            "int",
		"Long":                               "bigint",
		"bool":                               "boolean",
		"varchar":                            "string",
		"varchar(255)":                       "string",
		"char ( 3 )":                         "string",
		"decimal":                            "decimal(10,0)",
		"decimal(5)":                         "decimal(5,0)",
		"NUMERIC( 38 , 38 )":                 "decimal(38,38)",
		"array < array<int> >":               "array<array<int>>",
		"map<string , varchar(3)>":           "map<string,string>",
		"MAP<int,struct<A:int>>":             "map<int,struct<A:int>>",
		"struct<`a` : int,\n b:row<c:date>>": "struct<a:int,b:struct<c:date>>",
		"struct<größe:int,$x y:int>":         "struct<größe:int,$x y:int>",
		"array<decimal(10,2)>":               "array<decimal(10,2)>",
	} {
		typ, err := lake.ParseType(s)
		if err != nil || typ.String() != want {
			t.Errorf("%q: got %s, %v; want %s", s, typ, err, want)
		}
	}
}

func TestParseTypeFaults(t *testing.T) {
	for _, s := range []string{
		"", " ", "text", "none", "int int", "int,", "int>", "int(3)", "string:int", "array", "array<", "array<>", "array<int", "array<int,int>",
		"array(int)", "map", "map<string>", "map<string,>", "map<,string>", "map<string,int,int>", "map<string:int>", "struct", "struct<", "struct<>",
		"struct<a>", "struct<a:>", "struct<:int>", "struct<``:int>", "struct<a:int,>", "struct<a:int", "struct<a:int b:int>", "struct<a:int,A:int>",
		"decimal(0)", "decimal(39)", "decimal(5,6)", "decimal(5,-1)", "decimal()", "decimal(", "decimal(5", "decimal(5,", "decimal(5,2,1)", "decimal(x)",
		"decimal(5 2)", "decimal(99999999999999999999)", "varchar()", "varchar(0)", "varchar(-1)", "varchar(1,2)", "varchar(1", "char(x)", "array<int>>",
	} {
		if typ, err := lake.ParseType(s); err == nil {
			t.Errorf("%q is read as %s", s, typ)
		} else if !strings.Contains(err.Error(), "parse type") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestParseTypeDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("array<", n) + "int" + strings.Repeat(">", n) }
	if _, err := lake.ParseType(nested(64)); err != nil {
		t.Error(err)
	}
	for _, s := range []string{nested(65), strings.Repeat("array<", 1_000_000), strings.Repeat("struct<a:", 1_000_000), strings.Repeat("map<int,", 1_000_000)} {
		if _, err := lake.ParseType(s); err == nil || !strings.Contains(err.Error(), "deeper") {
			t.Errorf("%.20q: no error of depth", s)
		} else if len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
}

// Whatever is read, is written and read again as the same.
func FuzzParseType(f *testing.F) {
	for _, s := range []string{
		"bigint", "decimal(38,9)", "array<map<string,varchar(3)>>", "struct<`a b`:int, c:row<d:numeric(5)>>", "struct<` a`:int>", "map<int,", "struct<a:int\u00a0>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, err := lake.ParseType(s)
		if err != nil {
			return
		}
		again, err := lake.ParseType(typ.String())
		if err != nil || !again.Equal(typ) || again.String() != typ.String() {
			t.Errorf("%q is read as %s, that as %s, %v", s, typ, again, err)
		}
	})
}
