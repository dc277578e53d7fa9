package firehose

import (
	"regexp"
	"strings"
)

// partitionKeys reads the query of a MetadataExtraction processor: an object of
// names and paths, as in {customer:.customer.id, year:.ts|strftime("%Y")}. More of jq
// is refused: what the query gives must be known as a field and its part.
func partitionKeys(query string) (map[string]string, error) {
	text := strings.TrimSpace(query)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return nil, unsupportedQuery(query)
	}
	keys := map[string]string{}
	for rest := text[1 : len(text)-1]; ; {
		m := queryMember.FindStringSubmatch(rest)
		if m == nil {
			return nil, unsupportedQuery(query)
		}
		name := strings.Trim(m[1], `"`)
		var path []string
		for _, segment := range querySegment.FindAllStringSubmatch(m[2], -1) {
			path = append(path, `"`+segment[1]+segment[2]+`"`)
		}
		field := strings.Join(path, ".")
		if m[3] != "" {
			function, ok := strftime[m[3]]
			if !ok {
				return nil, unsupportedQuery(query)
			}
			field = function + "(" + field + ")"
		}
		if _, twice := keys[name]; twice {
			return nil, invalid("MetadataExtractionQuery has the key %q twice", name)
		}
		keys[name] = field
		if rest = rest[len(m[0]):]; rest == "" {
			return keys, nil
		}
		if rest[0] != ',' {
			return nil, unsupportedQuery(query)
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
	queryMember  = regexp.MustCompile(`^\s*(` + queryWord + `|"` + queryText + `")\s*:\s*\(?\s*` +
		`((?:\.(?:` + queryWord + `|"` + queryText + `"))+)\s*(?:\|\s*strftime\(\s*"([^"]*)"\s*\)\s*)?\)?\s*`)
)

func unsupportedQuery(query string) error {
	return invalid("MetadataExtractionQuery %.200q: want an object of names and paths, such as "+
		`{customer:.customer.id,year:.ts|strftime("%%Y")}, with strftime of %%Y, %%m, %%H or %%Y-%%m-%%d; prepare other keys before`, query)
}
