package configs

import (
	_ "embed"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluice/internal/lake"
)

// Sample is the sample configuration: every setting explained, with its default.
//
//go:embed sluice.yaml
var Sample string

// EnvPrefix begins the environment variable of every setting.
const EnvPrefix = "SLUICE_"

// A Setting describes one setting.
type Setting struct {
	Path    string `json:"path"`          // such as buffer.size; streams.*.table for one of each stream
	Env     string `json:"env,omitempty"` // its environment variable; empty for one of a stream
	Type    string `json:"type"`          // string, bool, int, number, bytes, duration, list, map, or the name of a collection: streams, keys
	Default string `json:"default"`
	// Values are the only ones allowed, where they can be listed.
	Values []string `json:"values,omitempty"`
	Min    string   `json:"min,omitempty"`
	Max    string   `json:"max,omitempty"`
	Doc    string   `json:"doc"` // the sample's comment
}

// Settings lists every setting, in the order of the Config type.
func Settings() []Setting {
	docs := sampleDocs()
	var list []Setting
	walk(reflect.ValueOf(Default()), "", func(path string, v reflect.Value) {
		s := Setting{Path: path, Type: typeName(v.Type()), Default: format(v), Doc: docs[path]}
		if !ofEntry(path) {
			s.Env = envName(path)
		}
		if r, ok := rules[path]; ok {
			s.Values = r.values
			s.Min, s.Max = r.bounds(v)
		}
		list = append(list, s)
	})
	return list
}

// envName is the environment variable of the setting at path.
func envName(path string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// anyName stands in a path for the name of an entry of a collection: of a stream,
// of a key.
const anyName = "*"

// isCollection reports whether settings of the type are entries by name, which
// have settings of their own. Columns are not: one is mostly a type alone.
func isCollection(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && t.Elem() != reflect.TypeFor[lake.ColumnSpec]()
}

// collections are the paths of the collections.
var collections = sync.OnceValue(func() (paths []string) {
	walk(reflect.ValueOf(Config{}), "", func(path string, v reflect.Value) {
		if isCollection(v.Type()) {
			paths = append(paths, path)
		}
	})
	return paths
})

// ofEntry reports whether the setting at path is one of an entry of a collection.
func ofEntry(path string) bool {
	return slices.ContainsFunc(collections(), func(c string) bool { return strings.HasPrefix(path, c+".") })
}

// walk calls leaf for every setting in v, which is a Config or a part of one.
// A collection is a leaf itself, and is followed by the settings of one entry,
// under *.
func walk(v reflect.Value, path string, leaf func(path string, v reflect.Value)) {
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			walk(v.Field(i), join(path, keyOf(v.Type().Field(i))), leaf)
		}
		return
	}
	leaf(path, v)
	if isCollection(v.Type()) {
		walk(reflect.Zero(v.Type().Elem()), join(path, anyName), leaf)
	}
}

// keyOf is a field's key in YAML.
func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Bytes]():
		return "bytes"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[map[string]Stream]():
		return "streams"
	case reflect.TypeFor[map[string]Key]():
		return "keys"
	case reflect.TypeFor[map[string]Subscription]():
		return "subscriptions"
	case reflect.TypeFor[map[string]Table]():
		return "tables"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list"
	case reflect.Float64:
		return "number"
	default:
		return t.Kind().String()
	}
}

// format prints a setting's value as it would stand in the file.
func format(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case Bytes:
		return x.String()
	case time.Duration:
		return formatDuration(x)
	}
	return ""
}

// formatDuration prints 5m, where time.Duration prints 5m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// sampleDocs are the comments of the sample, by the path of the setting that
// they stand above. Its commented examples count for streams.* and keys.*.
func sampleDocs() map[string]string {
	main, example := splitSample()
	docs := make(map[string]string)
	collectDocs(main, docs)
	collectDocs(example, docs)
	return docs
}

// exampleBegins is the first line of the commented examples of collections that
// end the sample.
var exampleBegins = regexp.MustCompile(`(?m)^#[a-z_]+:$`)

// splitSample parts the sample into the settings and the commented examples at
// its end, with the comment marks taken away.
func splitSample() (main, example string) {
	at := exampleBegins.FindStringIndex(Sample)
	var b strings.Builder
	for line := range strings.Lines(Sample[at[0]:]) {
		b.WriteString(strings.TrimPrefix(line, "#"))
	}
	return Sample[:at[0]], b.String()
}

// collectDocs reads the plain YAML of the sample: two spaces a level, comments
// above their key. An empty line parts a comment from the key below it.
func collectDocs(text string, docs map[string]string) {
	var keys, comment []string
	for line := range strings.Lines(text) {
		body := strings.TrimSpace(line)
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		if c, ok := strings.CutPrefix(body, "#"); ok {
			comment = append(comment, strings.TrimSpace(c))
			continue
		}
		if key, _, ok := strings.Cut(body, ":"); ok && depth <= len(keys) {
			keys = append(keys[:depth:depth], key)
			if slices.Contains(collections(), strings.Join(keys[:depth], ".")) {
				keys[depth] = anyName
			}
			path := strings.Join(keys, ".")
			if _, ok := docs[path]; !ok && len(comment) > 0 {
				docs[path] = strings.Join(comment, " ")
			}
		}
		comment = nil
	}
}
