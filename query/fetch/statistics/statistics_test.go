package statistics_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/lake"
	"sluice/query/fetch/footer"
	"sluice/query/fetch/statistics"
	"sluice/query/statement"
)

func i32(n int32) []byte                  { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
func i64(n int64) []byte                  { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
func f64(f float64) []byte                { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)) }
func f32(f float32) []byte                { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)) }
func number(f float64) []statistics.Value { return []statistics.Value{statistics.Number(f, 0)} }
func text(s string) []statistics.Value    { return []statistics.Value{statistics.Text(s)} }

// A chunk is a column of ten rows as a writer describes it.
type chunk struct {
	element   format.SchemaElement
	stats     format.Statistics
	noNulls   bool // the count of nulls is not there
	unordered bool // there is no column order
}

func element(t format.Type, logical format.LogicalTypeValue) format.SchemaElement {
	return format.SchemaElement{Type: thrift.New(t), RepetitionType: thrift.New(format.Optional), Name: "C", LogicalType: format.LogicalType{Value: logical}}
}

func convertedTo(e format.SchemaElement, c deprecated.ConvertedType) format.SchemaElement {
	e.ConvertedType = thrift.New(c)
	return e
}

func (c chunk) footer(t *testing.T) *footer.Footer {
	t.Helper()
	meta := format.FileMetaData{Version: 1, NumRows: 10,
		Schema: []format.SchemaElement{{Name: "root", NumChildren: thrift.New(int32(1))}, c.element},
		RowGroups: []format.RowGroup{{NumRows: 10, Columns: []format.ColumnChunk{{
			MetaData: format.ColumnMetaData{Type: c.element.Type.V, PathInSchema: []string{"C"}, NumValues: 10, Statistics: c.stats}}}}}}
	if !c.unordered {
		meta.ColumnOrders = []format.ColumnOrder{{Value: &format.TypeDefinedOrder{}}}
	}
	var protocol thrift.CompactProtocol
	raw, err := thrift.Marshal(&protocol, &meta)
	if err != nil {
		t.Fatal(err)
	}
	f, err := footer.Parse(raw, int64(len(raw))+1000)
	if err != nil {
		t.Fatal(err)
	}
	if c.noNulls {
		f.Meta.RowGroups[0].Columns[0].MetaData.Statistics.NullCount = -1
	}
	return f
}

