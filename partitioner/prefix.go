package partitioner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that a time zone is there wherever Sluice runs

	"sluice/internal/lake"
)

// A Spec says how a stream is partitioned: by PartitionBy, or, where it is set, by
// Prefix.
type Spec struct {
	PartitionBy []string // as Parse reads it
	// Prefix is a custom prefix of Amazon Data Firehose.
	Prefix string
	// Keys are the fields that !{partitionKeyFromQuery:name} stands for, by name:
	// paths, or year, month, day or hour of one.
	Keys map[string]string
	// Query is in place of Keys: a jq query whose result is an object of them. A record
	// must have each that the Prefix names, see [Evaluator.Fault].
	Query string
	// TimeZone is that of !{timestamp:…}, an IANA name; empty: UTC.
	TimeZone string
}

// Parse makes the rules.
func (s Spec) Parse() (*Rules, error) {
	if s.Prefix == "" {
		return Parse(s.PartitionBy)
	}
	r := &Rules{}
	zone, err := loadZone(s.TimeZone)
	if err != nil {
		return nil, err
	}
	r.zone = zone
	if s.Query != "" && len(s.Keys) > 0 {
		return nil, fmt.Errorf("there are partition keys beside a query of them: want one of both")
	}
	if s.Query != "" {
		r.readQuery(&s)
	}
	names := map[string]int{}
	for i, q := range r.queries {
		names[q.name] = i
	}
	for _, name := range slices.Sorted(maps.Keys(s.Keys)) {
		expr, err := parseExpression(s.Keys[name])
		if err == nil && expr.field == nil {
			err = fmt.Errorf("ingest is not a field: !{timestamp:…} is the time of arrival")
		}
		if err != nil {
			return nil, fmt.Errorf("partition key %q: %w", name, err)
		}
		names[name] = len(r.queries)
		r.queries = append(r.queries, query{name: name, part: expr.part, field: r.fieldIndex(expr.field)})
	}
	prefix := s.Prefix
	if !strings.Contains(prefix, "!{") {
		prefix = strings.TrimSuffix(prefix, "/") + "/!{timestamp:yyyy/MM/dd/HH}/" // as Firehose does
	}
	elements, err := parseElements(prefix, names, successSpaces)
	if err == nil {
		r.folders, err = foldersOf(elements)
	}
	if err == nil {
		err = r.nameFolders()
	}
	if err != nil {
		return nil, fmt.Errorf("prefix %q: %w", s.Prefix, err)
	}
	return r, nil
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("time zone %q: want UTC or a name such as Europe/Berlin", name)
	}
	return zone, nil
}

// A query is a value of the record: a field, or a part of the time in it. Of rules with
// a program, field is an index of its members.
type query struct {
	name  string
	part  part
	field int
}

// The kinds of elements.
type elementKind uint8

const (
	literal    elementKind = iota
	timePart               // of the arrival
	queryValue             // partitionKeyFromQuery
	randomText             // firehose:random-string
	errorType              // firehose:error-output-type
)

// An element is a piece of a prefix.
type element struct {
	kind  elementKind
	text  string // of a literal
	time  timeField
	index int // of the query, or of the random string
}

// The namespaces that a prefix may have.
const (
	successSpaces = "!{timestamp:…}, !{partitionKeyFromQuery:…} and !{firehose:random-string}"
	errorSpaces   = "!{timestamp:…}, !{firehose:random-string} and !{firehose:error-output-type}"
)

// parseElements reads a prefix.
func parseElements(s string, queries map[string]int, spaces string) (elements []element, err error) {
	randoms := 0
	for s != "" {
		at := strings.Index(s, "!{")
		if at < 0 {
			return append(elements, element{text: s}), nil
		}
		if at > 0 {
			elements = append(elements, element{text: s[:at]})
		}
		end := strings.IndexByte(s[at:], '}')
		if end < 0 {
			return nil, fmt.Errorf("%q has no closing brace", s[at:])
		}
		namespace, value, _ := strings.Cut(s[at+2:at+end], ":")
		text := s[at : at+end+1]
		s = s[at+end+1:]
		switch {
		case namespace == "timestamp":
			parts, err := parsePattern(value)
			if err != nil {
				return nil, err
			}
			for _, p := range parts {
				e := element{kind: timePart, time: p.timeField, text: p.text}
				if p.letter == 0 {
					e.kind = literal
				}
				elements = append(elements, e)
			}
		case namespace == "partitionKeyFromQuery" && spaces == successSpaces:
			i, ok := queries[value]
			if !ok {
				return nil, fmt.Errorf("%s: there is no partition key %q; those there are: %q", text, value, slices.Sorted(maps.Keys(queries)))
			}
			elements = append(elements, element{kind: queryValue, index: i})
		case namespace == "firehose" && value == "random-string":
			elements = append(elements, element{kind: randomText, index: randoms})
			randoms++
		case namespace == "firehose" && value == "error-output-type" && spaces == errorSpaces:
			elements = append(elements, element{kind: errorType})
		default:
			return nil, fmt.Errorf("%s is not known here: want %s", text, spaces)
		}
	}
	return elements, nil
}

