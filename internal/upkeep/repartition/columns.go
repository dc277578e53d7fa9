package repartition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/partitioner"
)

// A shape is how rows of the old table become rows of the new one.
type shape struct {
	columns []lake.Column // of the new table that are filled, without its keys
	// names are those of columns and then keys, exprs what they are made of, in SQL.
	names, exprs []string
	lost         []string // keys of the old table whose values are not kept
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func named(columns []lake.Column, name string) (lake.Column, bool) {
	i := lake.ColumnIndex(columns, name)
	if i < 0 {
		return lake.Column{}, false
	}
	return columns[i], true
}

// shapeOf is how rows of a table become rows of one with these keys. values are those of
// the table's partitions.
func shapeOf(old lake.Table, keys []partitioner.Expression, values [][]string) (*shape, error) {
	s := &shape{}
	isKey := func(name string) (partitioner.Expression, bool) {
		i := slices.IndexFunc(keys, func(e partitioner.Expression) bool { return strings.EqualFold(e.Name, name) })
		if i < 0 {
			return partitioner.Expression{}, false
		}
		return keys[i], true
	}
	for _, c := range slices.Concat(old.Columns, old.PartitionKeys) {
		e, taken := isKey(c.Name)
		_, wasKey := named(old.PartitionKeys, c.Name)
		switch {
		case c.Type.Kind == lake.KindNone:
			return nil, fmt.Errorf("the type of column %s of %s cannot be read", c.Name, old.Name)
		case !taken && c.Name == rescued:
		case !taken:
			s.columns = append(s.columns, c)
			s.names, s.exprs = append(s.names, c.Name), append(s.exprs, quote(c.Name))
		case !wasKey && !(e.Function == "" && len(e.Field) == 1 && strings.EqualFold(lake.CleanName(e.Field[0]), c.Name)):
			return nil, fmt.Errorf("the column %s of %s would be lost: the new table has a partition key of that name, which is something else; give the key another name", c.Name, old.Name)
		case wasKey && e.Function != "" && e.Field != nil:
			s.lost = append(s.lost, c.Name)
		}
	}
	s.keepRescued(old, keys)
	for _, e := range keys {
		sql, err := keyOf(old, e, values)
		if err != nil {
			return nil, fmt.Errorf("the partition key %s: %w; an INSERT INTO … SELECT of your own can say it", e.Name, err)
		}
		s.names, s.exprs = append(s.names, e.Name), append(s.exprs, sql)
	}
	return s, nil
}

const rescued = lake.RescuedColumn

// noKey are texts that no partition's value is.
var noKey = "('', '" + lake.NullPartition + "')"

// keepRescued has _rescued tell, as the stream would, what a key cannot that stands for
// its field: that it was empty.
func (s *shape) keepRescued(old lake.Table, keys []partitioner.Expression) {
	expr, typ := "CAST(NULL AS map(varchar, varchar))", lake.MapOf(lake.String)
	c, have := named(old.Columns, rescued)
	if have {
		expr, typ = rescued, c.Type
	}
	for _, e := range keys {
		c, ok := named(old.Columns, e.Name)
		if !ok || c.Type.Kind != lake.KindString {
			continue
		}
		have = true
		path := "'" + strings.ReplaceAll(e.Field[0], "'", "''") + "'"
		expr = fmt.Sprintf(`CASE WHEN %s IN %s THEN map_concat(coalesce(%s, MAP(CAST(ARRAY[] AS array(varchar)), CAST(ARRAY[] AS array(varchar)))), MAP(ARRAY[%s], ARRAY['"' || %[1]s || '"'])) ELSE %[3]s END`,
			quote(c.Name), noKey, expr, path)
	}
	if have {
		s.columns = append(s.columns, lake.Column{Name: rescued, Type: typ})
		s.names, s.exprs = append(s.names, rescued), append(s.exprs, expr)
	}
}

// forms are what the values of functions look like, and formats how Presto makes them.
var (
	forms   = map[string]*regexp.Regexp{"year": regexp.MustCompile(`^\d{4}$`), "month": regexp.MustCompile(`^\d\d$`), "day": regexp.MustCompile(`^\d{4}-\d\d-\d\d$`), "hour": regexp.MustCompile(`^\d\d$`)}
	formats = map[string]string{"year": "%Y", "month": "%m", "day": "%Y-%m-%d", "hour": "%H"}
)

// keyOf is a partition key in SQL over the old table.
func keyOf(old lake.Table, e partitioner.Expression, values [][]string) (string, error) {
	if e.Field == nil {
		return arrivalKey(old, e, values)
	}
	expr, typ, err := fieldOf(old, e.Field)
	if err != nil {
		return "", err
	}
	if e.Function == "" {
		return plainKey(expr, typ)
	}
	return timeKey(expr, typ, e.Function)
}

// arrivalKey is a key of the arrival time, which only the old table's key knows.
func arrivalKey(old lake.Table, e partitioner.Expression, values [][]string) (string, error) {
	at := slices.IndexFunc(old.PartitionKeys, func(k lake.Column) bool { return k.Name == e.Name })
	if at < 0 {
		return "", fmt.Errorf("it is the %s of arrival, which the rows of %s do not tell: it has no key of that name", e.Function, old.Name)
	}
	for _, v := range values {
		if at < len(v) && v[at] != lake.NullPartition && !forms[e.Function].MatchString(v[at]) {
			return "", fmt.Errorf("it is the %s of arrival, but %s has a partition with %s=%s", e.Function, old.Name, e.Name, v[at])
		}
	}
	return "CAST(" + quote(e.Name) + " AS varchar)", nil
}

// fieldOf is the column of a record's field, or what is in it.
func fieldOf(old lake.Table, field []string) (string, lake.Type, error) {
	c, ok := named(old.Columns, lake.CleanName(field[0]))
	if !ok {
		c, ok = named(old.PartitionKeys, lake.CleanName(field[0]))
	}
	if !ok {
		return "", lake.Type{}, fmt.Errorf("%s has no column %s", old.Name, lake.CleanName(field[0]))
	}
	expr, typ := quote(c.Name), c.Type
	for _, segment := range field[1:] {
		switch typ.Kind {
		case lake.KindStruct:
			i := lake.ColumnIndex(typ.Fields, lake.CleanName(segment))
			if i < 0 {
				return "", typ, fmt.Errorf("the column %s of %s has no field %s", c.Name, old.Name, lake.CleanName(segment))
			}
			expr, typ = expr+"."+quote(typ.Fields[i].Name), typ.Fields[i].Type
		case lake.KindMap:
			expr, typ = "element_at("+expr+", '"+strings.ReplaceAll(segment, "'", "''")+"')", *typ.Elem
		default:
			return "", typ, fmt.Errorf("%s is in a column of type %s", strings.Join(field, "."), c.Type)
		}
	}
	return expr, typ, nil
}

// plainKey is a value as a JSON text would have it.
func plainKey(expr string, typ lake.Type) (string, error) {
	switch typ.Kind {
	case lake.KindString:
		return fmt.Sprintf("CASE WHEN %s NOT IN %s THEN %[1]s END", expr, noKey), nil
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint, lake.KindBoolean:
		return "CAST(" + expr + " AS varchar)", nil
	}
	return "", fmt.Errorf("how records spelled a value of type %s is not known", typ)
}

// The first and the last second that have a year of four digits.
const minSecond, maxSecond = -62135596800, 253402300799

// timeKey is a part of a point in time, in UTC.
func timeKey(expr string, typ lake.Type, function string) (string, error) {
	format := func(stamp string) string { return "date_format(" + stamp + ", '" + formats[function] + "')" }
	switch typ.Kind {
	case lake.KindTimestamp:
		return format(expr), nil
	case lake.KindDate:
		if function == "hour" {
			return "CAST(NULL AS varchar)", nil
		}
		return format("CAST(" + expr + " AS timestamp)"), nil
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint:
		v := "CAST(" + expr + " AS bigint)"
		floor := func(unit int64) string {
			return fmt.Sprintf("(%s - mod(mod(%[1]s, %d) + %[2]d, %[2]d)) / %[2]d", v, unit)
		}
		within := func(limit string) string { return fmt.Sprintf("%s > -%s AND %[1]s < %s", v, limit, limit) }
		second := fmt.Sprintf("CASE WHEN %s THEN %s WHEN %s THEN %s WHEN %s THEN %s ELSE %s END",
			within("100000000000"), v, within("100000000000000"), floor(1e3), within("100000000000000000"), floor(1e6), floor(1e9))
		return fmt.Sprintf("CASE WHEN %s BETWEEN %d AND %d THEN %s END", second, minSecond, maxSecond,
			format("date_add('second', "+second+", TIMESTAMP '1970-01-01 00:00:00')")), nil
	}
	return "", fmt.Errorf("points in time in values of type %s cannot be read by SQL just as in records", typ)
}