// What is in doubt is kept.
func TestKeep(t *testing.T) {
	bounds := func(min, max []byte) format.Statistics { return format.Statistics{MinValue: min, MaxValue: max} }
	older := func(min, max []byte) format.Statistics { return format.Statistics{Min: min, Max: max} }
	signed := element(format.Int64, nil)
	str := element(format.ByteArray, &format.StringType{})
	double := element(format.Double, nil)
	decimal := lake.Type{Kind: lake.KindDecimal, Precision: 10, Scale: 2}
	fixed := element(format.FixedLenByteArray, &format.DecimalType{Scale: 2, Precision: 10})
	fixed.TypeLength = thrift.New(int32(2))
	timestamp := func(unit format.TimeUnitValue) format.SchemaElement {
		return element(format.Int64, &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: unit}})
	}
	whole := func(n float64) []statistics.Value { return []statistics.Value{statistics.Whole(n)} }
	for name, tt := range map[string]struct {
		chunk chunk
		typ   lake.Type
		op    statement.Op
		with  []statistics.Value
		want  bool
	}{
		"within":                     {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Equal, number(5), true},
		"below":                      {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Equal, number(4), false},
		"above":                      {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Equal, number(10), false},
		"less than the least":        {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Less, number(4.5), false},
		"at most the least":          {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.LessEqual, number(5), true},
		"more than the most":         {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Greater, number(9.5), false},
		"whole, more than the most":  {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Greater, whole(9), false},
		"whole, less than the least": {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Less, whole(5), false},
		"whole, at least the most":   {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.GreaterEqual, whole(9), true},
		"whole, past 2^53":           {chunk{element: signed, stats: bounds(i64(1<<60+1), i64(1<<60+1))}, lake.Bigint, statement.Greater, whole(1 << 60), true},
		"negative":                   {chunk{element: signed, stats: bounds(i64(-9), i64(-5))}, lake.Bigint, statement.Greater, number(0), false},
		"one of":                     {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.In, append(number(1), number(7)...), true},
		"none of":                    {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.In, append(number(1), number(17)...), false},
		"nulls alone to compare":     {chunk{element: signed, stats: bounds(i64(5), i64(9))}, lake.Bigint, statement.Equal, nil, false},
		"past 2^53":                  {chunk{element: signed, stats: bounds(i64(1<<60+1), i64(1<<60+1))}, lake.Bigint, statement.Equal, number(1 << 60), true},
		"only a lower bound":         {chunk{element: signed, stats: bounds(i64(5), nil)}, lake.Bigint, statement.Greater, number(100), true},
		"no bounds":                  {chunk{element: signed}, lake.Bigint, statement.Equal, number(1), true},
		"the wrong way round":        {chunk{element: signed, stats: bounds(i64(9), i64(5))}, lake.Bigint, statement.Equal, number(20), true},
		"of another length":          {chunk{element: signed, stats: bounds(i32(5), i32(9))}, lake.Bigint, statement.Equal, number(20), true},
		"older bounds":               {chunk{element: signed, stats: older(i64(5), i64(9)), unordered: true}, lake.Bigint, statement.Equal, number(20), false},
		"bounds without an order":    {chunk{element: signed, stats: bounds(i64(5), i64(9)), unordered: true}, lake.Bigint, statement.Equal, number(20), true},
		"narrower than the table's":  {chunk{element: element(format.Int32, &format.IntType{BitWidth: 16, IsSigned: true}), stats: bounds(i32(5), i32(9))}, lake.Bigint, statement.Equal, number(20), false},
		"unsigned":                   {chunk{element: element(format.Int32, &format.IntType{BitWidth: 32}), stats: bounds(i32(5), i32(9))}, lake.Bigint, statement.Equal, number(20), true},
		"unsigned, older":            {chunk{element: convertedTo(signed, deprecated.Uint64), stats: older(i64(5), i64(9))}, lake.Bigint, statement.Equal, number(20), true},
		"a date as a number":         {chunk{element: convertedTo(element(format.Int32, nil), deprecated.Date), stats: bounds(i32(5), i32(9))}, lake.Bigint, statement.Equal, number(20), true},

		"text":                   {chunk{element: str, stats: bounds([]byte("b"), []byte("d"))}, lake.String, statement.Equal, text("a"), false},
		"text, older":            {chunk{element: str, stats: older([]byte("b"), []byte("d"))}, lake.String, statement.Equal, text("a"), true},
		"text, cut":              {chunk{element: str, stats: bounds([]byte("b"), []byte("d"))}, lake.String, statement.Equal, text("cxyz"), true},
		"text, at the cut bound": {chunk{element: str, stats: bounds([]byte("b"), []byte("d"))}, lake.String, statement.GreaterEqual, text("d"), true},
		"text above the bound":   {chunk{element: str, stats: bounds([]byte("b"), []byte("d"))}, lake.String, statement.Greater, text("d"), false},
		"text past ASCII":        {chunk{element: str, stats: bounds([]byte("a"), []byte("é"))}, lake.String, statement.Equal, text("z"), true},
		"bytes":                  {chunk{element: element(format.ByteArray, nil), stats: bounds([]byte("b"), []byte("d"))}, lake.String, statement.Equal, text("a"), true},
		"JSON":                   {chunk{element: element(format.ByteArray, &format.JsonType{}), stats: bounds([]byte("b"), []byte("d"))}, lake.String, statement.Equal, text("a"), true},
		"text that is a number":  {chunk{element: str, stats: bounds([]byte("5"), []byte("9"))}, lake.Bigint, statement.Equal, number(20), true},
		"an empty bound of text": {chunk{element: str, stats: bounds([]byte(""), []byte(""))}, lake.String, statement.Equal, text("x"), true},

		"double":            {chunk{element: double, stats: bounds(f64(1), f64(2))}, lake.Double, statement.Less, number(0.5), false},
		"double and NaN":    {chunk{element: double, stats: bounds(f64(1), f64(2))}, lake.Double, statement.Greater, number(3), true},
		"double, equal":     {chunk{element: double, stats: bounds(f64(1), f64(2))}, lake.Double, statement.Equal, number(3), false},
		"double, NaN bound": {chunk{element: double, stats: bounds(f64(math.NaN()), f64(2))}, lake.Double, statement.Less, number(0), true},
		"double, zeros":     {chunk{element: double, stats: bounds(f64(0), f64(2))}, lake.Double, statement.Equal, number(math.Copysign(0, -1)), true},
		"float":             {chunk{element: element(format.Float, nil), stats: bounds(f32(1), f32(2))}, lake.Double, statement.Less, number(0.5), false},
		"a float column":    {chunk{element: element(format.Float, nil), stats: bounds(f32(1), f32(2))}, lake.Type{Kind: lake.KindFloat}, statement.Less, number(0.5), true},

		"micros":                {chunk{element: timestamp(&format.MicroSeconds{}), stats: bounds(i64(1000), i64(2000))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(3000, 1)}, false},
		"micros, at the edge":   {chunk{element: timestamp(&format.MicroSeconds{}), stats: bounds(i64(1000), i64(2000))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(2000, 1)}, true},
		"millis":                {chunk{element: timestamp(&format.MilliSeconds{}), stats: bounds(i64(1), i64(2))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(1500, 1)}, true},
		"millis, all before":    {chunk{element: timestamp(&format.MilliSeconds{}), stats: bounds(i64(1), i64(2))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(2500, 1)}, false},
		"millis, converted":     {chunk{element: convertedTo(signed, deprecated.TimestampMillis), stats: older(i64(1), i64(2))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(2500, 1)}, false},
		"nanos":                 {chunk{element: timestamp(&format.NanoSeconds{}), stats: bounds(i64(1_000_500), i64(2_000_500))}, lake.Timestamp, statement.LessEqual, []statistics.Value{statistics.Number(1000, 1)}, true},
		"nanos, all before":     {chunk{element: timestamp(&format.NanoSeconds{}), stats: bounds(i64(1_000_500), i64(2_000_500))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(2100, 1)}, false},
		"INT96":                 {chunk{element: element(format.Int96, nil), stats: bounds(make([]byte, 12), make([]byte, 12))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(2100, 1)}, true},
		"a number as timestamp": {chunk{element: signed, stats: bounds(i64(1), i64(2))}, lake.Timestamp, statement.Greater, []statistics.Value{statistics.Number(2100, 1)}, true},

		"decimal":                  {chunk{element: element(format.Int64, &format.DecimalType{Scale: 2, Precision: 10}), stats: bounds(i64(100), i64(250))}, decimal, statement.Greater, number(2.51), false},
		"decimal, at the edge":     {chunk{element: element(format.Int64, &format.DecimalType{Scale: 2, Precision: 10}), stats: bounds(i64(100), i64(250))}, decimal, statement.GreaterEqual, number(2.5), true},
		"decimal of another scale": {chunk{element: element(format.Int64, &format.DecimalType{Scale: 4, Precision: 10}), stats: bounds(i64(100), i64(250))}, decimal, statement.Greater, number(9), true},
		"decimal, bytes":           {chunk{element: fixed, stats: bounds([]byte{0xff, 0x9c}, []byte{0, 100})}, decimal, statement.Less, number(-1.5), false},
		"decimal, negative bytes":  {chunk{element: fixed, stats: bounds([]byte{0xff, 0x9c}, []byte{0, 100})}, decimal, statement.Equal, number(-0.5), true},
		"decimal, older bytes":     {chunk{element: fixed, stats: older([]byte{0xff, 0x9c}, []byte{0, 100})}, decimal, statement.Less, number(-1.5), true},

		"no null":                       {chunk{element: signed}, lake.Bigint, statement.IsNull, nil, false},
		"nulls not counted":             {chunk{element: signed, noNulls: true}, lake.Bigint, statement.IsNull, nil, true},
		"some nulls":                    {chunk{element: signed, stats: format.Statistics{NullCount: 3}}, lake.Bigint, statement.IsNull, nil, true},
		"nulls alone":                   {chunk{element: signed, stats: format.Statistics{NullCount: 10}}, lake.Bigint, statement.IsNotNull, nil, false},
		"nulls alone, compared":         {chunk{element: str, stats: format.Statistics{NullCount: 10}}, lake.String, statement.Equal, text("x"), false},
		"nulls not counted, compared":   {chunk{element: str, noNulls: true}, lake.String, statement.IsNotNull, nil, true},
		"nulls alone of a type unknown": {chunk{element: element(format.Int96, nil), stats: format.Statistics{NullCount: 10}}, lake.Timestamp, statement.Equal, number(1), false},
	} {
		f := tt.chunk.footer(t)
		keep, kept, _ := statistics.Keep(f, []statistics.Predicate{{Op: tt.op, Column: "c", Type: tt.typ, With: tt.with}}, nil)
		if keep[0] != tt.want || (kept == 1) != tt.want {
			t.Errorf("%s: kept %v, want %v", name, keep[0], tt.want)
		}
	}
}

