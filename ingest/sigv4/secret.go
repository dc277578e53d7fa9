package sigv4

import (
	"fmt"
	"log/slog"
)

// A Secret is a secret access key. It does not show when it is printed, logged or
// marshalled.
type Secret struct{ text string }

const hidden = "[secret]"

// NewSecret hides a secret access key.
func NewSecret(text string) Secret { return Secret{text} }

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.text == "" }

// Format prints [secret] for every verb.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(hidden)) }

// String is [secret].
func (s Secret) String() string { return hidden }

// LogValue is [secret].
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is [secret].
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
