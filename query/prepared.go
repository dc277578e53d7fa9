package query

import (
	"regexp"
	"strings"
)

var (
	immediate = regexp.MustCompile(`(?is)^\s*EXECUTE\s+IMMEDIATE\s+('(?:[^']|'')*')(?:\s+USING\s+(.*?))?[\s;]*$`)
	prepared  = regexp.MustCompile(`(?i)^\s*(PREPARE|EXECUTE|DEALLOCATE)\b`)
)

// unprepare makes EXECUTE IMMEDIATE '…' USING a, b the statement in the quotes with
// these parameters. There is no session that could keep a statement by its name:
// a request is all that there is.
func unprepare(req *Request) error {
	m := immediate.FindStringSubmatch(req.SQL)
	if m == nil {
		if w := prepared.FindString(req.SQL); w != "" {
			return fault(CodeInvalid, "%s is not supported: a statement is not kept by its name between requests. EXECUTE IMMEDIATE 'SELECT … WHERE a = ? AND b = ?' USING 1, 'x' does both at once, and so do the parameters of a request", strings.ToUpper(strings.TrimSpace(w)))
		}
		return nil
	}
	if len(req.Parameters) > 0 {
		return fault(CodeInvalid, "the parameters of EXECUTE IMMEDIATE stand behind USING, not in the request")
	}
	req.SQL, _ = unquoteText(m[1])
	if m[2] != "" {
		req.Parameters = commaSeparated(m[2])
	}
	return nil
}

// commaSeparated cuts at the commas that are in no quotes.
func commaSeparated(s string) []string {
	var out []string
	quoted, from := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out = append(out, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[from:]))
}
