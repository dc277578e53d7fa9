package fetch

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"sluice/query/fetch/footer"
)

const (
	// maxSpan is what one request reads at most: a larger column chunk comes in
	// several, at the same time.
	maxSpan = 8 << 20
	// Gaps are read along, the smallest first, as long as they are together no more
	// than one in gapShare of what is wanted, and none is larger than maxGap: it saves
	// a request.
	gapShare = 20
	maxGap   = 512 << 10
)

// A span is what one request reads: pieces and the gaps between them.
type span struct {
	from, to int64
	pieces   []footer.Piece // in the order of From, none reaching into another
}

// coalesce makes few requests of many pieces.
func coalesce(pieces []footer.Piece) []span {
	parts := split(pieces)
	slices.SortFunc(parts, func(a, b footer.Piece) int { return cmp.Compare(a.From, b.From) })
	widest := widestGap(parts)
	var spans []span
	for _, p := range parts {
		if n := len(spans) - 1; n >= 0 {
			last := &spans[n]
			if gap := p.From - last.to; gap >= 0 && gap <= widest && p.From+p.Length-last.from <= maxSpan {
				last.to = p.From + p.Length
				last.pieces = append(last.pieces, p)
				continue
			}
		}
		spans = append(spans, span{from: p.From, to: p.From + p.Length, pieces: []footer.Piece{p}})
	}
	return spans
}

// split cuts pieces that are too large for one request. Empty ones fall away.
func split(pieces []footer.Piece) (parts []footer.Piece) {
	for _, p := range pieces {
		for p.Length > 0 {
			part := p
			part.Length = min(p.Length, maxSpan)
			parts = append(parts, part)
			p.From, p.To, p.Length = p.From+part.Length, p.To+part.Length, p.Length-part.Length
		}
	}
	return parts
}

// widestGap is the size up to which gaps may be read along.
func widestGap(parts []footer.Piece) int64 {
	var gaps []int64
	wanted := int64(0)
	for i, p := range parts {
		wanted += p.Length
		if i > 0 {
			if gap := p.From - parts[i-1].From - parts[i-1].Length; gap > 0 && gap <= maxGap {
				gaps = append(gaps, gap)
			}
		}
	}
	slices.Sort(gaps)
	widest, budget := int64(0), wanted/gapShare
	for i, gap := range gaps {
		// Those of the same size go together.
		if i+1 < len(gaps) && gaps[i+1] == gap {
			budget -= gap
			continue
		}
		if budget -= gap; budget < 0 {
			break
		}
		widest = gap
	}
	return widest
}

// scatter puts the pieces of a body to their places.
func (s span) scatter(body io.Reader, to io.WriterAt) error {
	at := s.from
	for _, p := range s.pieces {
		if _, err := io.CopyN(io.Discard, body, p.From-at); err != nil {
			return fmt.Errorf("read to byte %d: %w", p.From, err)
		}
		if _, err := io.CopyN(io.NewOffsetWriter(to, p.To), body, p.Length); err != nil {
			return fmt.Errorf("read bytes from %d: %w", p.From, err)
		}
		at = p.From + p.Length
	}
	return nil
}
