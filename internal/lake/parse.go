package lake

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// maxTypeDepth bounds the nesting of a type string from outside.
const maxTypeDepth = 64

// ParseType reads a type as Hive and Glue write it, in any case and with or
// without spaces. It also takes the words integer, long, varchar, varchar(n),
// char(n) and bool for int, bigint, string and boolean.
func ParseType(s string) (Type, error) { return parseType(s, false) }

// ParseDeclaredType reads a type as ParseType does. It may say, anywhere within,
// how values stand in the JSON: timestamp(epoch_seconds), timestamp(epoch_millis),
// timestamp(epoch_micros), string(json) and string(text).
func ParseDeclaredType(s string) (Type, error) { return parseType(s, true) }

func parseType(s string, declared bool) (Type, error) {
	p := typeParser{rest: s, declared: declared}
	t, err := p.parse(0)
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = fmt.Errorf("unexpected %q after the type", clip(strings.TrimSpace(p.rest)))
	}
	if err != nil {
		return Type{}, fmt.Errorf("parse type %q: %w", clip(s), err)
	}
	return t, nil
}

// clip keeps a text from outside from filling an error.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

var simpleTypes = map[string]Kind{
	"boolean": KindBoolean, "bool": KindBoolean, "tinyint": KindTinyint, "smallint": KindSmallint,
	"int": KindInt, "integer": KindInt, "bigint": KindBigint, "long": KindBigint, "float": KindFloat,
	"double": KindDouble, "string": KindString, "varchar": KindString, "char": KindString,
	"binary": KindBinary, "date": KindDate, "timestamp": KindTimestamp,
}

type typeParser struct {
	rest     string
	declared bool // forms are allowed
}

// word takes the run of characters up to one that has a meaning in a type.
func (p *typeParser) word() string {
	i := strings.IndexAny(p.rest, "<>,:()")
	if i < 0 {
		i = len(p.rest)
	}
	w := strings.TrimSpace(p.rest[:i])
	p.rest = p.rest[i:]
	return w
}

func (p *typeParser) expect(c byte) error {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.rest == "" || p.rest[0] != c {
		return fmt.Errorf("expected %q before %q", c, clip(p.rest))
	}
	p.rest = p.rest[1:]
	return nil
}

func (p *typeParser) parse(depth int) (Type, error) {
	if depth > maxTypeDepth {
		return Type{}, fmt.Errorf("nested deeper than %d", maxTypeDepth)
	}
	name := strings.ToLower(p.word())
	switch name {
	case "array":
		return p.array(depth)
	case "map":
		return p.mapping(depth)
	case "struct", "row":
		return p.structure(depth)
	case "decimal", "numeric":
		return p.decimal()
	}
	k, ok := simpleTypes[name]
	if !ok {
		return Type{}, fmt.Errorf("unknown type %q", clip(name))
	}
	if name == "varchar" || name == "char" {
		n, err := p.numbers()
		if err != nil {
			return Type{}, err
		}
		if len(n) > 1 || (len(n) == 1 && n[0] < 1) {
			return Type{}, fmt.Errorf("%s takes one length of at least 1", name)
		}
	}
	t := Type{Kind: k}
	if p.declared && (name == "string" || name == "timestamp") {
		err := p.form(&t)
		return t, err
	}
	return t, nil
}

// form takes an optional form such as (epoch_seconds).
func (p *typeParser) form(t *Type) error {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if !strings.HasPrefix(p.rest, "(") {
		return nil
	}
	p.rest = p.rest[1:]
	word := strings.ToLower(p.word())
	var words []string
	for _, f := range formsOf[t.Kind] {
		if words = append(words, f.String()); f.String() == word {
			t.Form = f
			return p.expect(')')
		}
	}
	return fmt.Errorf("unknown form %q of %s: want %s", clip(word), t, strings.Join(words, ", "))
}

func (p *typeParser) array(depth int) (Type, error) {
	if err := p.expect('<'); err != nil {
		return Type{}, err
	}
	elem, err := p.parse(depth + 1)
	if err != nil {
		return Type{}, err
	}
	return ArrayOf(elem), p.expect('>')
}

func (p *typeParser) mapping(depth int) (Type, error) {
	if err := p.expect('<'); err != nil {
		return Type{}, err
	}
	key, err := p.parse(depth + 1)
	if err != nil {
		return Type{}, err
	}
	if err := p.expect(','); err != nil {
		return Type{}, err
	}
	value, err := p.parse(depth + 1)
	if err != nil {
		return Type{}, err
	}
	return Type{Kind: KindMap, Key: &key, Elem: &value}, p.expect('>')
}

func (p *typeParser) structure(depth int) (Type, error) {
	if err := p.expect('<'); err != nil {
		return Type{}, err
	}
	t := Type{Kind: KindStruct}
	seen := map[string]bool{}
	for {
		name := strings.TrimFunc(p.word(), func(r rune) bool { return r == '`' || unicode.IsSpace(r) })
		if name == "" {
			return Type{}, fmt.Errorf("a struct field without a name before %q", clip(p.rest))
		}
		if seen[strings.ToLower(name)] {
			return Type{}, fmt.Errorf("a second struct field %q: names must differ in more than case", clip(name))
		}
		seen[strings.ToLower(name)] = true
		if err := p.expect(':'); err != nil {
			return Type{}, err
		}
		ft, err := p.parse(depth + 1)
		if err != nil {
			return Type{}, err
		}
		t.Fields = append(t.Fields, Column{Name: name, Type: ft})
		p.rest = strings.TrimLeft(p.rest, " \t\r\n")
		if strings.HasPrefix(p.rest, ",") {
			p.rest = p.rest[1:]
			continue
		}
		return t, p.expect('>')
	}
}

func (p *typeParser) decimal() (Type, error) {
	nums, err := p.numbers()
	if err != nil {
		return Type{}, err
	}
	t := Type{Kind: KindDecimal, Precision: 10}
	if len(nums) > 0 {
		t.Precision = nums[0]
	}
	if len(nums) > 1 {
		t.Scale = nums[1]
	}
	if len(nums) > 2 || t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
		return Type{}, fmt.Errorf("a decimal's precision is 1 to 38 and its scale 0 to the precision")
	}
	return t, nil
}

// numbers takes an optional list such as (10,2).
func (p *typeParser) numbers() ([]int, error) {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if !strings.HasPrefix(p.rest, "(") {
		return nil, nil
	}
	var nums []int
	for p.rest != "" && p.rest[0] != ')' {
		p.rest = p.rest[1:]
		n, err := strconv.Atoi(p.word())
		if err != nil {
			return nil, fmt.Errorf("a number was expected before %q", clip(p.rest))
		}
		nums = append(nums, n)
		if p.rest != "" && p.rest[0] != ',' && p.rest[0] != ')' {
			break
		}
	}
	return nums, p.expect(')')
}
