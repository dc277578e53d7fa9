package terminal

import "strings"

// Split cuts text into the statements that a semicolon ends, which are returned
// without it, and the rest. Semicolons in strings, quoted names, dollar quotes
// and comments do not count. Statements of nothing but space and comments are
// left out.
func Split(text string) (statements []string, rest string) {
	start, blank := 0, true
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ';':
			if !blank {
				statements = append(statements, strings.TrimSpace(text[start:i]))
			}
			i++
			start, blank = i, true
		case strings.HasPrefix(text[i:], "--"):
			i = after(text, i, "\n")
		case strings.HasPrefix(text[i:], "/*"):
			i = after(text, i+2, "*/")
		case c == '\'' || c == '"':
			i, blank = after(text, i+1, string(c)), false
		case c == '$':
			i, blank = dollar(text, i), false
		default:
			blank = blank && (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			i++
		}
	}
	if rest = text[start:]; blank && strings.TrimSpace(rest) != "" && !unfinished(rest) {
		rest = ""
	}
	return statements, rest
}

// after is the index behind the next end, or the text's length.
func after(text string, from int, end string) int {
	if from > len(text) {
		return len(text)
	}
	if n := strings.Index(text[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(text)
}

// dollar is the index behind a $tag$…$tag$ string that may begin at i.
func dollar(text string, i int) int {
	end := strings.IndexByte(text[i+1:], '$')
	if end < 0 {
		return i + 1
	}
	tag := text[i : i+1+end+1]
	for _, c := range tag[1 : len(tag)-1] {
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return i + 1
		}
	}
	return after(text, i+len(tag), tag)
}

// unfinished reports whether a text of space and comments ends in an open one.
func unfinished(text string) bool {
	return strings.LastIndex(text, "/*") > strings.LastIndex(text, "*/")
}

// oneLine is the text without comments and with single spaces, but for what is
// quoted.
func oneLine(text string) string {
	var b strings.Builder
	space := false
	for i := 0; i < len(text); {
		end, blank := i+1, false
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			blank = true
		case strings.HasPrefix(text[i:], "--"):
			end, blank = after(text, i, "\n"), true
		case strings.HasPrefix(text[i:], "/*"):
			end, blank = after(text, i+2, "*/"), true
		case c == '\'' || c == '"':
			end = after(text, i+1, string(c))
		case c == '$':
			end = dollar(text, i)
		}
		if !blank {
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(text[i:end])
		}
		space = blank
		i = end
	}
	return b.String()
}
