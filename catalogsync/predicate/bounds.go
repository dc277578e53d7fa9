package predicate

// A truthRange is what a node can be where only one of the values is known.
type truthRange struct{ least, most truth }

var anyTruth = truthRange{no, yes}

// Keys is how many keys the predicate is over.
func (p *Predicate) Keys() int { return len(p.keys) }

// Names reports whether the predicate says anything of the i-th key.
func (p *Predicate) Names(i int) bool { return p.root != nil && p.root.names(i) }

// MayHold reports whether the predicate can hold for a partition whose i-th value
// is this one. It may say so of one for which it never does.
func (p *Predicate) MayHold(i int, value string) bool {
	if p.root == nil {
		return true
	}
	values := make([]string, len(p.keys))
	values[i] = value
	return p.root.rangeOf(i, values).most == yes
}

func (a and) names(key int) bool     { return anyNames(a, key) }
func (o or) names(key int) bool      { return anyNames(o, key) }
func (n not) names(key int) bool     { return n.node.names(key) }
func (c compare) names(key int) bool { return c.key.index == key }
func (n in) names(key int) bool      { return n.key.index == key }
func (l like) names(key int) bool    { return l.key.index == key }
func (n isNull) names(key int) bool  { return n.key.index == key }

func anyNames(nodes []node, key int) bool {
	for _, n := range nodes {
		if n.names(key) {
			return true
		}
	}
	return false
}

func (a and) rangeOf(key int, values []string) truthRange {
	r := truthRange{yes, yes}
	for _, n := range a {
		p := n.rangeOf(key, values)
		r = truthRange{min(r.least, p.least), min(r.most, p.most)}
	}
	return r
}

func (o or) rangeOf(key int, values []string) truthRange {
	r := truthRange{no, no}
	for _, n := range o {
		p := n.rangeOf(key, values)
		r = truthRange{max(r.least, p.least), max(r.most, p.most)}
	}
	return r
}

func (n not) rangeOf(key int, values []string) truthRange {
	r := n.node.rangeOf(key, values)
	return truthRange{yes - r.most, yes - r.least}
}

func (c compare) rangeOf(key int, values []string) truthRange { return leafRange(c, key, values) }
func (n in) rangeOf(key int, values []string) truthRange      { return leafRange(n, key, values) }
func (l like) rangeOf(key int, values []string) truthRange    { return leafRange(l, key, values) }
func (n isNull) rangeOf(key int, values []string) truthRange  { return leafRange(n, key, values) }

// leafRange is what a node of one key is: itself where the key is the one known.
func leafRange(n node, key int, values []string) truthRange {
	if !n.names(key) {
		return anyTruth
	}
	t := n.eval(values)
	return truthRange{t, t}
}
