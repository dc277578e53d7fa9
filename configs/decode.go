package configs

import (
	"fmt"
	"reflect"
	"strings"

	"sluice/internal/lake"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the values read from a file, those behind aliases counted
// each time; maxFaults what is said of one that is not a configuration at all.
const (
	maxNodes  = 100_000
	maxFaults = 100
)

// A decoder reads the node tree of one YAML document into a Config, strictly,
// and collects what is wrong with it.
type decoder struct {
	file   string // as messages name it
	nodes  int    // read so far
	origin map[string]string
	faults Faults
}

// fault notes that the value at n is wrong.
func (d *decoder) fault(n *yaml.Node, path, format string, args ...any) {
	switch {
	case len(d.faults) > maxFaults:
		return
	case len(d.faults) == maxFaults:
		path, format, args = "", "more faults follow; mend these first", nil
	}
	d.faults = append(d.faults, Fault{Where: d.where(n), Path: path, Text: fmt.Sprintf(format, args...)})
}

func (d *decoder) where(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d", d.file, n.Line)
}

// spend counts one more value and reports whether there is room for it.
func (d *decoder) spend(n *yaml.Node, path string) bool {
	d.nodes++
	if d.nodes == maxNodes+1 {
		d.fault(n, path, "the file holds more than %d values, aliases expanded", maxNodes)
	}
	return d.nodes <= maxNodes && len(d.faults) <= maxFaults
}

// value reads n into v and remembers where the setting at path came from.
func (d *decoder) value(n *yaml.Node, path string, v reflect.Value) {
	if !d.spend(n, path) {
		return
	}
	d.origin[path] = d.where(n)
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch v.Kind() {
	case reflect.Struct:
		if c, ok := v.Addr().Interface().(*lake.ColumnSpec); ok && n.Kind == yaml.ScalarNode {
			d.scalar(n, path, reflect.ValueOf(&c.Type).Elem())
			return
		}
		d.structure(n, path, v)
	case reflect.Map:
		d.mapping(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	default:
		d.scalar(n, path, v)
	}
}

// isNull reports whether nothing stands where n is: "http:" with all of its
// settings commented out, say.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// pairs calls each for every key of a mapping, after checking the keys.
func (d *decoder) pairs(n *yaml.Node, path, want string, each func(key, value *yaml.Node)) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fault(n, path, "want %s, found %s", want, describe(n))
		return
	}
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.spend(key, path) {
			return
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch line, seen := first[key.Value]; {
		case key.Kind != yaml.ScalarNode || isNull(key):
			d.fault(n.Content[i], path, "a key must be a word, found %s", describe(key))
		case key.ShortTag() == "!!merge":
			d.fault(key, path, "merge keys (<<) are not supported; write the settings out")
		case seen:
			d.fault(key, join(path, key.Value), "set twice, first in line %d", line)
		default:
			first[key.Value] = key.Line
			each(key, value)
		}
	}
}

// structure reads the settings of a section.
func (d *decoder) structure(n *yaml.Node, path string, v reflect.Value) {
	keys := make([]string, v.NumField())
	fields := make(map[string]reflect.Value, v.NumField())
	for i := range v.NumField() {
		keys[i] = keyOf(v.Type().Field(i))
		fields[keys[i]] = v.Field(i)
	}
	short, ok := v.Addr().Interface().(interface{ shorthand(text string) bool })
	if ok && n.Kind == yaml.ScalarNode && short.shorthand(n.Value) {
		return
	}
	d.pairs(n, path, "settings (key: value)", func(key, value *yaml.Node) {
		field, ok := fields[key.Value]
		if !ok {
			d.fault(key, join(path, key.Value), "unknown setting; %s", suggestKey(key.Value, path, keys))
			return
		}
		d.value(value, join(path, key.Value), field)
		d.origin[join(path, key.Value)] = d.where(key)
	})
}

// suggestKey says what the unknown key in the section at path may have been
// meant to be: a key of that section, or of the same name in another.
func suggestKey(key, path string, keys []string) string {
	if near := nearest(key, keys); near != "" && !strings.Contains(key, ".") {
		return "did you mean " + near + "?"
	}
	last := key[strings.LastIndexByte(key, '.')+1:]
	for _, s := range Settings() {
		section, name, nested := strings.Cut(s.Path, ".")
		if nested && !ofEntry(s.Path) && name == last && section != path {
			return fmt.Sprintf("did you mean %s, which goes under %s:?", name, section)
		}
		if !nested && s.Path == key && path != "" {
			return fmt.Sprintf("did you mean %s at the top level?", s.Path)
		}
	}
	return didYouMean(key, keys)
}

// mapping reads a map of names to streams or to strings.
func (d *decoder) mapping(n *yaml.Node, path string, v reflect.Value) {
	v.SetZero()
	d.pairs(n, path, "a map (name: value)", func(key, value *yaml.Node) {
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(value, join(path, key.Value), elem)
		d.origin[join(path, key.Value)] = d.where(key)
		v.SetMapIndex(reflect.ValueOf(key.Value), elem)
	})
}

// list reads a list of strings.
func (d *decoder) list(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n, path, "want a list, such as [a, b], found %s", describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
	}
}

// scalar reads a single value.
func (d *decoder) scalar(n *yaml.Node, path string, v reflect.Value) {
	switch {
	case isNull(n):
		d.fault(n, path, "has no value; want %s, or leave the line out for the default", wanted(v.Type()))
	case n.Kind != yaml.ScalarNode:
		d.fault(n, path, "want %s, found %s", wanted(v.Type()), describe(n))
	case n.ShortTag() == "!!binary" || !strings.HasPrefix(n.ShortTag(), "!!"):
		d.fault(n, path, "the tag %s is not supported; want %s", n.Tag, wanted(v.Type()))
	default:
		if err := setScalar(v, n.Value); err != nil {
			d.fault(n, path, "%v", err)
		}
	}
}

// describe names what stands at n, for a message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map (key: value)"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if isNull(n) {
		return "nothing"
	}
	return fmt.Sprintf("%q", shorten(n.Value))
}

// shorten keeps a message short whatever the file holds.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
