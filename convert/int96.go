package convert

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A timestampUnit is how a timestamp is stored. In a builder it is always
// microseconds.
type timestampUnit uint8

const (
	micros timestampUnit = iota
	millis
	int96 // eight bytes of nanoseconds of the day, four of the Julian day
)

func parseTimestampUnit(s string) (timestampUnit, error) {
	switch s {
	case "", "micros":
		return micros, nil
	case "millis":
		return millis, nil
	case "int96":
		return int96, nil
	}
	return 0, fmt.Errorf("timestamps as %q: want micros, millis or int96", s)
}

// annotateTimestamp gives a timestamp its converted and logical type; INT96 has
// none.
func annotateTimestamp(el *format.SchemaElement, u timestampUnit) {
	t := &format.TimestampType{IsAdjustedToUTC: true}
	switch u {
	case micros:
		el.ConvertedType = thrift.New(deprecated.TimestampMicros)
		t.Unit = format.TimeUnit{Value: &format.MicroSeconds{}}
	case millis:
		el.ConvertedType = thrift.New(deprecated.TimestampMillis)
		t.Unit = format.TimeUnit{Value: &format.MilliSeconds{}}
	default:
		return
	}
	el.LogicalType = format.LogicalType{Value: t}
}

// stored is the column as the file has it: it differs in timestamps of
// milliseconds.
func (e *encoder) stored(c *column, leaf *node) *column {
	if leaf.unit != millis {
		return c
	}
	e.scaled = e.scaled[:0]
	for _, n := range c.nums {
		e.scaled = append(e.scaled, floorMillis(n))
	}
	return &column{nums: e.scaled}
}

// floorMillis cuts the digits of microseconds since 1970 that are past the
// millisecond, before 1970 too.
func floorMillis(micros int64) int64 {
	ms := micros / 1000
	if micros%1000 < 0 {
		ms--
	}
	return ms
}

const (
	microsPerDay = 86_400_000_000
	julianEpoch  = 2_440_588 // the Julian day number of 1970-01-01
)

// appendInt96 appends microseconds since 1970 as an INT96.
func appendInt96(dst []byte, micros int64) []byte {
	day, rest := micros/microsPerDay, micros%microsPerDay
	if rest < 0 {
		day, rest = day-1, rest+microsPerDay
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(rest)*1000)
	return binary.LittleEndian.AppendUint32(dst, uint32(day+julianEpoch))
}

// int96Values stores what other values give as microseconds as INT96, of which
// no bounds are told: readers do not agree on their order.
type int96Values struct{ values }

func (v int96Values) dictionary() ([]byte, int) {
	micros, n := v.values.dictionary()
	if micros == nil {
		return nil, 0
	}
	dict := make([]byte, 0, 12*n)
	for ; len(micros) > 0; micros = micros[8:] {
		dict = appendInt96(dict, int64(le64(micros)))
	}
	return dict, n
}

func (v int96Values) size() int { return 12 }

func (v int96Values) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	if plain, ok := v.values.(*plainNumbers); ok {
		for _, n := range plain.nums[from:to] {
			dst = appendInt96(dst, n)
		}
		return dst, bounds{}
	}
	dst, _ = v.values.appendPage(dst, from, to)
	return dst, bounds{}
}
