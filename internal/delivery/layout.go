package delivery

import (
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
)

// LayoutOf is a configured layout as the conversion takes it.
func LayoutOf(l configs.Layout) (convert.Layout, error) {
	out := convert.Layout{
		Compression: l.Compression, CompressionLevel: l.CompressionLevel, RowGroup: int64(l.RowGroup),
		Bloom: l.Bloom, BloomFPP: l.BloomFPP, Timestamp: l.Timestamp,
	}
	for _, text := range l.Sort {
		key, err := lake.ParseSortKey(text)
		if err != nil {
			return convert.Layout{}, err
		}
		out.Sort = append(out.Sort, key)
	}
	return out, nil
}
