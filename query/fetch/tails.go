package fetch

import "sync"

const (
	minTail = 4 << 10
	maxTail = 128 << 10
)

// tails guesses how long the metadata of the next object are: as those of the last
// ones, of which the longest count most. Too short a guess costs another request,
// too long a one bytes that nobody wants.
type tails struct {
	mu      sync.Mutex // guards longest
	longest int64
}

func (t *tails) guess() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return min(max(t.longest+t.longest/8, minTail), maxTail)
}

// seen tells of metadata of that length.
func (t *tails) seen(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n >= t.longest {
		t.longest = n
	} else {
		t.longest -= (t.longest - n) / 16
	}
}
