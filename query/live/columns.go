package live

import (
	"slices"

	"sluice/internal/lake"
)

// join is the columns of base with those of more that it lacks; a struct takes
// the fields it lacks. ok is false when they disagree on a type.
func join(base, more []lake.Column) (out []lake.Column, ok bool) {
	out = slices.Clone(base)
	for _, c := range more {
		i := slices.IndexFunc(out, func(o lake.Column) bool { return o.Name == c.Name })
		if i < 0 {
			out = append(out, c)
			continue
		}
		t, ok := joinTypes(out[i].Type, c.Type)
		if !ok {
			return base, false
		}
		out[i].Type = t
	}
	return out, true
}

func joinTypes(a, b lake.Type) (lake.Type, bool) {
	switch {
	case a.Equal(b):
		return a, true
	case a.Kind != b.Kind:
		return a, false
	case a.Kind == lake.KindStruct:
		fields, ok := join(a.Fields, b.Fields)
		return lake.StructOf(fields...), ok
	case a.Kind == lake.KindArray:
		elem, ok := joinTypes(*a.Elem, *b.Elem)
		return lake.ArrayOf(elem), ok
	case a.Kind == lake.KindMap && a.Key.Equal(*b.Key):
		elem, ok := joinTypes(*a.Elem, *b.Elem)
		return lake.Type{Kind: lake.KindMap, Key: a.Key, Elem: &elem}, ok
	}
	return a, false
}

func equal(a, b []lake.Column) bool {
	return slices.EqualFunc(a, b, func(x, y lake.Column) bool { return x.Name == y.Name && x.Type.Equal(y.Type) })
}
