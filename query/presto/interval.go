package presto

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The fields of intervals with two units, and what is between one and the next.
var (
	intervalUnits = []string{"DAY", "HOUR", "MINUTE", "SECOND"}
	intervalParts = regexp.MustCompile(`^(-?)(\d{1,9})(?:[ :](\d{1,9}))?(?:[:](\d{1,9}))?(?:[:](\d{1,9}))?(?:\.(\d{1,3}))?$`)
	yearMonth     = regexp.MustCompile(`^(-?)(\d{1,5})-(\d{1,5})$`)
	intervalForms = map[string]*regexp.Regexp{
		"DAY HOUR": regexp.MustCompile(`^-?\d+ \d+$`), "DAY MINUTE": regexp.MustCompile(`^-?\d+ \d+:\d+$`), "DAY SECOND": regexp.MustCompile(`^-?\d+ \d+:\d+:\d+(\.\d+)?$`),
		"HOUR MINUTE": regexp.MustCompile(`^-?\d+:\d+$`), "HOUR SECOND": regexp.MustCompile(`^-?\d+:\d+:\d+(\.\d+)?$`), "MINUTE SECOND": regexp.MustCompile(`^-?\d+:\d+(\.\d+)?$`),
	}
)

// compoundInterval is the text of an interval with two units as one with a single
// unit, behind the word INTERVAL.
func compoundInterval(text, from, to string) (string, bool) {
	text, from, to = strings.TrimPrefix(text, "--"), strings.ToUpper(from), strings.ToUpper(to)
	if from == "YEAR" && to == "MONTH" {
		m := yearMonth.FindStringSubmatch(text)
		if m == nil {
			return "", false
		}
		years, _ := strconv.Atoi(m[2])
		months, _ := strconv.Atoi(m[3])
		return fmt.Sprintf("'%s%d' MONTH", m[1], 12*years+months), true
	}
	form, m := intervalForms[from+" "+to], intervalParts.FindStringSubmatch(text)
	if form == nil || m == nil || !form.MatchString(text) {
		return "", false
	}
	at := 0
	for i, u := range intervalUnits {
		if u == from {
			at = i
		}
	}
	millis := int64(0)
	for i, unit := range []int64{86400000, 3600000, 60000, 1000}[at:] {
		v, _ := strconv.ParseInt("0"+m[2+i], 10, 64)
		millis += v * unit
	}
	fraction, _ := strconv.ParseInt((m[6] + "000")[:3], 10, 64)
	millis += fraction
	if millis%86400000 == 0 && millis/86400000 < 1<<31 {
		return fmt.Sprintf("'%s%d' DAY", m[1], millis/86400000), true
	}
	return fmt.Sprintf("'%s%d.%03d' SECOND", m[1], millis/1000, millis%1000), true
}

// scaledInterval is an interval times or over a number: whole milliseconds, or whole
// months.
func (r *rewriter) scaledInterval(n node, name string) {
	args := arguments(n)
	if name != "*" && name != "/" || len(args) != 2 {
		return
	}
	if left, _ := intervalOf(args[0]); !left {
		args[0], args[1] = args[1], args[0]
	}
	macro := "presto_interval_times"
	if name == "/" {
		macro = "presto_interval_over"
	}
	become(n, r.macro(macro, args...))
}
