package partitioner

import "strings"

// Projection is the table properties by which Athena computes the partitions that
// these rules make, "Partition projection with Amazon Athena": each column's type,
// and where it has a fixed one its range. The ranges of dates and the values of
// enums grow with the partitions: that is for whoever registers them to do. The
// table's location, which ends in a slash, begins storage.location.template.
//
//   - year, day: date (yyyy, yyyy-MM-dd); so are yyyy, yyyy-MM, yyyy-MM-dd and
//     yyyy-MM-dd-HH of a prefix's !{timestamp:…}.
//   - month, hour: integer, two digits; so are MM, dd and HH of a prefix.
//   - a field, and all else that a prefix may have: enum.
func (r *Rules) Projection(location string) map[string]string {
	properties := map[string]string{"projection.enabled": "true"}
	var template strings.Builder
	template.WriteString(location)
	for _, rule := range r.rules {
		project(properties, rule.name, partPatterns[rule.part])
		template.WriteString(string(appendEscaped(nil, rule.name)) + "=${" + rule.name + "}/")
	}
	for _, f := range r.folders {
		template.WriteString(strings.TrimPrefix(f.prefix, "/"))
		if f.name != "" {
			project(properties, f.name, f.pattern())
			template.WriteString("${" + f.name + "}")
		}
		template.WriteByte('/')
	}
	properties["storage.location.template"] = template.String()
	return properties
}

// partPatterns are the values of functions as patterns of dates.
var partPatterns = map[part]string{partYear: "yyyy", partMonth: "MM", partDay: "yyyy-MM-dd", partHour: "HH"}

// dateUnits are the patterns that are a range of dates, with its step.
var dateUnits = map[string]string{"yyyy": "YEARS", "yyyy-MM": "MONTHS", "yyyy-MM-dd": "DAYS", "yyyy-MM-dd-HH": "HOURS"}

// numberRanges are the patterns that are a range of numbers, of two digits each.
var numberRanges = map[string]string{"MM": "1,12", "dd": "1,31", "HH": "0,23"}

// project sets the properties of a column with values of that pattern, "" for any.
func project(properties map[string]string, name, pattern string) {
	prefix := "projection." + name + "."
	if unit, ok := dateUnits[pattern]; ok {
		properties[prefix+"type"] = "date"
		properties[prefix+"format"] = pattern
		properties[prefix+"interval"] = "1"
		properties[prefix+"interval.unit"] = unit
		return
	}
	if bounds, ok := numberRanges[pattern]; ok {
		properties[prefix+"type"] = "integer"
		properties[prefix+"range"] = bounds
		properties[prefix+"digits"] = "2"
		return
	}
	properties[prefix+"type"] = "enum"
}

// pattern is the folder's value as a pattern of numbers; "" where it has others
// than years, months, days, hours and plain text.
func (f *folder) pattern() string {
	var b strings.Builder
	for _, e := range f.elements {
		switch {
		case e.kind == literal:
			b.WriteString(e.text)
		case e.kind == timePart && strings.IndexByte("yMdH", e.time.letter) >= 0 && e.time.count == len(canonical[e.time.letter]):
			b.WriteString(canonical[e.time.letter])
		default:
			return ""
		}
	}
	return b.String()
}

var canonical = map[byte]string{'y': "yyyy", 'M': "MM", 'd': "dd", 'H': "HH"}
