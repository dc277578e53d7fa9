package convert

import "iter"

// WithPageRows is the configuration with pages of at most n rows, so that a test
// has many of them.
func WithPageRows(cfg Config, n int) Config {
	cfg.pageRows = n
	return cfg
}

// WithTurns is the configuration with a first turn of some bytes and others for each
// later one, so that little input has many.
func WithTurns(cfg Config, first, later int) Config {
	cfg.firstTurn, cfg.laterTurns = first, later
	return cfg
}

// WithoutWays is the configuration in which no record is parsed by what was found
// in others.
func WithoutWays(cfg Config) Config {
	cfg.noWays = true
	return cfg
}

// What the fuzz tests reach.
var (
	ParseDouble    = parseDouble
	ParseInt       = parseInt
	ParseTimestamp = parseTimestamp
	ParseDate      = parseDate
)

// AppendHybrid is the run-length and bit-packing hybrid.
func AppendHybrid(dst []byte, values []uint32, width uint) []byte {
	return appendHybrid(dst, values, width)
}

// CutBounds cuts two bounds of a text.
func CutBounds(low, high []byte) (_, _ []byte) {
	b := cutBounds(bounds{low, high})
	return b.min, b.max
}

// AppendLevels is the hybrid for levels.
func AppendLevels(dst []byte, levels []uint8, width uint) []byte {
	return appendLevels(dst, levels, width)
}

// AppendEntropyFrame is a zstd frame without matches.
func AppendEntropyFrame(dst, src []byte) []byte { return new(entropyCoder).appendFrame(dst, src) }

// ParseEpoch reads a number in a unit of 10^digits microseconds.
func ParseEpoch(text []byte, digits int) (micros int64, ok bool) { return parseEpoch(text, digits) }

// SightsOf infers from records and returns all that it holds of them.
func SightsOf(records iter.Seq[[]byte]) any {
	in := &inferrer{}
	for r := range records {
		in.add(r)
	}
	return in
}

// AppendStrideFrame is a zstd frame of numbers.
func AppendStrideFrame(dst, src []byte, values int) []byte {
	return new(strideCoder).appendFrame(dst, src, values)
}
