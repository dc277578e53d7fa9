package convert

// parseTimestamp reads a strict RFC 3339 date-time, capital T and Z, into
// microseconds since 1970 UTC; digits past the microsecond are cut. Leap seconds
// (:60) are not taken: no reader of the column could give them back. Nor is what an
// offset brings out of the years 0001 to 9999: there are readers that fail on it.
func parseTimestamp(s []byte) (micros int64, ok bool) {
	if len(s) < 20 || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	days, ok := parseDate(s[:10])
	if !ok {
		return 0, false
	}
	hour, ok1 := number(s[11:13])
	minute, ok2 := number(s[14:16])
	second, ok3 := number(s[17:19])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	micros = ((days*24+hour)*60+minute)*60_000_000 + second*1_000_000
	i := 19
	if s[i] == '.' {
		unit := int64(100_000)
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
			micros += int64(s[i]-'0') * unit
			unit /= 10
		}
		if i == 20 {
			return 0, false
		}
	}
	offset, ok := parseOffset(s[i:])
	micros -= offset * 60_000_000
	return micros, ok && minMicros <= micros && micros <= maxMicros
}

// parseOffset reads Z or ±hh:mm into minutes.
func parseOffset(s []byte) (minutes int64, ok bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if len(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' {
		return 0, false
	}
	h, ok1 := number(s[1:3])
	m, ok2 := number(s[4:6])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -(h*60 + m), true
	}
	return h*60 + m, true
}

// parseDate reads YYYY-MM-DD, year 0001 to 9999, into days since 1970-01-01.
func parseDate(s []byte) (days int64, ok bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := number(s[0:4])
	m, ok2 := number(s[5:7])
	d, ok3 := number(s[8:10])
	if !ok1 || !ok2 || !ok3 || y < 1 || m < 1 || m > 12 || d < 1 || d > monthDays(y, m) {
		return 0, false
	}
	return civilDays(y, m, d), true
}

func number(s []byte) (v int64, ok bool) {
	for _, c := range s {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

func monthDays(y, m int64) int64 {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// civilDays counts the days from 1970-01-01, with years that begin in March so
// that the leap day comes last.
func civilDays(y, m, d int64) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}