// A folder is one level of a prefix.
type folder struct {
	name     string // of the partition column; "" for a constant folder
	prefix   string // of the path, such as "/dt="; all of a constant folder
	elements []element
}

// foldersOf cuts elements at the slashes in their texts.
func foldersOf(elements []element) (folders []folder, err error) {
	var f folder
	for _, e := range elements {
		if e.kind != literal {
			f.elements = append(f.elements, e)
			continue
		}
		pieces := strings.Split(e.text, "/")
		for i, piece := range pieces {
			if i > 0 {
				if len(f.elements) > 0 {
					folders = append(folders, f)
				}
				f = folder{}
			}
			if piece != "" {
				f.elements = append(f.elements, element{text: piece})
			}
		}
	}
	if len(f.elements) > 0 {
		folders = append(folders, f)
	}
	return folders, nil
}

// nameFolders finds the partition columns: name=value is one by name, and another
// folder with an expression is partition_0, partition_1 and so on, as crawlers of AWS
// Glue have it.
func (r *Rules) nameFolders() error {
	unnamed, shortest := 0, -1
	for i := range r.folders {
		f := &r.folders[i]
		first := f.elements[0]
		name, rest, named := "", "", false
		if first.kind == literal {
			name, rest, named = strings.Cut(first.text, "=")
		}
		constant := !slices.ContainsFunc(f.elements, func(e element) bool { return e.kind != literal })
		switch {
		case named && name != "":
			f.name = lake.CleanName(name)
			if err := checkName(f.name); err != nil {
				return err
			}
			f.prefix = string(appendEscaped(nil, name)) + "="
			f.elements[0].text = rest
			if rest == "" {
				f.elements = f.elements[1:]
			}
			if len(f.elements) == 0 {
				return fmt.Errorf("the folder %s= has no value", name)
			}
		case constant:
			var text strings.Builder
			for _, e := range f.elements {
				text.WriteString(e.text)
			}
			f.prefix, f.elements = escapeFolder(text.String()), nil
			if text := text.String(); text == "." || text == ".." || text[0] == '_' || text[0] == '.' {
				return fmt.Errorf("the folder %q is hidden from Hive and Spark: its name must not begin with _ or a dot", text)
			}
		default:
			f.name = fmt.Sprintf("partition_%d", unnamed)
			unnamed++
		}
		if slices.ContainsFunc(r.folders[:i], func(o folder) bool { return o.name != "" && o.name == f.name }) {
			return fmt.Errorf("the partition column %s stands twice", f.name)
		}
		if i > 0 {
			f.prefix = "/" + f.prefix
		}
		shortest += 1 + len(f.prefix)
		if f.name != "" {
			shortest += len(lake.NullPartition)
		}
	}
	if !slices.ContainsFunc(r.folders, func(f folder) bool { return f.name != "" }) {
		return fmt.Errorf("no folder has an expression")
	}
	if shortest > maxPrefix {
		return fmt.Errorf("a path would take %d bytes at least, more than %d", shortest, maxPrefix)
	}
	return nil
}

// maxPrefix is how long an evaluated prefix may be, by the API.
const maxPrefix = 512

// escapeFolder escapes a folder's whole name, so that it is no hidden one and no
// other's.
func escapeFolder(s string) string { return string(appendFolder(nil, s)) }

// appendFolder appends a folder's name. A dot or an underscore at its beginning would
// hide it from Hive and Spark.
func appendFolder[T string | []byte](dst []byte, s T) []byte {
	if len(s) > 0 && (s[0] == '.' || s[0] == '_') && string(s) != lake.NullPartition {
		dst = append(dst, '%', upperHex[s[0]>>4], upperHex[s[0]&15])
		s = s[1:]
	}
	return appendEscaped(dst, s)
}