// A column that the file lacks is null; conditions go together as in SQL.
func TestKeepTogether(t *testing.T) {
	f := chunk{element: element(format.Int64, nil), stats: format.Statistics{MinValue: i64(5), MaxValue: i64(9)}}.footer(t)
	leaf := func(column string, op statement.Op, f float64) statistics.Predicate {
		return statistics.Predicate{Op: op, Column: column, Type: lake.Bigint, With: number(f)}
	}
	both := func(op statement.Op, of ...statistics.Predicate) statistics.Predicate {
		return statistics.Predicate{Op: op, Of: of}
	}
	for i, tt := range []struct {
		test   statistics.Predicate
		want   bool
		useful bool
	}{
		{leaf("lacking", statement.Equal, 1), false, true},
		{statistics.Predicate{Op: statement.IsNull, Column: "lacking"}, true, true},
		{statistics.Predicate{Op: statement.IsNotNull, Column: "lacking"}, false, true},
		{statistics.Predicate{}, true, false},
		{both(statement.And, leaf("c", statement.Equal, 5), leaf("c", statement.Equal, 6)), true, true},
		{both(statement.And, leaf("c", statement.Equal, 5), leaf("c", statement.Equal, 1)), false, true},
		{both(statement.And, statistics.Predicate{}, leaf("c", statement.Equal, 1)), false, true},
		{both(statement.Or, leaf("c", statement.Equal, 1), leaf("c", statement.Equal, 6)), true, true},
		{both(statement.Or, leaf("c", statement.Equal, 1), leaf("c", statement.Equal, 2)), false, true},
		{both(statement.Or, leaf("c", statement.Equal, 1), statistics.Predicate{}), true, false},
	} {
		keep, _, _ := statistics.Keep(f, []statistics.Predicate{tt.test}, nil)
		if keep[0] != tt.want || tt.test.Useful() != tt.useful {
			t.Errorf("%d: kept %v, useful %v", i, keep[0], tt.test.Useful())
		}
	}
}
