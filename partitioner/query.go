package partitioner

import (
	"regexp"
	"slices"
	"strings"
)

// simpleQuery reads a jq query that is an object of names and paths, as in
// {customer:.customer.id, year:.ts|strftime("%Y")}: what it gives is known as fields
// and their parts, and no program has to run. ok is false for any other query.
func simpleQuery(source string) (keys map[string]string, ok bool) {
	text := strings.TrimSpace(source)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return nil, false
	}
	keys = map[string]string{}
	for rest := text[1 : len(text)-1]; ; {
		m := queryMember.FindStringSubmatch(rest)
		if m == nil || (m[2] == "(") != (m[5] == ")") {
			return nil, false
		}
		name := strings.Trim(m[1], `"`)
		var path []string
		for _, segment := range querySegment.FindAllStringSubmatch(m[3], -1) {
			path = append(path, `"`+segment[1]+segment[2]+`"`)
		}
		field := strings.Join(path, ".")
		if m[4] != "" {
			function, ok := strftime[m[4]]
			if !ok {
				return nil, false
			}
			field = function + "(" + field + ")"
		}
		if _, twice := keys[name]; twice {
			return nil, false
		}
		keys[name] = field
		if rest = rest[len(m[0]):]; rest == "" {
			return keys, true
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = rest[1:]
	}
}

// strftime has the formats that are a part of a time by themselves.
var strftime = map[string]string{"%Y": "year", "%m": "month", "%Y-%m-%d": "day", "%H": "hour"}

const (
	queryWord = `[A-Za-z_][A-Za-z0-9_]*`
	queryText = `[^"\\]+`
)

var (
	querySegment = regexp.MustCompile(`\.(?:(` + queryWord + `)|"(` + queryText + `)")`)
	queryMember  = regexp.MustCompile(`^\s*(` + queryWord + `|"` + queryText + `")\s*:\s*(\(?)\s*` +
		`((?:\.(?:` + queryWord + `|"` + queryText + `"))+)\s*(?:\|\s*strftime\(\s*"([^"]+)"\s*\)\s*)?(\)?)\s*`)
	queryName = regexp.MustCompile(`!\{partitionKeyFromQuery:([^}]*)\}`)
)

// readQuery takes the keys of a Spec's Query.
func (r *Rules) readQuery(s *Spec) {
	r.required, r.source = true, s.Query
	if keys, ok := simpleQuery(s.Query); ok {
		s.Keys = keys
		return
	}
	r.program = s.Query
	for _, m := range queryName.FindAllStringSubmatch(s.Prefix, -1) {
		if m[1] != "" && !slices.Contains(r.members, m[1]) {
			r.members = append(r.members, m[1])
			r.queries = append(r.queries, query{name: m[1], field: len(r.members) - 1})
		}
	}
}

// Query is the Spec's, which these rules do not check; empty for none.
func (r *Rules) Query() string { return r.source }

// Program is the Spec's Query where it takes a jq program to answer it: the values of
// [Evaluator.AppendPath] are then not those of Fields, of which there are none, but
// these members of the object that the program makes of the record. It is empty for
// rules that read the record themselves, and where no folder has a key.
func (r *Rules) Program() (source string, members []string) {
	if len(r.members) == 0 {
		return "", nil
	}
	return r.program, slices.Clone(r.members)
}

// A KeyError says why a record has no partition though its rules want one.
type KeyError struct {
	Key string // as !{partitionKeyFromQuery:…} names it; "" where the whole folder is at fault
	Why string
}

func (e *KeyError) Error() string {
	if e.Key == "" {
		return e.Why
	}
	return "the partition key " + e.Key + " is " + e.Why
}

// keyError says why a folder of required keys has no text.
func (e *Evaluator) keyError(f *folder, values [][]byte) *KeyError {
	for _, el := range f.elements {
		if el.kind != queryValue {
			continue
		}
		q, why := e.prefix.queries[el.index], ""
		token := values[q.field]
		text, ok := e.appendQuery(nil, q, token)
		switch {
		case ok && len(text) > 0:
			continue
		case len(token) == 0:
			why = "missing"
		case token[0] == 'n':
			why = "null"
		case q.part != partValue:
			why = "no point in time"
		case token[0] == '{':
			why = "an object; want a string, a number or a boolean"
		case token[0] == '[':
			why = "an array; want a string, a number or a boolean"
		default:
			why = "empty"
		}
		return &KeyError{Key: q.name, Why: why}
	}
	return &KeyError{Why: "the partition's folder, or its whole path, would be too long"}
}
