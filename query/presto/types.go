package presto

import (
	"strconv"
	"strings"
)

// castType rewrites the type behind a cast's AS.
func (f *front) castType() error {
	p := &typeParser{front: f, at: f.i + 1}
	from := p.peek().from
	out, err := p.parse(0)
	if err != nil {
		return err
	}
	if p.at == f.i+1 {
		return nil // the parser will say that a type is missing
	}
	last := f.tokens[p.at-1]
	f.replace(from, last.to, out)
	f.i = p.at - 1
	return nil
}

type typeParser struct {
	front *front
	at    int
}

func (p *typeParser) peek() token {
	if p.at < len(p.front.tokens) {
		return p.front.tokens[p.at]
	}
	return token{from: len(p.front.sql), to: len(p.front.sql)}
}

func (p *typeParser) take() token { t := p.peek(); p.at++; return t }

// simpleTypes are the types without parameters, as DuckDB calls them.
var simpleTypes = map[string]string{
	"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "int": "INTEGER",
	"bigint": "BIGINT", "real": "FLOAT", "double": "DOUBLE", "varbinary": "BLOB", "date": "DATE", "json": "JSON",
	"uuid": "UUID", "varchar": "VARCHAR", "decimal": "DECIMAL(38,0)", "numeric": "DECIMAL(38,0)", "time": "TIME",
	"timestamp": "TIMESTAMP",
}

// deepest bounds the nesting of types.
const deepest = 64

func (p *typeParser) parse(depth int) (string, error) {
	if depth > deepest {
		return "", refuse(p.peek().from, "the type is nested more than %d deep", deepest)
	}
	t := p.take()
	if t.kind != word && t.kind != quoted {
		p.at--
		return "", nil
	}
	name := strings.ToLower(t.unquote())
	switch name {
	case "array":
		return p.array(t, depth)
	case "map":
		key, value, err := p.pair(t, depth)
		return "MAP(" + key + ", " + value + ")", err
	case "row":
		return p.row(t, depth)
	case "timestamp", "time":
		return p.time(t, name)
	case "char":
		return p.char(t, depth)
	case "character", "interval", "hyperloglog", "ipaddress", "ipprefix", "qdigest", "tdigest", "geometry":
		return "", refuse(t.from, "casts to %s are not supported", name)
	}
	out, ok := simpleTypes[name]
	if !ok {
		return "", refuse(t.from, "there is no type %s in Presto; there are boolean, tinyint, smallint, integer, bigint, real, double, decimal(p,s), varchar, varchar(n), varbinary, date, time, timestamp, json, array(…), map(…,…), row(…)", t.text)
	}
	if name == "double" && p.peek().is("PRECISION") {
		p.at++
	}
	args, err := p.numbers()
	switch {
	case err != nil || len(args) == 0:
	case name == "varchar" && len(args) == 1 && depth > 0:
		return "", refuse(t.from, "varchar(n) within another type is not supported in a cast; use varchar")
	case name == "varchar" && len(args) == 1:
		// DuckDB parses varchar(n) but forgets n. An array of fixed size is
		// nothing that Presto has: Rewrite reads it back.
		out = "VARCHAR[" + args[0] + "]"
	case strings.HasPrefix(out, "DECIMAL") && len(args) <= 2:
		out = "DECIMAL(" + strings.Join(args, ",") + ")"
	default:
		return "", refuse(t.from, "the type %s has no such parameters", name)
	}
	return out, err
}

// char is char(n), which DuckDB does not have: see charLength.
func (p *typeParser) char(t token, depth int) (string, error) {
	args, err := p.numbers()
	if err != nil {
		return "", err
	}
	if len(args) == 0 {
		args = []string{"1"}
	}
	n, err := strconv.Atoi(args[0])
	if depth > 0 || len(args) > 1 || err != nil || n < 1 || n > 65536 {
		return "", refuse(t.from, "char(n) takes a length from 1 to 65536, and is not supported within another type; use varchar")
	}
	return "VARCHAR[" + strconv.Itoa(n) + "][1]", nil
}

