package configs_test

import (
	"testing"
	"time"

	"sluice/configs"
)

func TestSegmentStreams(t *testing.T) {
	day := configs.StreamDedupe{Key: "messageId", Window: 24 * time.Hour}
	none := configs.StreamDedupe{}
	for _, c := range []struct {
		tables, stream, table string
		dedupe                configs.StreamDedupe
	}{
		{configs.OneTable, "segment", "default.segment", day},
		{configs.OneTable, "segment.web", "default.segment_web", none},
		{configs.OneTable, "segments", "default.segments", none},
		{configs.TablesPerSource, "segment.web", "default.segment_web", day},
		{configs.TablesPerSource, "segment", "default.segment", none},
		{configs.TablesPerSource, "segment.", "default.segment_", none},
		{configs.TablesPerSource, "purchases", "default.purchases", none},
		{configs.TablesPerEvent, "segment.My-App.order_completed", "my_app.order_completed", day},
		{configs.TablesPerEvent, "segment.named.e", "shop.e", configs.StreamDedupe{Key: "id", Window: 24 * time.Hour}},
	} {
		cfg := configs.Default()
		cfg.Segment.Tables = c.tables
		cfg.Streams = map[string]configs.Stream{"segment.named.e": {Table: "shop.e", Dedupe: configs.StreamDedupe{Key: "id"}}}
		s := cfg.Stream(c.stream)
		if s.Table != c.table || s.Dedupe != c.dedupe {
			t.Errorf("tables %s, stream %s: %s %v, want %s %v", c.tables, c.stream, s.Table, s.Dedupe, c.table, c.dedupe)
		}
		cfg.Segment.DedupeWindow = 0
		if s := cfg.Stream("segment.web.e"); s.Dedupe.Key != "" {
			t.Errorf("a window of 0: %v", s.Dedupe)
		}
	}
}
