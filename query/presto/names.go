package presto

import "strings"

// unreserved are words that DuckDB's grammar keeps for itself and Presto's takes as
// names.
var unreserved = wordSet(`analyse analyze anti any array asc asof asymmetric authorization binary both check collate
	collation column columns concurrently default deferrable desc do fetch foreign freeze generated glob ilike initially isnull
	lambda lateral leading limit map notnull offset only overlaps pivot pivot_longer pivot_wider placing positional primary
	qualify references returning semi show similar some struct summarize symmetric tablesample to trailing unique unpack unpivot
	variadic verbose window`)

// beforeOperand are what a value or a name of a table can follow, and afterOperand
// what can follow one.
var (
	beforeOperand = wordSet(`select distinct where and or not on having by case when then else between in like as from join set using`)
	afterOperand  = wordSet(`from as and or in is not between like asc desc group order having where nulls then else end when on union
		except intersect cross inner left right full join limit`)
)

func wordSet(words string) map[string]bool {
	out := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// isName reports whether the current token is a name that must be in quotes for
// DuckDB: at wherever it does not begin AT TIME ZONE, and others where only a name
// can stand.
func (f *front) isName() bool {
	t, before, after := f.at(0), f.at(-1), f.at(1)
	if t.kind != word {
		return false
	}
	lower := strings.ToLower(t.text)
	if lower == "at" {
		return !(after.is("TIME") && f.at(2).is("ZONE"))
	}
	if !unreserved[lower] {
		return false
	}
	if before.is(".") {
		return true
	}
	switch {
	case before.is("*") && (f.at(-2).is("SELECT", "DISTINCT", ",", "(", ".") || f.at(-2).kind == 0): // all columns
		return false
	case before.kind == sign && !before.is(")", "]", ";"):
	case !beforeOperand[strings.ToLower(before.text)]:
		return false
	}
	return after.from == after.to || after.kind == sign && !after.is("(", "[") || after.kind == word && afterOperand[strings.ToLower(after.text)]
}
