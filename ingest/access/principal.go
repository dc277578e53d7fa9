package access

import (
	"log/slog"
	"slices"
	"strings"

	"sluice/configs"
)

// A Principal is a caller that proved who it is. A nil Principal may do nothing.
type Principal struct {
	name   string
	source string
	admin  bool
	write  []string // patterns
	query  []string
	modify []string
	limits *limits // nil: none
}

// anyone is who calls where nobody is asked.
var anyone = &Principal{name: "anyone", admin: true}

// Name is that of the key, for logs and metrics; "anyone" where none is needed.
func (p *Principal) Name() string {
	if p == nil {
		return "nobody"
	}
	return p.name
}

// LogValue is the name.
func (p *Principal) LogValue() slog.Value { return slog.StringValue(p.Name()) }

// String is the name.
func (p *Principal) String() string { return p.Name() }

// Source is the Segment source that the key belongs to; "" for other keys.
func (p *Principal) Source() string {
	if p == nil {
		return ""
	}
	return p.source
}

// MayWrite reports whether the stream may be written, flushed and watched.
func (p *Principal) MayWrite(stream string) bool {
	return p != nil && (p.admin || slices.ContainsFunc(p.write, func(pattern string) bool { return matches(pattern, stream) }))
}

// MayQuery reports whether the database may be queried, in whatever case it is
// written.
func (p *Principal) MayQuery(database string) bool {
	database = strings.ToLower(database)
	return p != nil && (p.admin || slices.ContainsFunc(p.query, func(pattern string) bool { return matches(pattern, database) }))
}

// MayModify reports whether tables of the database may be made and filled by SQL, in
// whatever case it is written.
func (p *Principal) MayModify(database string) bool {
	database = strings.ToLower(database)
	return p.MayQuery(database) && (p.admin || slices.ContainsFunc(p.modify, func(pattern string) bool { return matches(pattern, database) }))
}

// MayQueryAny reports whether there may be a database that can be queried.
func (p *Principal) MayQueryAny() bool { return p != nil && (p.admin || len(p.query) > 0) }

// Admin reports whether everything may be done.
func (p *Principal) Admin() bool { return p != nil && p.admin }

func newPrincipal(name string, k configs.Key) *Principal {
	p := &Principal{name: name, source: k.Source, admin: k.Admin, write: k.Write, limits: newLimits(k)}
	for _, q := range k.Query {
		p.query = append(p.query, strings.ToLower(q))
	}
	for _, m := range k.Modify {
		p.modify = append(p.modify, strings.ToLower(m))
	}
	return p
}

// matches reports whether name is what the pattern says, where * stands for any
// characters. Its time is bounded by the product of their lengths.
func matches(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	// Each part between stars is best taken where it comes first; the last one is
	// at the end.
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], more
	}
}