// numbers are the parameters of a type.
func (p *typeParser) numbers() ([]string, error) {
	if !p.peek().is("(") {
		return nil, nil
	}
	p.at++
	var out []string
	for {
		n := p.take()
		if n.kind != number || strings.Trim(n.text, "0123456789") != "" {
			return nil, refuse(n.from, "a type's parameter is a number, not %s", n.text)
		}
		out = append(out, n.text)
		if sep := p.take(); sep.is(")") {
			return out, nil
		} else if !sep.is(",") {
			return nil, refuse(sep.from, "a ) is missing behind a type's parameters")
		}
	}
}

func (p *typeParser) array(t token, depth int) (string, error) {
	open := p.take()
	if !open.is("(", "<") {
		return "", refuse(t.from, "array takes the type of its elements, as in array(varchar)")
	}
	elem, err := p.parse(depth + 1)
	if err != nil {
		return "", err
	}
	if end := p.take(); !end.is(")", ">") {
		return "", refuse(end.from, "a ) is missing behind array(%s", elem)
	}
	return elem + "[]", nil
}

func (p *typeParser) pair(t token, depth int) (key, value string, err error) {
	if open := p.take(); !open.is("(", "<") {
		return "", "", refuse(t.from, "map takes two types, as in map(varchar, bigint)")
	}
	if key, err = p.parse(depth + 1); err != nil {
		return "", "", err
	}
	if comma := p.take(); !comma.is(",") {
		return "", "", refuse(comma.from, "map takes two types, as in map(varchar, bigint)")
	}
	if value, err = p.parse(depth + 1); err != nil {
		return "", "", err
	}
	if end := p.take(); !end.is(")", ">") {
		return "", "", refuse(end.from, "a ) is missing behind map(%s, %s", key, value)
	}
	return key, value, nil
}

func (p *typeParser) row(t token, depth int) (string, error) {
	if open := p.take(); !open.is("(") {
		return "", refuse(t.from, "row takes its fields, as in row(a bigint, b varchar)")
	}
	var fields []string
	for {
		name := p.take()
		typ, err := p.parse(depth + 1)
		if err != nil {
			return "", err
		}
		if typ == "" || name.kind != word && name.kind != quoted {
			return "", refuse(name.from, "a field of a row type has a name and a type, as in row(a bigint, b varchar)")
		}
		fields = append(fields, `"`+strings.ReplaceAll(strings.ToLower(name.unquote()), `"`, `""`)+`" `+typ)
		if sep := p.take(); sep.is(")") {
			return "STRUCT(" + strings.Join(fields, ", ") + ")", nil
		} else if !sep.is(",") {
			return "", refuse(sep.from, "a ) is missing behind the fields of a row type")
		}
	}
}

// time is timestamp(p) with time zone and its kin. Values have microseconds.
func (p *typeParser) time(t token, name string) (string, error) {
	args, err := p.numbers()
	if err != nil {
		return "", err
	}
	if len(args) > 1 || len(args) == 1 && args[0] != "3" && args[0] != "6" {
		return "", refuse(t.from, "%s(%s) is not supported; there are %s, %s(3) and %s(6)", name, strings.Join(args, ","), name, name, name)
	}
	out := strings.ToUpper(name)
	if len(args) == 1 && args[0] == "3" && name == "timestamp" {
		out = "TIMESTAMP_MS"
	}
	if p.peek().is("WITH") || p.peek().is("WITHOUT") {
		with := p.take().is("WITH")
		if a, b := p.take(), p.take(); !a.is("TIME") || !b.is("ZONE") {
			return "", refuse(a.from, "TIME ZONE is expected")
		}
		if with && name == "time" {
			return "", refuse(t.from, "casts to time with time zone are not supported")
		}
		if with {
			out = "TIMESTAMP WITH TIME ZONE"
		}
	}
	return out, nil
}
