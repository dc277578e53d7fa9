package httpapi

import (
	"encoding/json"
	"fmt"
	"time"

	"sluice/configs"
	"sluice/query"
)

// limits are query.Limits in a request.
type limits struct {
	Timeout    duration  `json:"timeout,omitzero"`
	Memory     byteCount `json:"memory,omitzero"`
	MaxScanned byteCount `json:"max_scanned,omitzero"`
	MaxRows    int64     `json:"max_rows,omitzero"`
	MaxResult  byteCount `json:"max_result,omitzero"`
}

func limitsOf(l query.Limits) limits {
	return limits{Timeout: duration(l.Timeout), Memory: byteCount(l.Memory), MaxScanned: byteCount(l.Scanned), MaxRows: l.Rows, MaxResult: byteCount(l.Result)}
}

func (l limits) query() query.Limits {
	return query.Limits{Timeout: time.Duration(l.Timeout), Memory: int64(l.Memory), Scanned: int64(l.MaxScanned), Rows: l.MaxRows, Result: int64(l.MaxResult)}
}

// byteCount is a number of bytes, or a text such as "10GiB".
type byteCount int64

func (b *byteCount) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return json.Unmarshal(text, (*int64)(b))
	}
	n, err := configs.ParseBytes(s)
	*b = byteCount(n)
	return err
}

// duration is a text such as "30s".
type duration time.Duration

func (d *duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("a duration is a text such as \"30s\": %w", err)
	}
	v, err := time.ParseDuration(s)
	*d = duration(v)
	return err
}

func (d duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }
