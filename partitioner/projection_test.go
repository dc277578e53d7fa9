package partitioner_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/partitioner"
)

func TestProjection(t *testing.T) {
	date := func(name, format, unit string) map[string]string {
		p := "projection." + name + "."
		return map[string]string{p + "type": "date", p + "format": format, p + "interval": "1", p + "interval.unit": unit}
	}
	integer := func(name, bounds string) map[string]string {
		p := "projection." + name + "."
		return map[string]string{p + "type": "integer", p + "range": bounds, p + "digits": "2"}
	}
	enum := func(name string) map[string]string { return map[string]string{"projection." + name + ".type": "enum"} }
	tests := []struct {
		spec     partitioner.Spec
		template string
		columns  []map[string]string
	}{
		{partitioner.Spec{}, "dt=${dt}/", []map[string]string{date("dt", "yyyy-MM-dd", "DAYS")}},
		{partitioner.Spec{PartitionBy: []string{"y=year(ts)", "m=month(ts)", "d=day(ts)", "h=hour(ts)", "country=userCountry"}},
			"y=${y}/m=${m}/d=${d}/h=${h}/country=${country}/",
			[]map[string]string{date("y", "yyyy", "YEARS"), integer("m", "1,12"), date("d", "yyyy-MM-dd", "DAYS"), integer("h", "0,23"), enum("country")}},
		{partitioner.Spec{Prefix: "raw/!{timestamp:yyyy/MM/dd/HH}/"}, "raw/${partition_0}/${partition_1}/${partition_2}/${partition_3}/",
			[]map[string]string{date("partition_0", "yyyy", "YEARS"), integer("partition_1", "1,12"), integer("partition_2", "1,31"), integer("partition_3", "0,23")}},
		{partitioner.Spec{Prefix: "at=!{timestamp:yyyy-MM-dd-HH}/c=!{partitionKeyFromQuery:c}/!{timestamp:EEE}/", Keys: map[string]string{"c": "c"}},
			"at=${at}/c=${c}/${partition_0}/", []map[string]string{date("at", "yyyy-MM-dd-HH", "HOURS"), enum("c"), enum("partition_0")}},
		{partitioner.Spec{Prefix: "d=x!{timestamp:yyyy}/"}, "d=${d}/", []map[string]string{enum("d")}},
	}
	for _, tt := range tests {
		rules, err := tt.spec.Parse()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"projection.enabled": "true", "storage.location.template": "s3://b/t/" + tt.template}
		for _, c := range tt.columns {
			for k, v := range c {
				want[k] = v
			}
		}
		if diff := cmp.Diff(want, rules.Projection("s3://b/t/")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.spec, diff)
		}
	}
}
