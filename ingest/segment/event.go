package segment

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"sluice/internal/jsonscan"
)

// A kind is the type of a call.
type kind uint8

const (
	identify kind = iota
	track
	page
	screen
	group
	alias
	kinds
)

// kindNames are the values of a call's member type.
var kindNames = [kinds]string{"identify", "track", "page", "screen", "group", "alias"}

// tables are what Segment calls the tables of the calls that are not named by an
// event.
var tables = [kinds]string{"identifies", "tracks", "pages", "screens", "groups", "aliases"}

// maxMessageID is Segment's limit for a messageId, in characters.
const maxMessageID = 100

// A span is a piece of a call's text; the zero span is none.
type span struct{ from, to int }

func (s span) of(data []byte) []byte { return data[s.from:s.to] }
func (s span) none() bool            { return s.to == 0 }

// An event is one call, taken apart at its top level.
type event struct {
	data []byte // a valid object in one line
	kind kind
	typ  span // its own member type

	name, user, anonymous, previous, group span
	message, timestamp, original, sent     span
	context, integrations, writeKey        span

	// keep are the runs of members that are stored as they came, in order.
	keep []span
}

// An envelope is what a batch says of all its calls.
type envelope struct {
	sent, context, integrations []byte // values; nil if there are none
	writeKey                    []byte // a string in quotes
}

// parse takes the call in data apart. Of the members that are not stored as they
// came, what is stored instead is write's to say.
func (e *event) parse(data []byte, env *envelope, fixedKind bool) {
	*e = event{data: data, keep: e.keep[:0]}
	open := false // whether the last run goes on
	for m, ok := jsonscan.NextMember(data, 0); ok; m, ok = jsonscan.NextMember(data, m.End) {
		switch {
		case !e.member(m, env, fixedKind):
			open = false
		case open:
			e.keep[len(e.keep)-1].to = m.End
		default:
			e.keep = append(e.keep, span{m.Key, m.End})
			open = true
		}
	}
}

// member looks at one member and reports whether it is stored as it came.
func (e *event) member(m jsonscan.Member, env *envelope, fixedKind bool) (keep bool) {
	value := span{m.Value, m.End}
	null := e.data[m.Value] == 'n'
	set := func(s *span) bool {
		if s.none() && !null {
			*s = value
		}
		return true
	}
	switch string(m.Name(e.data)) {
	case "sourceId", "receivedAt":
		return false
	case "writeKey":
		set(&e.writeKey)
		return false // a secret has no place in a table
	case "type":
		set(&e.typ)
		return !fixedKind
	case "timestamp":
		set(&e.timestamp)
		return false
	case "originalTimestamp":
		set(&e.original)
		return !null
	case "sentAt":
		set(&e.sent)
		return !null || env.sent == nil
	case "messageId":
		if string(value.of(e.data)) == `""` {
			return false
		}
		set(&e.message)
		return !null
	case "context":
		return e.shared(&e.context, value, null, env.context)
	case "integrations":
		return e.shared(&e.integrations, value, null, env.integrations)
	case "event":
		return set(&e.name)
	case "userId":
		return set(&e.user)
	case "anonymousId":
		return set(&e.anonymous)
	case "previousId":
		return set(&e.previous)
	case "groupId":
		return set(&e.group)
	}
	return true
}

// shared settles a member that the batch has too: objects are merged, null gives
// way to the batch's, and anything else stays.
func (e *event) shared(s *span, value span, null bool, ofBatch []byte) (keep bool) {
	switch {
	case ofBatch == nil || !s.none():
		return true
	case null:
		return false
	}
	*s = value
	return e.data[value.from] != '{'
}

// identifies reports whether a value can stand for somebody: a string that is not
// empty, or a number.
func (e *event) identifies(s span) bool {
	if s.none() {
		return false
	}
	c := e.data[s.from]
	return c == '"' && s.to-s.from > 2 || c == '-' || '0' <= c && c <= '9'
}

// fault says why the call cannot be taken; empty if it can.
func (e *event) fault() string {
	switch {
	case e.kind == track && (!e.identifies(e.name) || e.data[e.name.from] != '"'):
		return "a track call needs event, a string that is not empty"
	case e.kind == alias && (!e.identifies(e.previous) || !e.identifies(e.user)):
		return "an alias call needs previousId and userId"
	case e.kind == group && !e.identifies(e.group):
		return "a group call needs groupId"
	case !e.identifies(e.user) && !e.identifies(e.anonymous):
		return "userId or anonymousId is needed"
	case !e.message.none() && e.message.to-e.message.from > maxMessageID+2:
		if id := e.message.of(e.data); id[0] == '"' {
			if n := utf8.RuneCount(jsonscan.AppendUnquoted(nil, id)); n > maxMessageID {
				return fmt.Sprintf("messageId has %d characters, %d are allowed", n, maxMessageID)
			}
		}
	}
	return ""
}

// setKind finds out what kind of call an item of a batch is.
func (e *event) setKind() (fault string) {
	if e.typ.none() || e.data[e.typ.from] != '"' {
		return "type is needed: one of identify, track, page, screen, group, alias"
	}
	typ := e.data[e.typ.from+1 : e.typ.to-1]
	if bytes.IndexByte(typ, '\\') >= 0 {
		typ = jsonscan.AppendUnquoted(nil, e.typ.of(e.data))
	}
	for k, name := range kindNames {
		if string(typ) == name {
			e.kind = kind(k)
			return ""
		}
	}
	return fmt.Sprintf("the type %.20q is none of identify, track, page, screen, group, alias", typ)
}
