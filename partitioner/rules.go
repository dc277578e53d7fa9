package partitioner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
)

const (
	// MaxSegment bounds one folder's name, in bytes: what ext4, XFS and APFS take.
	MaxSegment = 255
	// MaxPath bounds the whole path, in bytes, so that with the lake's prefix, the
	// table's folder and a data file's name it stays within S3's 1024 bytes a key.
	MaxPath = 768
	// maxName bounds a partition column's name; Glue takes 255 bytes.
	maxName = 128
)

// Default is the rule of a stream that has none.
const Default = "dt=day(ingest)"

// Rules say which partition a record belongs to. They are immutable and safe
// for concurrent use.
type Rules struct {
	rules  []rule
	fields [][]string
	// Of a prefix, which has no rules: its folders, not nil then.
	folders []folder
	queries []query
	zone    *time.Location
	// Of a prefix with a query: see Spec.Query, Program.
	required bool // a record must have all keys
	source   string
	program  string // the source, where it is not a simple one
	members  []string
}

// A rule is one partition column. field is an index into Rules.fields, -1 for
// the arrival time.
type rule struct {
	name  string
	part  part
	field int
}

// Parse reads a partition_by list of "name=expression"; the package's
// documentation has the grammar. An empty list means Default. The error holds
// every fault.
func Parse(specs []string) (*Rules, error) {
	if len(specs) == 0 {
		specs = []string{Default}
	}
	r := &Rules{}
	var errs []error
	shortest := -1 // of the path, with every value null
	for _, spec := range specs {
		if err := r.add(spec); err != nil {
			errs = append(errs, fmt.Errorf("partition rule %q: %w", spec, err))
			continue
		}
		shortest += 1 + len(r.rules[len(r.rules)-1].name) + len("=") + len(lake.NullPartition)
	}
	if shortest > MaxPath {
		errs = append(errs, fmt.Errorf("partition rules: too many or too long names: a path would take %d bytes, more than %d", shortest, MaxPath))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Rules) add(spec string) error {
	name, text, ok := strings.Cut(spec, "=")
	if !ok {
		return fmt.Errorf("want name=expression, such as %s or country=userCountry", Default)
	}
	name = strings.TrimSpace(name)
	err := checkName(name)
	if slices.ContainsFunc(r.rules, func(o rule) bool { return o.name == name }) {
		err = fmt.Errorf("a second rule for the column %s", name)
	}
	expr, exprErr := parseExpression(text)
	if err := errors.Join(err, exprErr); err != nil {
		return err
	}
	r.rules = append(r.rules, rule{name: name, part: expr.part, field: r.fieldIndex(expr.field)})
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("no column name before the =")
	case lake.CleanName(name) != name:
		return fmt.Errorf("the column name %q may have a–z, 0–9 and _ only: write %s", name, lake.CleanName(name))
	case name[0] == '_':
		return fmt.Errorf("the column name %q begins with _, which Hive and Spark take for a hidden folder", name)
	case len(name) > maxName:
		return fmt.Errorf("the column name %q is longer than %d bytes", name, maxName)
	}
	return nil
}

func (r *Rules) fieldIndex(field []string) int {
	if field == nil {
		return -1
	}
	for i, f := range r.fields {
		if slices.Equal(f, field) {
			return i
		}
	}
	r.fields = append(r.fields, field)
	return len(r.fields) - 1
}

// Keys are the partition columns in order, of type string.
func (r *Rules) Keys() []lake.Column {
	keys := make([]lake.Column, len(r.rules), len(r.rules)+len(r.folders))
	for _, f := range r.folders {
		if f.name != "" {
			keys = append(keys, lake.Column{Name: f.name, Type: lake.String})
		}
	}
	for i, rule := range r.rules {
		keys[i] = lake.Column{Name: rule.name, Type: lake.String}
	}
	return keys
}

// An Expression is what a partition column is made of.
type Expression struct {
	Name string
	// Function is year, month, day or hour; empty: the field's plain value.
	Function string
	Field    []string // nil: the arrival time
}

// Expressions are those of all partition columns, in order; ok is false where a prefix
// says it in another way.
func (r *Rules) Expressions() (out []Expression, ok bool) {
	for _, rule := range r.rules {
		e := Expression{Name: rule.name, Function: rule.part.function()}
		if rule.field >= 0 {
			e.Field = slices.Clone(r.fields[rule.field])
		}
		out = append(out, e)
	}
	return out, len(r.folders) == 0
}

// Fields are the distinct paths, in segments, of the fields that the rules read;
// none for rules on the arrival time alone.
func (r *Rules) Fields() [][]string {
	fields := make([][]string, len(r.fields))
	for i, f := range r.fields {
		fields[i] = slices.Clone(f)
	}
	return fields
}

// IdentityOf is the field whose plain value the partition column is; ok is false
// for a function's column and for a name that is not a partition column.
func (r *Rules) IdentityOf(name string) (field []string, ok bool) {
	for _, rule := range r.rules {
		if rule.name == name && rule.part == partValue {
			return slices.Clone(r.fields[rule.field]), true
		}
	}
	for i := range r.folders {
		if f := &r.folders[i]; f.name == name && r.program == "" {
			if at, ok := (&folderState{queries: r.queries}).identity(f); ok {
				return slices.Clone(r.fields[at]), true
			}
		}
	}
	return nil, false
}
