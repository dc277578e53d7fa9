package delivery

import (
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/partitioner"
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

// JobOf is how a stream's records are converted, by its rules: all of a job but what is
// of one batch, and of the table.
func JobOf(s configs.Stream) (job convert.Job, err error) {
	job.Strict = s.Strict
	job.Rules, err = partitioner.Spec{PartitionBy: s.PartitionBy, Prefix: s.Prefix, Keys: s.PartitionKeys, Query: s.PartitionQuery, TimeZone: s.TimeZone}.Parse()
	if err != nil {
		return job, err
	}
	if job.Declared, err = convert.ParseColumns(s.Columns); err != nil {
		return job, err
	}
	if job.Rewrite, err = convert.NewRewrite(s.Columns, s.Transform); err != nil {
		return job, err
	}
	job.Layout, err = LayoutOf(s.Layout)
	return job, err
}
