package lake

import "encoding/json"

// A ColumnSpec is a declared column: its type and where its values come from.
type ColumnSpec struct {
	// Type is a Hive type, in which timestamp and string may say how their values
	// stand in the JSON: see ParseDeclaredType.
	Type string `yaml:"type" json:"type"`
	// From is the path of the field that the column is filled from, as in a
	// partition expression; empty: the field that has the column's name.
	From string `yaml:"from" json:"from,omitempty"`
}

// MarshalJSON writes the type alone where there is nothing else to say.
func (c ColumnSpec) MarshalJSON() ([]byte, error) {
	if c.From == "" {
		return json.Marshal(c.Type)
	}
	type spec ColumnSpec
	return json.Marshal(spec(c))
}

// UnmarshalJSON reads a type, or an object of type and from.
func (c *ColumnSpec) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*c = ColumnSpec{}
		return json.Unmarshal(b, &c.Type)
	}
	type spec ColumnSpec
	return json.Unmarshal(b, (*spec)(c))
}

// A Form is how a declared type's values stand in the JSON, where it is not as the
// type suggests. The catalog knows nothing of it.
type Form uint8

// The forms. FormPlain is the zero Form.
const (
	FormPlain        Form = iota
	FormEpochSeconds      // of a timestamp: a number since 1970, fractions included
	FormEpochMillis
	FormEpochMicros
	FormJSON // of a string: every value as its JSON text, strings too
	FormText // of a string: strings as they are, other values as their JSON text
)

var formNames = map[Form]string{FormEpochSeconds: "epoch_seconds", FormEpochMillis: "epoch_millis", FormEpochMicros: "epoch_micros", FormJSON: "json", FormText: "text"}

// formsOf are the forms that the values of a kind may have.
var formsOf = map[Kind][]Form{KindTimestamp: {FormEpochSeconds, FormEpochMillis, FormEpochMicros}, KindString: {FormJSON, FormText}}

// String is the word in parentheses behind the type.
func (f Form) String() string { return formNames[f] }
