package executor

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// An Error is what DuckDB says of a statement.
type Error struct {
	Kind    string // DuckDB's: Parser, Binder, Catalog, Conversion, Permission, Out of Memory, Interrupt, …
	Message string
	// Position is the offset in bytes into the statement that was run, -1 when
	// it is not known.
	Position int
}

func (e *Error) Error() string {
	if e.Kind == "" {
		return e.Message
	}
	return e.Kind + " error: " + e.Message
}

// parseError reads a message of DuckDB: JSON when errors_as_json is on.
func parseError(message string) *Error {
	var doc struct {
		Kind     string `json:"exception_type"`
		Message  string `json:"exception_message"`
		Position string `json:"position"`
	}
	if json.Unmarshal([]byte(message), &doc) == nil && doc.Message != "" {
		e := &Error{Kind: doc.Kind, Message: clean(doc.Message), Position: -1}
		if n, err := strconv.Atoi(doc.Position); err == nil {
			e.Position = n
		}
		return e
	}
	e := &Error{Message: clean(message), Position: -1}
	if kind, rest, ok := strings.Cut(message, " Error: "); ok && !strings.ContainsAny(kind, "\n:") {
		e.Kind, e.Message = kind, clean(rest)
	}
	return e
}

// failure is what a macro of the dialect's fails with, as text in a cast that
// cannot succeed.
var failure = regexp.MustCompile(`(?s)Could not convert string ['"]presto: (.*)['"] to INT8`)

// call is a macro of the dialect's by its name.
var call = regexp.MustCompile(`\bpresto_([a-z0-9_]+)`)

// valueTypes are the types by which DuckDB calls those of values in its messages.
var valueTypes = regexp.MustCompile(`\b(INT8|INT16|INT32|INT64|INT128|BOOL)\b`)

var sqlTypes = map[string]string{"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint", "INT128": "bigint", "BOOL": "boolean"}

// clean takes off what DuckDB adds about the text that was run, which is not
// what the user wrote, and its advice on settings that cannot be changed here.
func clean(message string) string {
	for _, mark := range []string{"\nLINE ", "\n\nLINE ", "\nPossible solutions:"} {
		if i := strings.Index(message, mark); i >= 0 {
			message = message[:i]
		}
	}
	if m := failure.FindStringSubmatch(message); m != nil {
		message = m[1]
	}
	message = valueTypes.ReplaceAllStringFunc(message, func(s string) string { return sqlTypes[s] })
	message = call.ReplaceAllString(message, "$1")
	return strings.TrimSpace(message)
}
