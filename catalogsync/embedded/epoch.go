package embedded

import (
	"encoding/json"
	"fmt"
	"time"
)

// An epoch is a time on the wire and in the file: seconds since 1970, with a
// fraction.
type epoch float64

func now() epoch { return epoch(float64(time.Now().UnixMilli()) / 1000) }

// UnmarshalJSON takes a number and, as some clients send, a time in RFC 3339.
func (e *epoch) UnmarshalJSON(data []byte) error {
	var f float64
	if json.Unmarshal(data, &f) == nil {
		*e = epoch(f)
		return nil
	}
	var t time.Time
	if err := json.Unmarshal(data, &t); err != nil {
		return fmt.Errorf("%.40s is not a time", data)
	}
	*e = epoch(float64(t.UnixMilli()) / 1000)
	return nil
}
