package function

import "strings"

// typeNames are DuckDB's names of types that Presto calls otherwise.
var typeNames = map[string]string{"HUGEINT": "bigint", "BLOB": "varbinary", "FLOAT": "real", `"NULL"`: "unknown", "INTERVAL": "interval day to second", "TIME WITH TIME ZONE": "time with time zone", "INTEGER_LITERAL": "integer", "STRING_LITERAL": "varchar"}

// typeName is typeof: a type of DuckDB's, as it writes it, in Presto's words.
func typeName(dst []byte, args [][]byte) ([]byte, bool, error) {
	p := typeReader{rest: string(args[0])}
	out := p.read()
	if p.rest != "" || out == "" {
		return dst, false, invalid("the type %s is not known", shortened(args[0]))
	}
	return append(dst, out...), false, nil
}

// TypeNames are types of DuckDB's, as it lists them, in Presto's words; nil where there
// is one that is none.
func TypeNames(list string) []string {
	p := typeReader{rest: list + ")"}
	out := p.list(p.read)
	if p.rest != "" {
		return nil
	}
	return out
}

// TypeName is the type of DuckDB's with which text begins, in Presto's words, and what
// follows it.
func TypeName(text string) (name, rest string) {
	p := typeReader{rest: text}
	for _, plain := range []string{"TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE"} {
		if p.take(plain) {
			return strings.ToLower(plain), p.rest
		}
	}
	if end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }); end > 0 && text[end] != '(' {
		p.rest = text[:end]
		name = p.read()
		for rest = text[end:]; strings.HasPrefix(rest, "[]"); rest = rest[2:] {
			name = "array(" + name + ")"
		}
		return name, rest
	}
	return p.read(), p.rest
}

// A typeReader reads a type such as STRUCT(a INTEGER, "b c" VARCHAR[])[].
type typeReader struct{ rest string }

func (p *typeReader) take(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

// read is one type, in Presto's words; empty where there is none.
func (p *typeReader) read() string {
	var out string
	switch {
	case p.take("MAP("):
		out = named("map", p.list(p.read))
	case p.take("STRUCT("):
		out = named("row", p.list(p.field))
	case p.take("DECIMAL("):
		end := strings.IndexByte(p.rest, ')')
		if end < 0 {
			return ""
		}
		out, p.rest = "decimal("+p.rest[:end+1], p.rest[end+1:]
	case p.take(`"NULL"`):
		out = "unknown"
	default:
		name := p.rest
		if end := strings.IndexAny(name, ",)["); end >= 0 {
			name = name[:end]
		}
		p.rest = p.rest[len(name):]
		if out = typeNames[name]; out == "" {
			out = strings.ToLower(name)
		}
	}
	if out == "" {
		return ""
	}
	for p.take("[]") {
		out = "array(" + out + ")"
	}
	return out
}

func named(name string, of []string) string {
	if of == nil {
		return ""
	}
	return name + "(" + strings.Join(of, ", ") + ")"
}

// list is what stands within brackets, up to the closing one.
func (p *typeReader) list(of func() string) []string {
	var out []string
	for {
		s := of()
		if s == "" {
			return nil
		}
		out = append(out, s)
		if !p.take(", ") {
			p.take(")")
			return out
		}
	}
}

// field is one of a row, with its name where it has one. Presto puts all names in
// quotes.
func (p *typeReader) field() string {
	if strings.HasPrefix(p.rest, `"`) && !strings.HasPrefix(p.rest, `"NULL",`) && !strings.HasPrefix(p.rest, `"NULL")`) && !strings.HasPrefix(p.rest, `"NULL"[`) {
		end := 1
		for end < len(p.rest) && (p.rest[end] != '"' || strings.HasPrefix(p.rest[end:], `""`)) {
			if p.rest[end] == '"' {
				end++
			}
			end++
		}
		if end+2 > len(p.rest) {
			return ""
		}
		name := p.rest[:end+1]
		p.rest = strings.TrimPrefix(p.rest[end+1:], " ")
		return name + " " + p.read()
	}
	word, _, _ := strings.Cut(p.rest, " ")
	if strings.ContainsAny(word, ",()[") || strings.HasPrefix(p.rest, "TIMESTAMP WITH TIME ZONE") || strings.HasPrefix(p.rest, "TIME WITH TIME ZONE") || word == p.rest {
		return p.read()
	}
	p.rest = p.rest[len(word)+1:]
	return `"` + word + `" ` + p.read()
}
