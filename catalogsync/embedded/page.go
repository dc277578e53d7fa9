package embedded

import (
	"encoding/base64"
)

// A page is the part of a listing that a request asks for.
type page struct {
	MaxResults int    `json:"MaxResults"`
	NextToken  string `json:"NextToken"`
}

// limit is how many entries the page has at most: what was asked for, within
// what the operation gives.
func (p page) limit(most int) int {
	if p.MaxResults <= 0 || p.MaxResults > most {
		return most
	}
	return p.MaxResults
}

// after is the entry that the page begins behind, "" for the first page.
func (p page) after() (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(p.NextToken)
	if err != nil {
		return "", invalid("NextToken is none that this catalog gave out")
	}
	return string(b), nil
}

// token leads to the page behind an entry.
func token(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }
