package presto

import (
	"regexp"
	"strconv"
	"strings"

	"sluice/query/presto/function"
	"sluice/query/syntax"
)

// pattern rewrites the constant pattern of a function of regular expressions for
// RE2, whose syntax is Java's in the main. What means something else is refused.
func (r *rewriter) pattern(n node, name string) {
	a := arguments(n)
	if len(a) < 2 {
		return
	}
	p, ok := constantText(a[1])
	if !ok {
		return
	}
	out, line, bad := rePattern(p)
	if bad != "" {
		r.fail(a[1], "%s in the pattern of %s is not supported", bad, name)
		return
	}
	a[1]["value"] = literal(out)["value"]
	children := syntax.List(n, "children")
	if line {
		children[0] = r.macro("presto_line", a[0])
	}
	re, err := regexp.Compile(out)
	if err != nil {
		r.fail(a[1], "the pattern of %s is not supported: %v (regular expressions are RE2's, which has no lookaround and no back references)", name, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return
	}
	if len(a) < 3 {
		return
	}
	if name == "regexp_extract" && optionalGroup.MatchString(out) {
		become(n, r.macro("presto_regexp_optional", children[0].(node), a[1], a[2]))
		return
	}
	if group, ok := numberOf(a[2]); ok && name != "regexp_replace" && int(group) > re.NumSubexp() {
		r.fail(a[2], "the pattern of %s has %d groups; there is no group %d", name, re.NumSubexp(), int(group))
	}
	if replacement, ok := constantText(a[2]); ok {
		for _, m := range groupReferences.FindAllStringSubmatch(replacement, -1) {
			if g, _ := strconv.Atoi(m[1]); g > re.NumSubexp() {
				r.fail(a[2], "the pattern of %s has %d groups; there is no group %d", name, re.NumSubexp(), g)
			}
		}
	}
}

// replacing is the macro for regexp_replace with these arguments. Where a match ends
// the next may begin and be empty in Java, as in 'aab' for 'a*', but not in RE2.
func (r *rewriter) replacing(a []node) string {
	if by, ok := constantText(a[2]); ok && by == "" {
		return "presto_regexp_replace"
	}
	p, ok := constantText(a[1])
	if !ok {
		return "presto_regexp_replace_any"
	}
	switch empty, behind := function.EmptyMatches(p); {
	case empty && behind:
		r.fail(a[1], "regexp_replace by a pattern that matches the empty text and has ^ or \\b in it is not supported")
	case empty:
		return "presto_regexp_replace_all"
	}
	return "presto_regexp_replace"
}

// optionalGroup finds what may leave a group without a part in the match.
var optionalGroup = regexp.MustCompile(`\)[?*{]|\|`)

var groupReferences = regexp.MustCompile(`\$(\d)`)

// rePattern is Java's regular expression in RE2's syntax: \s has the vertical tab,
// and groups' names another spelling. Line reports whether it has a $ that would
// match before a line feed at the end of the text.
func rePattern(p string) (out string, line bool, bad string) {
	var b strings.Builder
	class := 0
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case strings.HasPrefix(rest, `\Q`):
			end := strings.Index(rest, `\E`)
			if end < 0 {
				end = len(rest) - 2
			}
			b.WriteString(rest[:end+2])
			i += end + 1
		case strings.HasPrefix(rest, `\s`) && class > 0:
			b.WriteString(`\s\x0b`)
			i++
		case strings.HasPrefix(rest, `\s`):
			b.WriteString(`[\s\x0b]`)
			i++
		case strings.HasPrefix(rest, `\S`) && class > 0:
			return "", false, `\S within [ ]`
		case strings.HasPrefix(rest, `\S`):
			b.WriteString(`[^\s\x0b]`)
			i++
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i++
		case p[i] == '[' && class > 0 && strings.HasPrefix(rest, "[:"):
			b.WriteByte('[')
		case p[i] == '[' && class > 0:
			return "", false, "[ within [ ]"
		case p[i] == '[':
			class++
			b.WriteByte('[')
			if strings.HasPrefix(p[i+1:], "^") {
				i++
				b.WriteByte('^')
			}
			if strings.HasPrefix(p[i+1:], "]") {
				i++
				b.WriteByte(']')
			}
		case p[i] == ']' && class > 0 && i > 0 && p[i-1] == ':' && strings.HasPrefix(rest, "]]"):
			b.WriteByte(']') // the end of [:alpha:]
		case p[i] == ']' && class > 0:
			class--
			b.WriteByte(']')
		case strings.HasPrefix(rest, "&&") && class > 0:
			return "", false, "&& within [ ]"
		case strings.HasPrefix(rest, "(?<") && !strings.HasPrefix(rest, "(?<=") && !strings.HasPrefix(rest, "(?<!"):
			b.WriteString("(?P<")
			i += 2
		default:
			line = line || p[i] == '$' && class == 0
			b.WriteByte(p[i])
		}
	}
	return b.String(), line, ""
}
