package query

import (
	"regexp"
	"strings"
)

// catalogs are the names that may stand before a database's.
var catalogs = []string{"awsdatacatalog", "lake", "live"}

// matching are the names that the command's pattern takes.
func (c command) matching(names []string) []string {
	if c.pattern == nil {
		return names
	}
	var out []string
	for _, n := range names {
		if c.pattern.MatchString(n) {
			out = append(out, n)
		}
	}
	return out
}

// patternOf takes a pattern from the end of a SHOW: Presto's LIKE '…' [ESCAPE '…'],
// or Hive's and Athena's '…' alone, where * is any text and | separates patterns.
func patternOf(words []string) (rest []string, pattern *regexp.Regexp, err error) {
	escape := ""
	if n := len(words); n > 3 && strings.EqualFold(words[n-2], "ESCAPE") {
		var ok bool
		if escape, ok = unquoteText(words[n-1]); !ok || len(escape) != 1 {
			return nil, nil, fault(CodeSyntax, "ESCAPE takes one character in single quotes")
		}
		words = words[:n-2]
	}
	n := len(words)
	text, ok := unquoteText(words[n-1])
	switch {
	case !ok && escape != "":
		return nil, nil, fault(CodeSyntax, "ESCAPE follows LIKE and a pattern")
	case !ok:
		return words, nil, nil
	case strings.EqualFold(words[n-2], "LIKE"):
		expr, err := likePattern(text, escape)
		return words[:n-2], expr, err
	}
	alternatives := strings.Split(strings.ReplaceAll(text, ".*", "*"), "|")
	for i, a := range alternatives {
		alternatives[i] = strings.ReplaceAll(regexp.QuoteMeta(a), `\*`, ".*")
	}
	return words[:n-1], regexp.MustCompile("(?is)^(?:" + strings.Join(alternatives, "|") + ")$"), nil
}

// likePattern is the regular expression for a pattern of LIKE. Names have no case.
func likePattern(like, escape string) (*regexp.Regexp, error) {
	var b strings.Builder
	escaped := false
	for _, c := range like {
		switch {
		case escaped && c != '%' && c != '_' && string(c) != escape:
			return nil, fault(CodeInvalid, "the escape character of LIKE must be followed by %%, _ or itself")
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(c)))
			escaped = false
		case escape != "" && string(c) == escape:
			escaped = true
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if escaped {
		return nil, fault(CodeInvalid, "the escape character of LIKE must be followed by %%, _ or itself")
	}
	return regexp.MustCompile("(?is)^" + b.String() + "$"), nil
}

// unquoteText is what a text in single quotes stands for.
func unquoteText(w string) (string, bool) {
	if len(w) < 2 || w[0] != '\'' || w[len(w)-1] != '\'' {
		return "", false
	}
	return strings.ReplaceAll(w[1:len(w)-1], "''", "'"), true
}
