package presto

import "strings"

// bareAliases are words that DuckDB takes as the name of a column only behind AS, and
// Presto without it. Names of types are not among them, nor words that follow a value by
// themselves, such as FOLLOWING.
var bareAliases = wordSet(`add admin after call cascade catalog comment commit committed data day dec definer encoding error first last row time timestamp zone
	excluding functions grant granted groups hour including input invoker isolation key level local match matched materialized
	minute month next no none object option passing privileges read refresh rename repeatable replace reset restrict revoke role
	rollback schema schemas second security serializable session sets start system tables transaction truncate type uncommitted
	unknown update use user validate value version view without work wrapper write year`)

// noValue are words with which no value ends.
var noValue = wordSet(`select distinct all any some from where and or not on having by case when then else between in like as escape
	join set using with recursive values union except intersect order group limit offset fetch nulls unbounded current is for into
	insert create table exists cross inner left right full outer natural lateral over partition range filter at interval to
	asc desc extract no show explain unnest`)

// isAlias reports whether the current token is the name that a value is given without AS.
func (f *front) isAlias() bool {
	t, before, after := f.at(0), f.at(-1), f.at(1)
	if t.kind != word || !bareAliases[strings.ToLower(t.text)] || !f.tokens[0].is("SELECT", "WITH", "(", "FROM") {
		return false
	}
	switch before.kind {
	case word:
		if noValue[strings.ToLower(before.text)] {
			return false
		}
	case text, number: // of an interval it is the unit
		if f.at(-2).is("INTERVAL", "OFFSET", "FIRST", "NEXT") || f.at(-2).is("+", "-") && f.at(-3).is("INTERVAL") {
			return false
		}
	case quoted:
	default:
		if !before.is(")", "]") {
			return false
		}
	}
	return after.from == after.to || after.is(",", ")", ";", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FETCH", "WINDOW",
		"UNION", "EXCEPT", "INTERSECT")
}
