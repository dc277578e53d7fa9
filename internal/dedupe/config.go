package dedupe

import (
	"log/slog"
	"time"

	"sluice/buffer"

	"github.com/prometheus/client_golang/prometheus"
)

// What a Config leaves out, and what bounds memory.
const (
	DefaultMaxKeys       = 50_000_000
	DefaultRequestWindow = 24 * time.Hour
	// DefaultOpenKeys is about 20 to 40 MB.
	DefaultOpenKeys = 512 << 10
	// maxOpen and minOpen bound a stream's part of OpenKeys.
	maxOpen = 128 << 10
	minOpen = 4 << 10
	// hardFactor is how many times its part a stream may hold before an append
	// writes them to a file itself.
	hardFactor = 2

	// maxClaims bounds the keys of appends under way, which take 100 bytes each,
	// about; a block with more waits until it is alone.
	maxClaims = 512 << 10

	tidyEvery  = 15 * time.Second
	retryEvery = 5 * time.Second
)

// A Config says where the keys live and what they are.
type Config struct {
	Dir string // one folder a stream in it; made when it is needed
	Log Log
	// Key is the path of the field that is the key of a stream's records and for
	// how long it is remembered; no path for none. It is asked once a stream.
	Key func(stream string) (path []string, window time.Duration)
	// RequestWindow is for how long the records of a request with a key are
	// remembered; 0: DefaultRequestWindow.
	RequestWindow time.Duration
	MaxKeys       int64 // of one stream, on disk and in memory; 0: DefaultMaxKeys
	OpenKeys      int   // in memory, all streams together, about; 0: DefaultOpenKeys
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
	FS            buffer.FS // nil: the operating system's
}
