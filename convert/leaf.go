package convert

import (
	"math"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// leaf parses the value at i, which is not null, for the leaf f.
func (s *shredder) leaf(f *node, i int) (int, error) {
	c := s.data[i]
	switch f.typ.Kind {
	case lake.KindString:
		if f.typ.Form == lake.FormJSON {
			return s.verbatim(f, i)
		}
		if c == '"' {
			end, escaped, err := jsonscan.String(s.data, i)
			if err != nil {
				return end, err
			}
			s.out.putString(f, i, end, escaped)
			if escaped && loneSurrogate(s.data[i:end]) {
				s.mark(f, i, end)
			}
			return end, nil
		}
		return s.jsonText(f, i)
	case lake.KindBigint:
		if c == '-' || c-'0' <= 9 {
			return s.integer(f, i, math.MinInt64, math.MaxInt64)
		}
	case lake.KindInt:
		return s.integer(f, i, math.MinInt32, math.MaxInt32)
	case lake.KindSmallint:
		return s.integer(f, i, math.MinInt16, math.MaxInt16)
	case lake.KindTinyint:
		return s.integer(f, i, math.MinInt8, math.MaxInt8)
	case lake.KindDouble, lake.KindFloat, lake.KindDecimal:
		return s.real(f, i)
	case lake.KindBoolean:
		return s.boolean(f, i)
	case lake.KindTimestamp, lake.KindDate:
		return s.time(f, i)
	case lake.KindBinary:
		if c == '"' {
			end, escaped, err := jsonscan.String(s.data, i)
			if err == nil {
				s.out.putString(f, i, end, escaped)
			}
			return end, err
		}
	}
	return s.misfit(f, i)
}

// jsonText keeps the value at i as its JSON text. That is no surprise in an
// inferred column either: the join of a string with anything is string.
func (s *shredder) jsonText(f *node, i int) (int, error) {
	end, err := s.skip(i)
	if err != nil {
		return end, err
	}
	s.out.put(f, int64(i)<<32|int64(end))
	s.mark(f, i, end)
	return end, nil
}

// verbatim keeps the value at i as its JSON text, strings too.
func (s *shredder) verbatim(f *node, i int) (int, error) {
	end, err := s.skip(i)
	if err == nil {
		s.out.put(f, int64(i)<<32|int64(end))
	}
	return end, err
}

func (s *shredder) integer(f *node, i int, low, high int64) (int, error) {
	if c := s.data[i]; c != '-' && c-'0' > 9 {
		return s.misfit(f, i)
	}
	if v, end, ok := shortInt(s.data, i); ok && v >= low && v <= high {
		s.out.put(f, v)
		return end, nil
	}
	end, integer, err := jsonscan.Number(s.data, i)
	if err != nil {
		return end, err
	}
	if !integer {
		return s.whole(f, i, end, low, high)
	}
	v, ok := parseInt(s.data[i:end])
	if !ok || v < low || v > high {
		return s.misfit(f, i)
	}
	s.out.put(f, v)
	return end, nil
}

// whole takes a number with a fraction or exponent that is an integer all the
// same, such as 1.0 or 1e3; an inferred column would rather be double.
func (s *shredder) whole(f *node, i, end int, low, high int64) (int, error) {
	v, ok := parseDouble(s.data[i:end])
	if !ok || f.open || v != math.Trunc(v) || math.Abs(v) > 1<<53 || (v == 0 && math.Signbit(v)) || int64(v) < low || int64(v) > high {
		return s.misfit(f, i)
	}
	s.out.put(f, int64(v))
	return end, nil
}

func (s *shredder) real(f *node, i int) (int, error) {
	if c := s.data[i]; c != '-' && c-'0' > 9 {
		return s.misfit(f, i)
	}
	end, _, err := jsonscan.Number(s.data, i)
	if err != nil {
		return end, err
	}
	text := s.data[i:end]
	switch f.typ.Kind {
	case lake.KindDouble:
		if v, ok := parseDouble(text); ok {
			s.out.put(f, floatBits(v))
			return end, nil
		}
	case lake.KindFloat:
		if v, ok := parseFloat32(text); ok {
			s.out.put(f, int64(math.Float32bits(v)))
			return end, nil
		}
	case lake.KindDecimal:
		if v, ok := parseDecimal(text, f.typ.Precision, f.typ.Scale); ok {
			s.out.put(f, v)
			return end, nil
		}
	}
	return s.misfit(f, i)
}

// epoch takes a number that counts from 1970.
func (s *shredder) epoch(f *node, i int) (int, error) {
	if c := s.data[i]; c != '-' && c-'0' > 9 {
		return s.misfit(f, i)
	}
	end, _, err := jsonscan.Number(s.data, i)
	if err != nil {
		return end, err
	}
	v, ok := parseEpoch(s.data[i:end], digitsToMicros[f.typ.Form])
	if !ok {
		return s.misfit(f, i)
	}
	s.out.put(f, v)
	return end, nil
}

func (s *shredder) boolean(f *node, i int) (int, error) {
	v := s.data[i] == 't'
	if !v && s.data[i] != 'f' {
		return s.misfit(f, i)
	}
	end, err := jsonscan.Literal(s.data, i)
	if err != nil {
		return end, err
	}
	if v {
		s.out.put(f, 1)
	} else {
		s.out.put(f, 0)
	}
	return end, nil
}

// time takes a string that is an RFC 3339 date-time, or a full date for a date.
func (s *shredder) time(f *node, i int) (int, error) {
	if f.typ.Form != lake.FormPlain {
		return s.epoch(f, i)
	}
	if s.data[i] != '"' {
		return s.misfit(f, i)
	}
	end, escaped, err := jsonscan.String(s.data, i)
	if err != nil {
		return end, err
	}
	parse := parseTimestamp
	if f.typ.Kind == lake.KindDate {
		parse = parseDate
	}
	v, ok := parse(s.data[i+1 : end-1])
	if !ok || escaped {
		return s.misfit(f, i)
	}
	s.out.put(f, v)
	return end, nil
}
