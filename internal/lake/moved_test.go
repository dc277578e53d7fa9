package lake_test

import (
	"testing"

	"sluice/internal/lake"
)

func TestMovedLocation(t *testing.T) {
	const one, two = "20260131T235959Z-0123456789ab", "20260201T000000Z-ba9876543210"
	tests := []struct{ table, partition, want string }{
		{"s3://b/lake/d/t/", "s3://b/lake/d/t/dt=1/", "s3://b/lake/d/t/_compacted/" + two + "/dt=1/"},
		{"s3://b/lake/d/t/", "s3://b/lake/d/t/_compacted/" + one + "/dt=1/hr=2/", "s3://b/lake/d/t/_compacted/" + two + "/dt=1/hr=2/"},
		{"s3://b/lake/d/t/", "s3://b/lake/d/t/", "s3://b/lake/d/t/_compacted/" + two + "/"},
		{"s3://b/lake/d/t/_compacted/" + one + "/", "s3://b/lake/d/t/_compacted/" + one + "/", "s3://b/lake/d/t/_compacted/" + two + "/"},
		{"s3://b/lake/d/t/", "s3://b/lake/d/other/dt=1/", ""},
		{"s3://b/lake/d/t/", "s3://b/lake/d/t/_compacted/mine/dt=1/", "s3://b/lake/d/t/_compacted/" + two + "/_compacted/mine/dt=1/"},
	}
	for _, tt := range tests {
		got, ok := lake.MovedLocation(tt.table, tt.partition, two)
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s of %s: %s %v, want %q", tt.partition, tt.table, got, ok, tt.want)
		}
		if !ok {
			continue
		}
		if home, moved := lake.HomeLocation(got); !moved || home == got {
			t.Errorf("home of %s: %s %v", got, home, moved)
		}
	}
}
