package partitioner_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/partitioner"
)

// An object of paths is read as fields; any other query is a program, of which the
// members that the prefix names are asked for.
func TestQuery(t *testing.T) {
	const prefix = "b=!{partitionKeyFromQuery:b}/!{partitionKeyFromQuery:a}-!{partitionKeyFromQuery:b}/!{timestamp:yyyy}/"
	for query, fields := range map[string]string{
		`{a:.x,b:.y.z}`: "x y.z",
		` { "a" : ( .x | strftime("%H") ) , b: ."y z"."w" } `: "x y z.w",
		`{a:.x,b:.y,unused:.z}`:                               "x y z",
		`{a:.x,b:(.y|strftime("%Y-%m-%d"))}`:                  "x y",
		`{a:.x,b:.y|strftime("%M")}`:                          "",
		`{a:.x,b:.y|strftime("")}`:                            "",
		`{a:.x,b:.y,a:.z}`:                                    "",
		`{a:(.x,b:.y}`:                                        "",
		`{a:.x,b:.y+1}`:                                       "",
		`{a:.x[0],b:.y}`:                                      "",
		`{a:.x,b:."\u0061"}`:                                  "",
		`if .x then {a:.x,b:.y} else {a:1,b:2} end`:           "",
		`.`: "",
	} {
		rules, err := partitioner.Spec{Prefix: prefix, Query: query}.Parse()
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		var got []string
		for _, f := range rules.Fields() {
			got = append(got, strings.Join(f, "."))
		}
		source, members := rules.Program()
		if strings.Join(got, " ") != fields || (source == query) != (fields == "") || rules.Query() != query {
			t.Errorf("%s: fields %v, program %q", query, got, source)
		}
		if diff := cmp.Diff([]string{"b", "a"}, members); source != "" && diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		if _, ok := rules.IdentityOf("b"); ok != (fields != "" && !strings.Contains(query, "Y-")) {
			t.Errorf("%s: b is a field itself: %v", query, ok)
		}
	}
	if _, err := (partitioner.Spec{Prefix: prefix, Query: "{a:.x}", Keys: prefixKeys}).Parse(); err == nil {
		t.Error("keys beside a query are taken")
	}
	if _, err := (partitioner.Spec{Prefix: prefix, Query: "{a:.x}"}).Parse(); err == nil || !strings.Contains(err.Error(), `no partition key "b"`) {
		t.Errorf("a simple query without a key of the prefix: %v", err)
	}
	rules, err := partitioner.Spec{Prefix: "x/!{timestamp:yyyy}/", Query: ".a | {b}"}.Parse()
	if source, _ := rules.Program(); err != nil || source != "" {
		t.Errorf("a query of which no folder has a key: %q, %v", source, err)
	}
}

// With a query, what would be null elsewhere is a fault, of this record alone.
func TestQueryFault(t *testing.T) {
	rules, err := partitioner.Spec{Prefix: "!{timestamp:yyyy}/!{partitionKeyFromQuery:a}/b=!{partitionKeyFromQuery:b}-x/", Query: ". | {a, b}"}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	e := rules.Evaluator()
	for _, c := range []struct{ a, b, want string }{
		{`"x"`, `5`, ""}, {`""`, `5`, "a is empty"}, {`"x"`, `5`, ""}, {``, `5`, "a is missing"}, {`"x"`, `null`, "b is null"},
		{`"x"`, `[]`, "b is an array"}, {`{}`, `[]`, "a is an object"}, {`"` + strings.Repeat("/", 100) + `"`, `1`, "too long"}, {`false`, `1.50`, ""},
		{`"x"`, `"` + strings.Repeat("x", 255) + `"`, "too long"},
	} {
		path := string(e.AppendPath(nil, [][]byte{[]byte(c.a), []byte(c.b)}, prefixArrival))
		switch fault := e.Fault(); {
		case c.want == "" && (fault != nil || strings.Contains(path, null)):
			t.Errorf("%s %s: %v, %s", c.a, c.b, fault, path)
		case c.want != "" && (fault == nil || !strings.Contains(fault.Error(), c.want)):
			t.Errorf("%s %s: %v, want %s", c.a, c.b, fault, c.want)
		}
	}
	keyed, err := partitioner.Spec{Prefix: "!{partitionKeyFromQuery:customer}/", Keys: prefixKeys}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	e = keyed.Evaluator()
	if path := string(e.AppendPath(nil, make([][]byte, len(keyed.Fields())), prefixArrival)); path != null || e.Fault() != nil {
		t.Errorf("without a query: %s, %v", path, e.Fault())
	}
}

// Whatever a query is, it is read as fields or left to be a program, and a path of
// its values stays within its folders.
func FuzzQuery(f *testing.F) {
	f.Add(`{a:.x,"b c":(.y."z w"|strftime("%H"))}`, `"x"`)
	f.Add(`{a: if .x then 1 else 2 end}`, `{}`)
	f.Fuzz(func(t *testing.T, query, value string) {
		rules, err := partitioner.Spec{Prefix: "!{partitionKeyFromQuery:a}/", Query: query}.Parse()
		if err != nil || query == "" || !token(value) {
			return
		}
		n := len(rules.Fields())
		if source, members := rules.Program(); source != "" {
			n += len(members)
		}
		values := make([][]byte, n)
		for i := range values {
			values[i] = []byte(value)
		}
		e := rules.Evaluator()
		path := string(e.AppendPath(nil, values, prefixArrival))
		if e.Fault() == nil && (path == "" || strings.ContainsAny(path, "/") || path[0] == '.') {
			t.Errorf("%s of %s: %q", query, value, path)
		}
	})
}
