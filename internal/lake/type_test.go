package lake_test

import (
	"testing"

	"sluice/internal/lake"
)

func TestTypeString(t *testing.T) {
	for want, typ := range map[string]lake.Type{
		"boolean":             lake.Boolean,
		"int":                 lake.Int,
		"bigint":              lake.Bigint,
		"double":              lake.Double,
		"string":              lake.String,
		"date":                lake.Date,
		"timestamp":           lake.Timestamp,
		"tinyint":             {Kind: lake.KindTinyint},
		"smallint":            {Kind: lake.KindSmallint},
		"float":               {Kind: lake.KindFloat},
		"binary":              {Kind: lake.KindBinary},
		"decimal(38,9)":       {Kind: lake.KindDecimal, Precision: 38, Scale: 9},
		"array<bigint>":       lake.ArrayOf(lake.Bigint),
		"map<string,boolean>": lake.MapOf(lake.Boolean),
		"struct<a:bigint,b:array<map<string,string>>>": lake.StructOf(
			lake.Column{Name: "a", Type: lake.Bigint}, lake.Column{Name: "b", Type: lake.ArrayOf(lake.MapOf(lake.String))}),
		"none": {},
	} {
		if got := typ.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if want == "none" {
			continue
		}
		if again, err := lake.ParseType(want); err != nil || !again.Equal(typ) {
			t.Errorf("%s is read as %s, %v", want, again, err)
		}
	}
}

// Each of these differs from every other.
func TestTypeEqual(t *testing.T) {
	var types []lake.Type
	for _, s := range []string{
		"string", "bigint", "int", "decimal(10,2)", "decimal(10,3)", "decimal(11,2)", "array<string>", "array<bigint>", "array<array<string>>",
		"map<string,string>", "map<string,bigint>", "map<bigint,string>", "struct<a:string>", "struct<b:string>", "struct<a:bigint>",
		"struct<a:string,b:string>", "struct<b:string,a:string>", "struct<a:struct<a:string>>",
	} {
		typ, err := lake.ParseType(s)
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, typ)
	}
	types = append(types, lake.Type{})
	for i, a := range types {
		for j, b := range types {
			if a.Equal(b) != (i == j) {
				t.Errorf("%s and %s: %v", a, b, a.Equal(b))
			}
		}
	}
}

// The JSON key of a field does not make another type.
func TestTypeEqualIgnoresKeys(t *testing.T) {
	a := lake.StructOf(lake.Column{Name: "userid", Type: lake.String, Key: "userId"})
	b := lake.StructOf(lake.Column{Name: "userid", Type: lake.String})
	if !a.Equal(b) {
		t.Error("they differ")
	}
}
