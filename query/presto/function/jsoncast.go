package function

import (
	"bytes"
	"fmt"
	"strconv"

	"sluice/internal/jsonscan"
)

// jsonText is a cast of JSON to varchar: the text of a scalar, NULL of null.
func jsonText(dst []byte, args [][]byte) ([]byte, bool, error) {
	value := args[0][jsonscan.SkipSpace(args[0], 0):]
	if len(value) == 0 {
		return dst, true, nil
	}
	switch value[0] {
	case 'n':
		return dst, true, nil
	case '"':
		return jsonscan.AppendUnquoted(dst, bytes.TrimRight(value, " \t\r\n")), false, nil
	case '{', '[':
		return dst, false, fmt.Errorf("INVALID_CAST_ARGUMENT: Cannot cast '%s' to varchar (use json_format to get the text of an object or an array)", shortened(value))
	}
	return appendNumberOrTruth(dst, bytes.TrimRight(value, " \t\r\n")), false, nil
}

func appendNumberOrTruth(dst, value []byte) []byte {
	if value[0] == 't' || value[0] == 'f' {
		return append(dst, value...)
	}
	return appendNumber(dst, value)
}

// jsonFit prepares JSON for a cast to arrays, maps and rows with varchar in them: a
// number or a truth value in its place becomes a text, and an object or an array there
// is an error, where DuckDB would take its text. The second argument says where
// varchar is:
//
//	v       varchar
//	-       any other type without others in it
//	[s      an array of s
//	{s      a map with values s
//	("a"s…) a row of the field a, and so on
func jsonFit(dst []byte, args [][]byte) ([]byte, bool, error) {
	value := args[0][jsonscan.SkipSpace(args[0], 0):]
	n, err := jsonscan.Value(value)
	if err != nil {
		return dst, false, fmt.Errorf("INVALID_CAST_ARGUMENT: Cannot cast what is no JSON: '%s'", shortened(value))
	}
	f := fitting{}
	dst, _ = f.append(dst, value[:n], args[1])
	return dst, false, f.err
}

// A fitting is one run of jsonFit; err is the first misfit.
type fitting struct{ err error }

// append appends the value as the shape at the beginning of shapes wants it, and gives
// what follows the shape.
func (f *fitting) append(dst, value, shapes []byte) (out, rest []byte) {
	rest = pastShape(shapes)
	if value[0] == 'n' {
		return append(dst, "null"...), rest
	}
	switch kind := shapes[0]; {
	case kind == 'v':
		return f.appendText(dst, value), rest
	case kind == '[' && value[0] == '[':
		dst = append(dst, '[')
		for from, end, ok := jsonscan.NextElement(value, 0); ok; from, end, ok = jsonscan.NextElement(value, end) {
			dst, _ = f.append(separated(dst, '['), value[from:end], shapes[1:])
		}
		return append(dst, ']'), rest
	case kind == '{' && value[0] == '{':
		dst = append(dst, '{')
		for m, ok := jsonscan.NextMember(value, 0); ok; m, ok = jsonscan.NextMember(value, m.End) {
			dst = append(appendQuoted(separated(dst, '{'), m.Name(value)), ':')
			dst, _ = f.append(dst, value[m.Value:m.End], shapes[1:])
		}
		return append(dst, '}'), rest
	case kind == '(' && (value[0] == '{' || value[0] == '['):
		return f.appendRow(dst, value, shapes), rest
	}
	return append(dst, value...), rest
}

func (f *fitting) appendText(dst, value []byte) []byte {
	switch value[0] {
	case '"':
		return append(dst, value...)
	case '{', '[':
		if f.err == nil {
			f.err = fmt.Errorf("INVALID_CAST_ARGUMENT: Cannot cast JSON to a type with varchar where it has %c: '%s' (json takes anything, as in array(json))", value[0], shortened(value))
		}
		return append(dst, "null"...)
	}
	return append(appendNumberOrTruth(append(dst, '"'), value), '"')
}

// pastShape is what follows the first shape.
func pastShape(s []byte) []byte {
	switch s[0] {
	case '[', '{':
		return pastShape(s[1:])
	case '(':
		for s = s[1:]; s[0] != ')'; {
			s = pastShape(pastName(s))
		}
	}
	return s[1:]
}

func pastName(s []byte) []byte {
	name, err := strconv.QuotedPrefix(string(s))
	if err != nil {
		panic("BUG: a shape without a name: " + string(s))
	}
	return s[len(name):]
}

// appendRow writes the fields of a row in their order: those of an object go by their
// names in any case, null where it has none, and those of an array by their places.
func (f *fitting) appendRow(dst, value, row []byte) []byte {
	fields := elementsOf(value)
	named := value[0] == '{'
	dst = append(dst, '{')
	i := 0
	for s := row[1:]; s[0] != ')'; i++ {
		of := pastName(s)
		name, _ := strconv.Unquote(string(s[:len(s)-len(of)]))
		dst = append(appendQuoted(separated(dst, '{'), []byte(name)), ':')
		field := []byte("null")
		switch {
		case named:
			field = f.member(value, []byte(name))
		case i < len(fields):
			field = fields[i]
		}
		dst, s = f.append(dst, field, of)
	}
	if !named && i != len(fields) && f.err == nil {
		f.err = fmt.Errorf("INVALID_CAST_ARGUMENT: Cannot cast to a row of %d fields: '%s'", i, shortened(value))
	}
	return append(dst, '}')
}

// member is the value of an object's one member of a name in any case.
func (f *fitting) member(object, name []byte) []byte {
	field := []byte("null")
	found := false
	for _, m := range membersInOrder(object) {
		if !bytes.EqualFold(m.name, name) {
			continue
		}
		if found && f.err == nil {
			f.err = fmt.Errorf("INVALID_CAST_ARGUMENT: Cannot cast to a row: the field %s is there twice: '%s'", name, shortened(object))
		}
		field, found = m.value, true
	}
	return field
}

func elementsOf(array []byte) [][]byte {
	var out [][]byte
	if array[0] != '[' {
		return nil
	}
	for from, end, ok := jsonscan.NextElement(array, 0); ok; from, end, ok = jsonscan.NextElement(array, end) {
		out = append(out, array[from:end])
	}
	return out
}
