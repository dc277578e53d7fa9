package presto

import "math"

var varbinary = &valueType{name: "varbinary"}

// ofBytes is a call of a function that there is for texts and for varbinary, of the
// latter, which DuckDB has not; and reverse of an array.
func (r *rewriter) ofBytes(n node, name string, args []node) bool {
	if name == "reverse" && len(args) == 1 && nameOf(kindOf(args[0])) == "array" {
		become(n, call("list_reverse", args[0]))
		return true
	}
	if len(args) == 0 || nameOf(kindOf(args[0])) != "varbinary" || class(n) != "FUNCTION" {
		return false
	}
	switch {
	case name == "length" && len(args) == 1:
		become(n, call("octet_length", args[0]))
	case name == "reverse" && len(args) == 1:
		become(n, r.macro("presto_reverse_bytes", args[0]))
	case (name == "substr" || name == "substring") && len(args) == 2:
		become(n, r.macro("presto_substr_bytes", args[0], args[1], integer(math.MaxInt32)))
	case (name == "substr" || name == "substring") && len(args) == 3:
		become(n, r.macro("presto_substr_bytes", args...))
	case (name == "lpad" || name == "rpad") && len(args) == 3:
		become(n, r.macro("presto_"+name+"_bytes", args...))
	default:
		return false
	}
	return true
}
