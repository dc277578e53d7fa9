package embedded_test

import (
	"fmt"
	"strings"
	"testing"
)

func statistics(column string, most int) string {
	return fmt.Sprintf(`{"ColumnName":%q,"ColumnType":"int","AnalyzedTime":5,"StatisticsData":{"Type":"LONG",
		"LongColumnStatisticsData":{"MaximumValue":%d,"NumberOfNulls":0,"NumberOfDistinctValues":3}}}`, column, most)
}

func TestColumnStatistics(t *testing.T) {
	c := openTable(t, 2)
	for _, of := range []struct{ suffix, name string }{
		{"ForTable", `"DatabaseName":"d","TableName":"t"`},
		{"ForPartition", `"DatabaseName":"D","TableName":"T","PartitionValues":["2026-01-01","1"]`},
	} {
		get := func(columns string) []any {
			out := c.ok("GetColumnStatistics"+of.suffix, `{%s,"ColumnNames":[%s]}`, of.name, columns)
			c.same([]any{}, out["Errors"])
			return out["ColumnStatisticsList"].([]any)
		}
		c.same([]any{}, get(`"a","nosuch"`))
		for _, most := range []int{7, 9} { // the second replaces the first
			c.same([]any{}, c.ok("UpdateColumnStatistics"+of.suffix, `{%s,"ColumnStatisticsList":[%s]}`, of.name, statistics("A", most))["Errors"])
			c.same([]any{c.parse([]byte(statistics("A", most)))}, get(`"a","hr"`))
		}
		failed := c.ok("UpdateColumnStatistics"+of.suffix, `{%s,"ColumnStatisticsList":[%s,%s,{"ColumnName":"a"}]}`, of.name, statistics("x", 1), statistics("hr", 1))
		var codes []string
		for _, e := range failed["Errors"].([]any) {
			codes = append(codes, e.(object)["Error"].(object)["ErrorCode"].(string))
		}
		c.same([]string{"EntityNotFoundException", "InvalidInputException"}, codes)
		c.same(2, len(get(`"a","hr"`)))
		c.ok("DeleteColumnStatistics"+of.suffix, `{%s,"ColumnName":"a"}`, of.name)
		c.ok("DeleteColumnStatistics"+of.suffix, `{%s,"ColumnName":"a"}`, of.name)
		c.same(1, len(get(`"a","hr"`)))
		c.fails("InvalidInputException", "DeleteColumnStatistics"+of.suffix, `{%s}`, of.name)
		c.fails("InvalidInputException", "GetColumnStatistics"+of.suffix, `{%s,"ColumnNames":["a"%s]}`, of.name, strings.Repeat(`,"a"`, 100))
		c.fails("InvalidInputException", "UpdateColumnStatistics"+of.suffix, `{%s,"ColumnStatisticsList":[{}%s]}`, of.name, strings.Repeat(`,{}`, 25))
	}
	const gone = `"DatabaseName":"d","TableName":"t","PartitionValues":["2026-01-01","1"]`
	c.ok("DeletePartition", `{%s}`, gone)
	c.fails("EntityNotFoundException", "GetColumnStatisticsForPartition", `{%s,"ColumnNames":["hr"]}`, gone)
	c.ok("CreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInput":%s}`, input("2026-01-01", "1"))
	c.same([]any{}, c.ok("GetColumnStatisticsForPartition", `{%s,"ColumnNames":["hr"]}`, gone)["ColumnStatisticsList"])
	c.fails("EntityNotFoundException", "UpdateColumnStatisticsForTable", `{"DatabaseName":"d","TableName":"x"}`)
}

// Trino writes no AverageLength of a column that has only nulls, and fails to plan
// with a NullPointerException where it is not there when it reads.
func TestStatisticsAreWhole(t *testing.T) {
	c := openTable(t, 1)
	const table = `"DatabaseName":"d","TableName":"t"`
	write := func(data string) any {
		c.ok("UpdateColumnStatisticsForTable", `{%s,"ColumnStatisticsList":[{"ColumnName":"a","ColumnType":"string","AnalyzedTime":5,"StatisticsData":%s}]}`, table, data)
		list := c.ok("GetColumnStatisticsForTable", `{%s,"ColumnNames":["a"]}`, table)["ColumnStatisticsList"].([]any)
		return list[0].(object)["StatisticsData"]
	}
	for wrote, want := range map[string]string{
		`{"Type":"STRING","StringColumnStatisticsData":{"MaximumLength":0,"NumberOfNulls":1,"NumberOfDistinctValues":1}}`: `{"Type":"STRING","StringColumnStatisticsData":{"AverageLength":0,"MaximumLength":0,"NumberOfNulls":1,"NumberOfDistinctValues":1}}`,
		`{"Type":"STRING","StringColumnStatisticsData":{"AverageLength":null,"NumberOfNulls":7}}`:                         `{"Type":"STRING","StringColumnStatisticsData":{"AverageLength":0,"MaximumLength":0,"NumberOfNulls":7,"NumberOfDistinctValues":0}}`,
		`{"Type":"BINARY","BinaryColumnStatisticsData":{}}`:                                                               `{"Type":"BINARY","BinaryColumnStatisticsData":{"AverageLength":0,"MaximumLength":0,"NumberOfNulls":0}}`,
		`{"Type":"BOOLEAN","BooleanColumnStatisticsData":{"NumberOfTrues":2}}`:                                            `{"Type":"BOOLEAN","BooleanColumnStatisticsData":{"NumberOfTrues":2,"NumberOfFalses":0,"NumberOfNulls":0}}`,
		`{"Type":"DECIMAL","DecimalColumnStatisticsData":{"MinimumValue":{"Scale":2,"UnscaledValue":"AQ=="}}}`:            `{"Type":"DECIMAL","DecimalColumnStatisticsData":{"MinimumValue":{"Scale":2,"UnscaledValue":"AQ=="},"NumberOfNulls":0,"NumberOfDistinctValues":0}}`,
		`{"Type":"LONG"}`: `{"Type":"LONG"}`,
	} {
		c.same(c.parse([]byte(want)), write(wrote))
	}
}

func TestFunctions(t *testing.T) {
	c := open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"e"}}`)
	create := func(database, name string) string {
		return fmt.Sprintf(`{"DatabaseName":%q,"FunctionInput":{"FunctionName":%q,"ClassName":"c","OwnerName":"o","OwnerType":"USER",
			"ResourceUris":[{"ResourceType":"FILE","Uri":"u"}]}}`, database, name)
	}
	c.fails("EntityNotFoundException", "CreateUserDefinedFunction", "%s", create("nowhere", "f"))
	c.fails("InvalidInputException", "CreateUserDefinedFunction", "%s", create("d", ""))
	for _, name := range []string{"trino__f__1", "trino__g__1", "h"} {
		c.ok("CreateUserDefinedFunction", "%s", create("D", name))
	}
	c.ok("CreateUserDefinedFunction", "%s", create("e", "h"))
	c.fails("AlreadyExistsException", "CreateUserDefinedFunction", "%s", create("d", "H"))
	got := c.ok("GetUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"H"}`)["UserDefinedFunction"].(object)
	delete(got, "CreateTime")
	c.same(object{"FunctionName": "h", "ClassName": "c", "OwnerName": "o", "OwnerType": "USER", "DatabaseName": "d", "CatalogId": "000000000000",
		"ResourceUris": []any{object{"ResourceType": "FILE", "Uri": "u"}}}, got)

	list := func(rest string) []string {
		return c.list("GetUserDefinedFunctions", "UserDefinedFunctions", "FunctionName", `{"MaxResults":1,`+rest+`}`)
	}
	c.same([]string{"trino__f__1", "trino__g__1"}, list(`"DatabaseName":"d","Pattern":"trino__.*"`))
	c.same([]string{"h", "trino__f__1", "trino__g__1"}, list(`"DatabaseName":"D","Pattern":"*"`))
	c.same([]string{"h", "h"}, list(`"Pattern":"h"`))
	c.same([]string{}, list(`"DatabaseName":"nowhere","Pattern":"*"`))

	c.ok("UpdateUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"h","FunctionInput":{"FunctionName":"h","ClassName":"new"}}`)
	c.same("new", c.ok("GetUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"h"}`)["UserDefinedFunction"].(object)["ClassName"])
	c.fails("InvalidInputException", "UpdateUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"h","FunctionInput":{"FunctionName":"i"}}`)
	c.fails("EntityNotFoundException", "UpdateUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"x","FunctionInput":{"FunctionName":"x"}}`)
	c.ok("DeleteUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"h"}`)
	c.fails("EntityNotFoundException", "DeleteUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"h"}`)
	c.fails("EntityNotFoundException", "GetUserDefinedFunction", `{"DatabaseName":"d","FunctionName":"h"}`)
	c.ok("DeleteDatabase", `{"Name":"d"}`)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.same([]string{}, list(`"DatabaseName":"d","Pattern":"*"`))
}
