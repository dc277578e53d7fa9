package statement

import "sluice/query/syntax"

// Corresponding is the position in the original statement of what is at a
// position in the rewritten one, given the trees of both, which have the same
// shape; -1 if it is not known.
func Corresponding(original, rewritten []byte, position int) int {
	a, err1 := syntax.Decode(original)
	b, err2 := syntax.Decode(rewritten)
	if err1 != nil || err2 != nil {
		return -1
	}
	return corresponding(a, b, position)
}

func corresponding(a, b node, at int) int {
	if syntax.Position(b) == at {
		return syntax.Position(a)
	}
	var as, bs []node
	syntax.Children(a, func(n node) { as = append(as, n) })
	syntax.Children(b, func(n node) { bs = append(bs, n) })
	if len(as) != len(bs) {
		return -1
	}
	for i := range as {
		if found := corresponding(as[i], bs[i], at); found >= 0 {
			return found
		}
	}
	return -1
}
