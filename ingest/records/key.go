package records

import (
	"fmt"
	"net/http"

	"sluice/ingest"
	"sluice/internal/lake"
)

const (
	keyHeader  = "Idempotency-Key"
	codeBadKey = "bad_idempotency_key"
)

// requestKey is the request's Idempotency-Key, empty if it has none.
func requestKey(r *http.Request) (string, *ingest.Problem) {
	values := r.Header[keyHeader]
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	ok := len(values) == 1 && 1 <= len(key) && len(key) <= lake.MaxRequestKey
	for i := 0; i < len(key) && ok; i++ {
		ok = '!' <= key[i] && key[i] <= '~'
	}
	if !ok {
		return "", &ingest.Problem{Status: http.StatusBadRequest, Code: codeBadKey,
			Message: fmt.Sprintf("%s must be given once and have 1 to %d visible ASCII characters, such as a UUID", keyHeader, lake.MaxRequestKey)}
	}
	return key, nil
}
