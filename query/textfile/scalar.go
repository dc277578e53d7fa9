package textfile

import (
	"fmt"

	"sluice/internal/lake"
	"sluice/query/executor"
)

// Each of these is an expression over a text, NULL where the text is no such value.

func matching(text, pattern, value string) string {
	return "CASE WHEN regexp_full_match(" + text + ", " + executor.Quote(pattern) + ") THEN " + value + " END"
}

// digits is a whole number, written as one.
func digits(text string) string {
	return matching(text, `[+-]?[0-9]+`, "TRY_CAST("+text+" AS HUGEINT)")
}

// whole is a whole number, or what is before the point of another. A leading zero
// could mean an octal number.
func whole(text string) string {
	return "CASE WHEN regexp_full_match(" + text + ", '[+-]?(0|[1-9][0-9]*)') THEN TRY_CAST(" + text + " AS HUGEINT)" +
		" WHEN regexp_full_match(" + text + `, '[+-]?(0|[1-9][0-9]*)\.[0-9]*([eE][+-]?[0-9]+)?') THEN TRY_CAST(trunc(TRY_CAST(` + text + " AS DECIMAL(38,10))) AS HUGEINT) END"
}

// real is a number as a text that a cast takes. DuckDB would take more.
func real(text string) string {
	return matching(text, `[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?Infinity`, text)
}

// decimal is like real, but for numbers of which DuckDB's JSON has lost digits.
func decimal(v, text string, t lake.Type) string {
	if t.Precision <= 15 {
		return real(text)
	}
	return "CASE WHEN json_type(" + v + ") <> 'DOUBLE' OR length(regexp_replace(" + text + ", '[eE].*|[^0-9]', '', 'g')) < 16 THEN " + real(text) + " END"
}

// date is year-month-day; a time behind it does not count.
func date(text string) string {
	return matching("trim("+text+")", `[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}( .*)?`, "TRY_CAST(string_split(trim("+text+"), ' ')[1] AS DATE)")
}

// days is a date as the number of days since 1970.
func days(text string) string {
	return matching(text, `[+-]?[0-9]{1,7}`, "DATE '1970-01-01' + TRY_CAST("+text+" AS INTEGER)")
}

const localTime = `[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}[ Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}([.][0-9]{1,9})?`

// timestamp is a time without a zone.
func timestamp(text string) string {
	return matching("trim("+text+")", localTime, "TRY_CAST(trim("+text+") AS TIMESTAMP)")
}

// openXTimestamp is a time with a zone or without, or a number: seconds with a
// fraction, seconds of up to 12 characters, or milliseconds.
func openXTimestamp(text string) string {
	return fmt.Sprintf(`CASE WHEN contains(%[1]s, ':') THEN coalesce(%[2]s, %[3]s) ELSE coalesce(%[4]s, %[5]s) END`, text,
		matching(text, `[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?([zZ]|[+-][0-9]{2}:?[0-9]{2})`,
			"make_timestamp(epoch_us(TRY_CAST("+text+" AS TIMESTAMPTZ)))"),
		timestamp(text),
		matching(text, `[+-]?([0-9]{1,18}[.][0-9]*|[.][0-9]+)`, "TRY(make_timestamp(1000 * CAST(trunc(1000 * CAST("+text+" AS DECIMAL(38,9))) AS BIGINT)))"),
		matching(text, `[+-]?[0-9]{1,18}`, "TRY(make_timestamp(CASE WHEN length("+text+") >= 13 THEN 1000 ELSE 1000000 END * CAST("+text+" AS BIGINT)))"))
}
