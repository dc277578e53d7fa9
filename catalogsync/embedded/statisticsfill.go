package embedded

import (
	"encoding/json"
	"fmt"
)

// requiredStatistics are the members that the data of each type has in AWS Glue's
// model whatever the column holds. Trino leaves some of them out where a column has
// nothing but nulls, and unboxes all of them: without, its statistics fail.
var requiredStatistics = map[string][]string{
	"BinaryColumnStatisticsData":  {"MaximumLength", "AverageLength", "NumberOfNulls"},
	"BooleanColumnStatisticsData": {"NumberOfTrues", "NumberOfFalses", "NumberOfNulls"},
	"DateColumnStatisticsData":    {"NumberOfNulls", "NumberOfDistinctValues"},
	"DecimalColumnStatisticsData": {"NumberOfNulls", "NumberOfDistinctValues"},
	"DoubleColumnStatisticsData":  {"NumberOfNulls", "NumberOfDistinctValues"},
	"LongColumnStatisticsData":    {"NumberOfNulls", "NumberOfDistinctValues"},
	"StringColumnStatisticsData":  {"MaximumLength", "AverageLength", "NumberOfNulls", "NumberOfDistinctValues"},
}

// filledStatistics is a ColumnStatistics as it was written, with zero for what it
// lacks of requiredStatistics. What is not of the model stays as it is.
func filledStatistics(doc json.RawMessage) (json.RawMessage, error) {
	var whole, data map[string]json.RawMessage
	if err := json.Unmarshal(doc, &whole); err != nil {
		return nil, fmt.Errorf("column statistics in the catalog: %w", err)
	}
	if json.Unmarshal(whole["StatisticsData"], &data) != nil {
		return doc, nil
	}
	filled := false
	for name, required := range requiredStatistics {
		var values map[string]json.RawMessage
		if json.Unmarshal(data[name], &values) != nil || values == nil {
			continue
		}
		for _, member := range required {
			if v, ok := values[member]; !ok || string(v) == "null" {
				values[member] = json.RawMessage("0")
				filled = true
			}
		}
		data[name], _ = json.Marshal(values) // of valid JSON: it does not fail
	}
	if !filled {
		return doc, nil
	}
	whole["StatisticsData"], _ = json.Marshal(data)
	return json.Marshal(whole)
}
