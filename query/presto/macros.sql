-- Presto's functions in DuckDB's terms, one macro a statement, each ended by a
-- semicolon at the end of a line. A macro's arguments have no types: what depends
-- on a type asks typeof, which DuckDB folds away when it binds the statement.
-- (Overloads by type would be shorter, but DuckDB 1.5 picks the wrong one when an
-- argument is an aggregate.) Where branches differ in type, cast_to_type gives
-- all of them the type of an example that is never computed.

-- An error at the rows that reach it. error() would do, but it is volatile: TRY
-- refuses it, and no filter is pushed through it.
presto_fail(message) AS CAST(CAST('presto: ' || message AS TINYINT) AS "NULL");

-- Arithmetic.
presto_scale(x) AS coalesce(TRY_CAST(regexp_extract(typeof(x), '^DECIMAL\(\d+,(\d+)\)', 1) AS INTEGER), 0);
presto_unscaled(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT);
presto_ten(n) AS CAST(rpad('1', CAST(n + 1 AS INTEGER), '0') AS HUGEINT);
presto_half_up(n, d) AS (n // d) + CASE WHEN abs(n % d) >= abs(d) - abs(n % d) THEN CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END ELSE 0 END;
presto_point(n, scale) AS CASE WHEN n < 0 THEN '-' ELSE '' END || CASE WHEN scale = 0 THEN CAST(abs(n) AS VARCHAR) ELSE regexp_replace(lpad(CAST(abs(n) AS VARCHAR), CAST(greatest(scale + 1, length(CAST(abs(n) AS VARCHAR))) AS INTEGER), '0'), '(\d{' || scale || '})$', '.\1') END;
presto_decimal_divide(a, b) AS presto_point(presto_half_up(presto_unscaled(a) * presto_ten(greatest(presto_scale(a), presto_scale(b)) - presto_scale(a) + presto_scale(b)), presto_unscaled(b)), greatest(presto_scale(a), presto_scale(b)));
presto_ratio(n, d) AS CASE WHEN d = 0 THEN presto_fail('DIVISION_BY_ZERO: Division by zero') ELSE presto_half_up(n, d) END;
presto_wide_divide(a, b, scale) AS presto_go_decimal_divide(CAST(a AS VARCHAR), CAST(b AS VARCHAR), CAST(scale AS VARCHAR));
presto_mean(s, n) AS CASE WHEN n > 0 THEN presto_decimal_divide(s, n) END;
presto_bounded(s) AS CASE WHEN length(ltrim(replace(CAST(s AS VARCHAR), '.', ''), '-0')) > 38 THEN presto_fail('NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow') ELSE s END;
presto_round_decimal(x, n, scale, before) AS CASE WHEN x IS NULL OR n IS NULL THEN NULL WHEN n >= scale THEN CAST(x AS VARCHAR) WHEN before + n <= 0 THEN '0' ELSE presto_point(presto_half_up(presto_unscaled(x), presto_ten(scale - n)) * presto_ten(scale - n), scale) END;
presto_truncate_decimal(x, n, scale) AS CASE WHEN n >= scale THEN CAST(x AS VARCHAR) WHEN scale - n > 37 THEN '0' WHEN x IS NOT NULL AND n IS NOT NULL THEN presto_point(presto_unscaled(x) // presto_ten(scale - n) * presto_ten(scale - n), scale) END;
presto_divide(a, b) AS CASE WHEN typeof(a + b) IN ('DOUBLE', 'FLOAT') THEN cast_to_type(a / b, a + b) WHEN b = 0 THEN presto_fail('DIVISION_BY_ZERO: Division by zero') WHEN typeof(a + b) LIKE 'DECIMAL%' THEN cast_to_type(presto_decimal_divide(a, b), a + b) ELSE cast_to_type(a // b, a + b) END;
presto_mod(a, b) AS CASE WHEN b = 0 THEN CASE WHEN typeof(a + b) IN ('DOUBLE', 'FLOAT') THEN cast_to_type('NaN', a % b) ELSE presto_fail('DIVISION_BY_ZERO: Division by zero') END ELSE a % b END;
presto_decimal_mod(a, b) AS CASE WHEN b = 0 THEN presto_fail('DIVISION_BY_ZERO: Division by zero') ELSE a % b END;
presto_minus(a, b) AS CASE WHEN typeof(a) = 'DATE' AND typeof(b) = 'DATE' THEN presto_fail('INVALID: date - date gives an interval in Presto; use date_diff(''day'', b, a)') ELSE a - b END;
presto_sum(s, example) AS cast_to_type(s, example + CAST(0 AS HUGEINT));
presto_not_nan(x) AS CASE WHEN NOT isnan(x) THEN x END;
presto_avg(a, s, n, example) AS CASE WHEN typeof(s) LIKE 'DECIMAL%' THEN CASE WHEN n > 0 THEN cast_to_type(presto_decimal_divide(s, n), example + ceil(example)) END ELSE cast_to_type(a, example + ceil(example)) END;
presto_whole(rounded, x) AS CASE WHEN typeof(x) LIKE '%INT%' THEN cast_to_type(x, round(x)) ELSE cast_to_type(rounded, round(x)) END;
presto_cbrt(x) AS CASE WHEN round(cbrt(x)) * round(cbrt(x)) * round(cbrt(x)) = CAST(x AS DOUBLE) THEN round(cbrt(x)) ELSE cbrt(x) END;
presto_round(x, n) AS CASE WHEN n < 0 AND typeof(x) LIKE '%INT%' THEN presto_fail('NOT_SUPPORTED: round of a whole number to tens or more is not supported: PrestoDB leaves it as it is, Trino rounds') WHEN n < 0 AND NOT isfinite(CAST(x AS DOUBLE)) THEN x ELSE cast_to_type(round(x, CAST(n AS INTEGER)), x + x) END;
presto_truncate(x, n) AS CASE WHEN n < 0 OR n > 15 THEN presto_fail('NOT_SUPPORTED: truncate to ' || n || ' places is not supported') WHEN contains(lower(CAST(x AS VARCHAR)), 'e') OR contains(lower(CAST(x AS VARCHAR)), 'n') THEN presto_fail('NOT_SUPPORTED: truncate of ' || CAST(x AS VARCHAR) || ' is not supported') ELSE cast_to_type(regexp_replace(CAST(x AS VARCHAR), '(\.\d{' || CAST(n AS VARCHAR) || '})\d*$', '\1'), x) END;
presto_weight(w) AS CASE WHEN w > 0 THEN CAST(w AS DOUBLE) WHEN w IS NOT NULL THEN presto_fail('INVALID_FUNCTION_ARGUMENT: percentile weight must be > 0') END;
presto_weighted_state(l) AS list_prepend(struct_pack(x := l[1].x, w := CAST(0 AS DOUBLE)), l);
presto_weighted_walk(l, least) AS list_reduce(presto_weighted_state(l), lambda s, e: CASE WHEN s.w > least THEN s ELSE struct_pack(x := e.x, w := s.w + e.w) END).x;
presto_weighted(l, p) AS CASE WHEN len(l) > 0 THEN presto_weighted_walk(list_sort(l), floor(p * list_sum(list_transform(l, lambda e: e.w)))) END;
presto_skewness(n, s) AS CASE WHEN n >= 3 THEN s * CAST(n - 2 AS DOUBLE) / sqrt(CAST(n AS DOUBLE) * CAST(n - 1 AS DOUBLE)) END;
presto_ln(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) WHEN x = 0 THEN CAST('-Infinity' AS DOUBLE) ELSE ln(CAST(x AS DOUBLE)) END;
presto_log(b, x) AS presto_ln(x) / presto_ln(b);
presto_log2(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) WHEN x = 0 THEN CAST('-Infinity' AS DOUBLE) ELSE log2(CAST(x AS DOUBLE)) END;
presto_log10(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) WHEN x = 0 THEN CAST('-Infinity' AS DOUBLE) ELSE log10(CAST(x AS DOUBLE)) END;
presto_sqrt(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt(CAST(x AS DOUBLE)) END;
presto_acos(x) AS CASE WHEN x < -1 OR x > 1 THEN CAST('NaN' AS DOUBLE) ELSE acos(CAST(x AS DOUBLE)) END;
presto_asin(x) AS CASE WHEN x < -1 OR x > 1 THEN CAST('NaN' AS DOUBLE) ELSE asin(CAST(x AS DOUBLE)) END;
presto_sign(x) AS cast_to_type(CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') AND isnan(CAST(x AS DOUBLE)) THEN CAST('NaN' AS DOUBLE) ELSE sign(x) END, round(x));
presto_and(a, b) AS CAST(a AS BIGINT) & CAST(b AS BIGINT);
presto_or(a, b) AS CAST(a AS BIGINT) | CAST(b AS BIGINT);
presto_xor(a, b) AS xor(CAST(a AS BIGINT), CAST(b AS BIGINT));
presto_not(a) AS ~CAST(a AS BIGINT);
presto_to_base(x, radix) AS CASE WHEN x < 0 THEN '-' ELSE '' END || lower(to_base(abs(CAST(x AS BIGINT)), CAST(radix AS INTEGER)));
presto_bits(x) AS CASE typeof(x) WHEN 'TINYINT' THEN 8 WHEN 'SMALLINT' THEN 16 WHEN 'INTEGER' THEN 32 ELSE 64 END;
presto_signed(v, bits) AS CASE WHEN v >= CAST(1 AS HUGEINT) << (bits - 1) THEN v - (CAST(1 AS HUGEINT) << bits) ELSE v END;
presto_unsigned(x, bits) AS CASE WHEN x < 0 THEN CAST(x AS HUGEINT) + (CAST(1 AS HUGEINT) << bits) ELSE CAST(x AS HUGEINT) END;
presto_shift_ok(s) AS CASE WHEN s < 0 THEN presto_fail('NOT_SUPPORTED: a shift by a negative number is not supported') ELSE CAST(s AS INTEGER) END;
presto_left_shift(x, s) AS cast_to_type(CASE WHEN presto_shift_ok(s) >= presto_bits(x) THEN 0 ELSE presto_signed((presto_unsigned(x, presto_bits(x)) & ((CAST(1 AS HUGEINT) << (presto_bits(x) - presto_shift_ok(s))) - 1)) << presto_shift_ok(s), presto_bits(x)) END, x);
presto_right_shift(x, s) AS cast_to_type(CASE WHEN presto_shift_ok(s) >= presto_bits(x) THEN 0 ELSE presto_signed(presto_unsigned(x, presto_bits(x)) >> presto_shift_ok(s), presto_bits(x)) END, x);
presto_arithmetic_shift(x, s) AS cast_to_type(CASE WHEN presto_shift_ok(s) >= 63 THEN CASE WHEN x < 0 THEN -1 ELSE 0 END WHEN x < 0 THEN -((-1 - CAST(x AS HUGEINT)) >> presto_shift_ok(s)) - 1 ELSE CAST(x AS HUGEINT) >> presto_shift_ok(s) END, x);
presto_bit_count(x, bits) AS CASE WHEN bits < 2 OR bits > 64 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Bits specified in bit_count must be between 2 and 64, got ' || bits) WHEN x >= CAST(1 AS HUGEINT) << (CAST(bits AS INTEGER) - 1) OR x < -(CAST(1 AS HUGEINT) << (CAST(bits AS INTEGER) - 1)) THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Number must be representable with the bits specified') ELSE CAST(bit_count(presto_unsigned(x, CAST(bits AS INTEGER))) AS BIGINT) END;
presto_width_bucket(x, a, b, n) AS CASE WHEN n <= 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: bucketCount must be greater than 0') WHEN a = b THEN presto_fail('INVALID_FUNCTION_ARGUMENT: bounds cannot equal each other') WHEN isnan(CAST(x AS DOUBLE)) THEN presto_fail('INVALID_FUNCTION_ARGUMENT: operand must not be NaN') WHEN a < b THEN presto_bucket(x, a, b, n) ELSE CAST(n AS BIGINT) - presto_bucket(x, b, a, n) + 1 END;
presto_bucket(x, a, b, n) AS CASE WHEN x < a THEN 0 WHEN x >= b THEN CAST(n AS BIGINT) + 1 ELSE CAST(floor(CAST(n AS DOUBLE) * (CAST(x AS DOUBLE) - CAST(a AS DOUBLE)) / (CAST(b AS DOUBLE) - CAST(a AS DOUBLE)) + 1) AS BIGINT) END;
presto_width_bins(x, bins) AS CASE WHEN len(bins) = 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Bins cannot be an empty array') WHEN list_sort(bins) <> bins THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Bin values are not sorted in ascending order') WHEN x IS NOT NULL THEN CAST(len(list_filter(bins, lambda e: e <= x)) AS BIGINT) END;
presto_random_below(n) AS CAST(floor(random() * n) AS BIGINT);

-- Casts. A text is taken where Presto takes it.
presto_exact(x, target) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '[+-]?[0-9]+') THEN presto_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to ' || target) WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN cast_to_type(round(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)), x) ELSE x END;
presto_number(x, target) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\s*[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)\s*') THEN presto_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to ' || target) ELSE x END;
presto_to_real(x) AS CASE WHEN typeof(x) = 'DOUBLE' AND NOT isnan(TRY_CAST(x AS DOUBLE)) AND abs(TRY_CAST(x AS DOUBLE)) >= CAST('3.4028235677973366e38' AS DOUBLE) THEN CAST(CASE WHEN TRY_CAST(x AS DOUBLE) > 0 THEN 'Infinity' ELSE '-Infinity' END AS FLOAT) ELSE CAST(presto_number(x, 'FLOAT') AS FLOAT) END;
-- A double becomes the decimal that its shortest text is, rounded half up.
presto_decimal(x, target) AS CASE WHEN typeof(x) = 'BOOLEAN' THEN CASE WHEN CAST(CAST(x AS VARCHAR) AS VARCHAR) = 'true' THEN '1' WHEN x IS NOT NULL THEN '0' END WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?') THEN presto_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to ' || target) ELSE CAST(x AS VARCHAR) END;
presto_truth(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(lower(CAST(x AS VARCHAR)), 't|true|1|f|false|0') THEN presto_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to BOOLEAN') ELSE x END;
-- A year that has a plus or fewer than four digits, as DuckDB takes it.
presto_odd_year(x) AS typeof(x) = 'VARCHAR' AND regexp_matches(CAST(x AS VARCHAR), '^\s*(\+|-?[0-9]{1,3}-)');
presto_year_padded(t) AS CASE WHEN NOT regexp_matches(t, '^\s*[+-]?[0-9]+-') THEN t ELSE regexp_extract(t, '^\s*(-?)', 1) || lpad(regexp_extract(t, '^\s*[+-]?([0-9]+)', 1), CAST(greatest(4, length(regexp_extract(t, '^\s*[+-]?([0-9]+)', 1))) AS INTEGER), '0') || regexp_extract(t, '^\s*[+-]?[0-9]+(-.*)$', 1) END;
presto_day(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\s*-?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*') THEN presto_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || CAST(x AS VARCHAR)) ELSE x END;
presto_moment(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\s*-?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?)?\s*') THEN presto_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: ' || CAST(x AS VARCHAR)) WHEN typeof(x) LIKE '%INT' OR typeof(x) IN ('INTEGER', 'DOUBLE') THEN presto_fail('TYPE_MISMATCH: Cannot cast a number to timestamp; use from_unixtime') ELSE x END;
presto_to_date(x) AS CASE WHEN presto_odd_year(x) THEN CAST(presto_day(presto_year_padded(CAST(x AS VARCHAR))) AS DATE) ELSE CAST(presto_day(x) AS DATE) END;
presto_to_timestamp(x) AS CASE WHEN presto_odd_year(x) THEN CAST(presto_moment(presto_year_padded(CAST(x AS VARCHAR))) AS TIMESTAMP) ELSE CAST(presto_moment(x) AS TIMESTAMP) END;
presto_clock(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\s*[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?\s*') THEN presto_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to time: ' || CAST(x AS VARCHAR)) ELSE x END;
presto_milli_moment(x) AS make_timestamp((epoch_us(CAST(presto_moment(x) AS TIMESTAMP)) + 500) // 1000 * 1000 - CASE WHEN epoch_us(CAST(presto_moment(x) AS TIMESTAMP)) + 500 < 0 AND (epoch_us(CAST(presto_moment(x) AS TIMESTAMP)) + 500) % 1000 <> 0 THEN 1000 ELSE 0 END);
presto_zoned_moment(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?)?( ?(UTC|Z|[+-]00:00))?\s*') THEN presto_fail('INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp with time zone here, where every zone is UTC: ' || CAST(x AS VARCHAR)) WHEN typeof(x) LIKE '%INT' OR typeof(x) IN ('INTEGER', 'DOUBLE') THEN presto_fail('TYPE_MISMATCH: Cannot cast a number to timestamp; use from_unixtime') ELSE x END;
presto_millis(t) AS rpad(CASE WHEN contains(t, '.') THEN t ELSE t || '.' END, CASE WHEN length(t) <= 23 THEN 23 ELSE 26 END, '0');
presto_digits(t) AS rtrim(ltrim(replace(regexp_replace(t, 'e.*', ''), '.', ''), '0'), '0');
presto_exponent(t, size) AS CASE WHEN contains(t, 'e') THEN CAST(regexp_extract(t, 'e([+-]?\d+)', 1) AS INTEGER) WHEN size >= 1 THEN length(regexp_extract(t, '^(\d+)', 1)) - 1 ELSE -1 - length(regexp_extract(t, '^0\.(0*)', 1)) END;
presto_double_text(t, x) AS CASE WHEN t = 'nan' THEN 'NaN' WHEN t = 'inf' THEN 'Infinity' WHEN t = '-inf' THEN '-Infinity' WHEN x = 0 OR abs(x) >= 1e-3 AND abs(x) < 1e7 THEN t ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || presto_digits(ltrim(t, '-'))[1] || '.' || CASE WHEN length(presto_digits(ltrim(t, '-'))) > 1 THEN presto_digits(ltrim(t, '-'))[2:] ELSE '0' END || 'E' || presto_exponent(ltrim(t, '-'), abs(x)) END;
presto_text(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN CAST(x AS VARCHAR) WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN presto_double_text(CAST(x AS VARCHAR), TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)) WHEN typeof(x) = 'TIMESTAMP' THEN presto_millis(CAST(x AS VARCHAR)) WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN presto_millis(regexp_replace(CAST(x AS VARCHAR), '\+00$', '')) || ' UTC' WHEN typeof(x) = 'JSON' THEN presto_go_json_text(CAST(x AS VARCHAR)) WHEN typeof(x) LIKE '%[]' OR typeof(x) LIKE 'MAP(%' OR typeof(x) LIKE 'STRUCT(%' OR typeof(x) IN ('BLOB', 'INTERVAL', 'TIME') THEN presto_fail('TYPE_MISMATCH: a cast of this type to varchar is not supported; try json_format(CAST(x AS json))') ELSE CAST(x AS VARCHAR) END;
presto_text_of(x, n) AS CASE WHEN typeof(x) <> 'VARCHAR' AND length(presto_text(x)) > n THEN presto_fail('INVALID_CAST_ARGUMENT: Value ' || presto_text(x) || ' cannot be represented as varchar(' || n || ')') ELSE left(presto_text(x), n) END;
presto_row(x) AS CASE WHEN regexp_matches(typeof(x), 'STRUCT\(("[^"]*"|[^ (,)]+) ') THEN presto_fail('NOT_SUPPORTED: a cast of a row whose fields have names to another row is not supported: Presto goes by position here, DuckDB by name') ELSE x END;
presto_nested(x, target) AS CASE WHEN regexp_matches(typeof(x), 'DOUBLE|FLOAT|TIMESTAMP') AND regexp_matches(typeof(x), '\[\]|MAP|STRUCT') AND target <> '' THEN presto_fail('NOT_SUPPORTED: a cast of doubles or timestamps within other values to ' || target || ' is not supported; use transform(a, x -> CAST(x AS …))') ELSE x END;
presto_json_fit(x, shape) AS CASE WHEN typeof(x) = 'JSON' THEN cast_to_type(presto_go_json_fit(CAST(x AS VARCHAR), shape), x) ELSE x END;
presto_typeof(x) AS presto_go_type_name(typeof(x));

-- Text.
presto_replace(s, a, b) AS CASE WHEN a = '' THEN presto_fail('NOT_SUPPORTED: replace of the empty text is not supported') ELSE replace(s, a, b) END;
presto_substr(s, first) AS CASE WHEN first = 0 OR -first > length(s) THEN left(s, 0) ELSE substring(s, first) END;
presto_substr_length(s, first, n) AS CASE WHEN first = 0 OR n <= 0 OR -first > length(s) THEN left(s, CASE WHEN n IS NOT NULL AND first IS NOT NULL THEN 0 END) ELSE substring(s, first, n) END;
presto_trim(s) AS regexp_replace(s, '^[\x{9}-\x{d}\x{1c}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+|[\x{9}-\x{d}\x{1c}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+$', '', 'g');
presto_ltrim(s) AS regexp_replace(s, '^[\x{9}-\x{d}\x{1c}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+', '');
presto_rtrim(s) AS regexp_replace(s, '[\x{9}-\x{d}\x{1c}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+$', '');
presto_upper(s) AS CASE WHEN contains(s, 'ß') THEN array_to_string(list_transform(string_split(s, 'ß'), lambda e: upper(e)), 'ß') ELSE upper(s) END;
presto_pad_ok(s, n, p) AS CASE WHEN n < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]') WHEN p = '' THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Padding string must not be empty') WHEN n > 10000000 THEN presto_fail('NOT_SUPPORTED: a target length of more than 10000000 is not supported, since padding cannot be interrupted') ELSE s END;
presto_lpad(s, n, p) AS lpad(presto_pad_ok(s, n, p), CAST(n AS INTEGER), p);
presto_rpad(s, n, p) AS rpad(presto_pad_ok(s, n, p), CAST(n AS INTEGER), p);
presto_chr(n) AS chr(CAST(n AS INTEGER));
presto_codepoint(s) AS CASE WHEN length(s) <> 1 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Input string must be a single character string') ELSE unicode(s) END;
presto_from_hex(s) AS unhex(CASE WHEN length(s) % 2 = 1 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: invalid input length ' || length(s)) ELSE s END);
presto_ends_with(s, e) AS suffix(s, e);
presto_strrpos(s, p) AS CASE WHEN p = '' THEN presto_fail('NOT_SUPPORTED: strrpos of the empty text is not supported') WHEN contains(s, p) THEN length(s) - length(p) - strpos(reverse(s), reverse(p)) + 2 ELSE 0 + length(s) * 0 END;
presto_levenshtein(a, b) AS CAST(presto_go_levenshtein(a, b) AS BIGINT);
presto_no_list(x) AS CASE WHEN typeof(x) LIKE '%[]' THEN presto_fail('NOT_SUPPORTED: concat_ws of an array is not supported; use array_join') ELSE CAST(x AS VARCHAR) END;
presto_parts(s, d) AS CASE WHEN d IS NULL THEN NULL WHEN d = '' THEN presto_fail('INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') WHEN s = '' THEN [''] ELSE string_split(s, d) END;
presto_parts_most(s, d, n) AS CASE WHEN s IS NULL OR d IS NULL OR n IS NULL THEN NULL WHEN n <= 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Limit must be positive') WHEN len(presto_parts(s, d)) <= n THEN presto_parts(s, d) ELSE list_append(list_slice(presto_parts(s, d), 1, n - 1), substring(s, CAST(coalesce(list_sum(list_transform(list_slice(presto_parts(s, d), 1, n - 1), lambda e: length(e))), 0) + (n - 1) * length(d) + 1 AS BIGINT))) END;
presto_split_part(s, d, i) AS CASE WHEN i <= 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') ELSE presto_parts(s, d)[i] END;
presto_entries(s, entry) AS CASE WHEN s = '' THEN list_slice([s], 2, 1) WHEN suffix(s, entry) THEN presto_parts(left(s, length(s) - length(entry)), entry) ELSE presto_parts(s, entry) END;
presto_pair(e, pair) AS CASE WHEN len(presto_parts(e, pair)) <> 2 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Key-value delimiter must appear exactly once in each entry. Bad input: ''' || e || '''') ELSE presto_parts(e, pair) END;
presto_split_to_map(s, entry, pair) AS map_from_entries(list_transform(presto_entries(s, entry), lambda e: struct_pack(k := presto_pair(e, pair)[1], v := presto_pair(e, pair)[2])));
presto_hamming(a, b) AS CAST(presto_go_hamming(a, b) AS BIGINT);
presto_md5(b) AS unhex(md5(b));
presto_sha1(b) AS unhex(sha1(b));
presto_sha256(b) AS unhex(sha256(b));

presto_from_utf8(b) AS presto_go_from_utf8(b, chr(65533));
presto_from_utf8_with(b, r) AS presto_go_from_utf8(b, CASE WHEN typeof(r) = 'VARCHAR' THEN CAST(r AS VARCHAR) ELSE chr(CAST(CAST(r AS VARCHAR) AS INTEGER)) END);
presto_substr_bytes(b, first, n) AS presto_go_substr_bytes(b, CAST(first AS VARCHAR), CAST(n AS VARCHAR));
presto_reverse_bytes(b) AS presto_go_reverse_bytes(b);
presto_lpad_bytes(b, n, p) AS presto_go_lpad_bytes(b, CAST(n AS VARCHAR), p);
presto_rpad_bytes(b, n, p) AS presto_go_rpad_bytes(b, CAST(n AS VARCHAR), p);
presto_to_big_endian_32(n) AS presto_go_to_big_endian_32(CAST(CAST(n AS INTEGER) AS VARCHAR));
presto_from_big_endian_32(b) AS CAST(presto_go_from_big_endian_32(b) AS INTEGER);
presto_to_ieee754_32(x) AS presto_go_to_ieee754_32(CAST(CAST(x AS FLOAT) AS VARCHAR));
presto_to_ieee754_64(x) AS presto_go_to_ieee754_64(CAST(CAST(x AS DOUBLE) AS VARCHAR));
presto_from_ieee754_32(b) AS CAST(presto_go_from_ieee754_32(b) AS FLOAT);
presto_from_ieee754_64(b) AS CAST(presto_go_from_ieee754_64(b) AS DOUBLE);
presto_sha512(b) AS presto_go_sha512(b);
presto_hmac_md5(b, k) AS presto_go_hmac_md5(b, k);
presto_hmac_sha1(b, k) AS presto_go_hmac_sha1(b, k);
presto_hmac_sha256(b, k) AS presto_go_hmac_sha256(b, k);
presto_hmac_sha512(b, k) AS presto_go_hmac_sha512(b, k);
presto_crc32(b) AS CAST(presto_go_crc32(b) AS BIGINT);
presto_to_base64url(b) AS presto_go_to_base64url(b);
presto_from_base64url(s) AS presto_go_from_base64url(s);
presto_from_base64(s) AS presto_go_from_base64(s);
presto_to_base32(b) AS presto_go_to_base32(b);
presto_from_base32(s) AS presto_go_from_base32(s);
presto_to_big_endian_64(n) AS presto_go_to_big_endian_64(CAST(CAST(n AS BIGINT) AS VARCHAR));
presto_from_big_endian_64(b) AS CAST(presto_go_from_big_endian_64(b) AS BIGINT);
presto_from_base(s, radix) AS CAST(presto_go_from_base(s, CAST(radix AS VARCHAR)) AS BIGINT);
presto_xxhash64(b) AS presto_go_xxhash64(b);
presto_checksum_of(x) AS CAST(CASE WHEN x IS NULL THEN '11400714785074694791' WHEN typeof(x) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT') THEN presto_go_checksum_long(CAST(x AS VARCHAR)) WHEN typeof(x) = 'DOUBLE' THEN presto_go_checksum_double(CAST(x AS VARCHAR)) WHEN typeof(x) = 'FLOAT' THEN presto_go_checksum_real(CAST(x AS VARCHAR)) WHEN typeof(x) = 'BOOLEAN' THEN presto_checksum_truth(CAST(x AS VARCHAR)) WHEN typeof(x) = 'VARCHAR' THEN presto_go_checksum_bytes(encode(CAST(x AS VARCHAR))) WHEN typeof(x) = 'BLOB' THEN presto_go_checksum_bytes(cast_to_type(x, CAST('' AS BLOB))) WHEN typeof(x) = 'DATE' THEN presto_go_checksum_long(CAST(epoch_ms(TRY_CAST(CAST(x AS VARCHAR) AS DATE)) // 86400000 AS VARCHAR)) WHEN typeof(x) = 'TIMESTAMP' THEN presto_checksum_moment(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMP)) ELSE presto_fail('NOT_SUPPORTED: checksum of values of type ' || lower(typeof(x)) || ' is not supported; there are numbers but decimals, varchar, varbinary, boolean, date and timestamp') END AS HUGEINT);
presto_checksum_truth(t) AS CASE WHEN t = 'true' THEN '14754404407690059561' ELSE '9371716823300021843' END;
presto_checksum_moment(t) AS CASE WHEN epoch_us(t) % 1000 <> 0 THEN presto_fail('NOT_SUPPORTED: checksum of a timestamp with microseconds is not supported') ELSE presto_go_checksum_long(CAST(epoch_ms(t) AS VARCHAR)) END;
presto_checksum(total) AS presto_go_checksum_total(CAST(total AS VARCHAR));

-- Regular expressions. Both engines are kin, but what RE2 does not know
-- (lookaround, back references) it refuses.
presto_regexp_extract(s, p) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END;
presto_regexp_group(s, p, g) AS CASE WHEN g IS NULL OR NOT regexp_matches(s, p) THEN NULL WHEN regexp_extract(s, p, g) = '' AND regexp_matches(p, '\)[?*{|]|\|') THEN presto_fail('NOT_SUPPORTED: regexp_extract cannot tell an empty group from one that took no part; make the group not optional') ELSE regexp_extract(s, p, g) END;
presto_regexp_optional(s, p, g) AS presto_go_regexp_group(s, p, CAST(g AS VARCHAR));
presto_regexp_replacement(r) AS CASE WHEN regexp_matches(r, '\\|\$\{') THEN presto_fail('NOT_SUPPORTED: regexp_replace takes $1 to $9 in the replacement, but no backslash and no ${name}') ELSE regexp_replace(r, '\$(\d)', '\\\1', 'g') END;
presto_regexp_replace_all(s, p, r) AS presto_go_regexp_replace(s, p, CASE WHEN regexp_matches(r, '\\|\$\{') THEN presto_regexp_replacement(r) ELSE r END);
presto_regexp_replace_any(s, p, r) AS CASE WHEN r <> '' AND regexp_full_match('', p) THEN presto_fail('NOT_SUPPORTED: regexp_replace by a pattern that matches the empty text and is computed is not supported') ELSE presto_regexp_replace(s, p, r) END;
presto_regexp_replace(s, p, r) AS regexp_replace(s, p, presto_regexp_replacement(r), 'g');
presto_regexp_count(s, p) AS len(regexp_extract_all(s, p));
presto_regexp_split(s, p) AS CASE WHEN regexp_full_match('', p) THEN presto_fail('NOT_SUPPORTED: regexp_split by a pattern that matches the empty text is not supported') WHEN NOT regexp_matches(p, '[\^]|\\[bBA]') THEN string_split_regex(s, p) WHEN contains(s, chr(1)) THEN presto_fail('NOT_SUPPORTED: regexp_split of a text with the character U+0001 by a pattern with ^ or \b is not supported') ELSE string_split(regexp_replace(s, p, chr(1), 'g'), chr(1)) END;
presto_interleave(parts, made) AS CASE WHEN list_count(made) = len(made) THEN array_to_string(list_transform(parts, lambda e, i: e || coalesce(made[i], '')), '') END;
presto_line(s) AS CASE WHEN suffix(s, chr(10)) THEN presto_fail('NOT_SUPPORTED: a $ in a pattern for a text that ends in a line feed is not supported: before it matches in Presto, but not here') ELSE s END;

-- URLs.
presto_url_ok(u) AS regexp_full_match(u, '([^\x00-\x20"<>\\^`{|}%\x7f]|%[0-9A-Fa-f]{2})*') AND NOT regexp_matches(u, '#.*#');
presto_url_part(u, p, g) AS CASE WHEN presto_url_ok(u) THEN url_decode(regexp_extract(u, p, g)) END;
presto_url_protocol(u) AS presto_url_part(u, '^([A-Za-z][A-Za-z0-9+.-]*):', 1);
presto_url_server(u) AS regexp_extract(u, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*)(?::\d*)?(?:[/?#]|$)', 1);
presto_url_host(u) AS CASE WHEN presto_url_ok(u) THEN presto_url_server(u) END;
presto_url_port(u) AS CASE WHEN presto_url_ok(u) AND presto_url_server(u) <> '' THEN TRY_CAST(nullif(regexp_extract(u, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*):(\d+)', 1), '') AS BIGINT) END;
presto_url_path(u) AS CASE WHEN presto_url_ok(u) AND regexp_matches(u, '^[A-Za-z][A-Za-z0-9+.-]*:[^/]') THEN '' ELSE presto_url_part(u, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)', 1) END;
presto_url_query(u) AS presto_url_part(u, '^[^?#]*\?([^#]*)', 1);
presto_url_fragment(u) AS presto_url_part(u, '#(.*)$', 1);
presto_url_arguments(u, name) AS list_filter(string_split(regexp_extract(u, '^[^?#]*\?([^#]*)', 1), '&'), lambda e: string_split(e, '=')[1] = name);
presto_url_parameter(u, name) AS CASE WHEN NOT presto_url_ok(u) OR NOT regexp_matches(u, '^[^?#]*\?') OR len(presto_url_arguments(u, name)) = 0 THEN NULL WHEN contains(regexp_replace(presto_url_arguments(u, name)[1], '^[^=]*=?', ''), '+') THEN presto_fail('NOT_SUPPORTED: url_extract_parameter of a value with + is not supported: PrestoDB keeps it, Trino makes it a space') ELSE url_decode(regexp_replace(presto_url_arguments(u, name)[1], '^[^=]*=?', '')) END;
presto_url_encode(s) AS replace(replace(replace(url_encode(s), '%20', '+'), '~', '%7E'), '%2A', '*');
presto_url_decode(s) AS url_decode(replace(CASE WHEN regexp_matches(s, '%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)') THEN presto_fail('INVALID_FUNCTION_ARGUMENT: URLDecoder: incomplete or illegal escape (%) in ' || s) ELSE s END, '+', ' '));

-- JSON. A text that is no JSON gives NULL.
presto_json(x) AS CASE WHEN json_valid(CAST(x AS VARCHAR)) THEN CAST(CAST(x AS VARCHAR) AS JSON) END;
presto_json_parse(x) AS CAST(presto_go_json_parse(CAST(x AS VARCHAR)) AS JSON);
presto_json_scalar(x, path) AS presto_go_json_scalar(CAST(x AS VARCHAR), path);
presto_json_extract(x, path) AS CAST(presto_go_json_extract(CAST(x AS VARCHAR), path) AS JSON);
presto_json_array_get(x, i) AS presto_json_array_item(presto_json_extract(x, CASE WHEN i >= 0 THEN '$[' || i || ']' WHEN i IS NOT NULL THEN presto_fail('NOT_SUPPORTED: json_array_get from the end is not supported') END));
presto_json_array_item(x) AS CASE WHEN json_type(x) = 'VARCHAR' THEN presto_fail('NOT_SUPPORTED: json_array_get of a text is not supported, since Presto gives it without quotes, which is no JSON; use json_extract_scalar') ELSE x END;
presto_json_array_length(x) AS CASE WHEN json_type(presto_json(x)) = 'ARRAY' THEN CAST(json_array_length(presto_json(x)) AS BIGINT) END;
presto_json_size(x, path) AS CASE json_type(presto_json(x), path) WHEN 'ARRAY' THEN CAST(json_array_length(presto_json(x), path) AS BIGINT) WHEN 'OBJECT' THEN len(json_keys(presto_json(x), path)) ELSE 0 + CASE WHEN json_type(presto_json(x), path) IS NULL THEN NULL ELSE 0 END END;
presto_json_size_all(x, path) AS CAST(presto_go_json_size(CAST(x AS VARCHAR), path) AS BIGINT);
presto_json_scalar_is(x) AS CASE WHEN presto_json(x) IS NULL THEN CASE WHEN x IS NULL THEN NULL ELSE false END ELSE json_type(presto_json(x)) NOT IN ('OBJECT', 'ARRAY') END;
presto_json_contains(x, value) AS CASE WHEN json_type(presto_json(x)) = 'ARRAY' THEN list_contains(CAST(json_extract(presto_json(x), '$[*]') AS JSON[]), CAST(to_json(value) AS JSON)) END;
presto_json_format(x) AS CAST(presto_to_json(x) AS VARCHAR);
presto_to_json(x) AS CASE WHEN typeof(x) = 'JSON' THEN CAST(CAST(x AS VARCHAR) AS JSON) WHEN typeof(x) LIKE '%STRUCT(%' THEN presto_fail('NOT_SUPPORTED: a cast of a row to json is not supported: PrestoDB makes it an array, Trino an object') WHEN typeof(x) LIKE 'TIMESTAMP%' AND typeof(x) NOT LIKE '%[]' THEN to_json(presto_text(x)) WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(presto_text(x) AS JSON) WHEN regexp_matches(typeof(x), '^DECIMAL\(\d+,\d+\)(\[\])*$') THEN CAST(replace(replace(CAST(x AS VARCHAR), 'NULL', 'null'), ' ', '') AS JSON) WHEN typeof(x) LIKE '%TIMESTAMP%' THEN presto_fail('NOT_SUPPORTED: a cast to json of timestamps within other values is not supported') WHEN typeof(x) LIKE '%DECIMAL%' AND typeof(x) <> 'JSON' THEN presto_fail('NOT_SUPPORTED: a cast to json of decimals within a map is not supported; cast them to double or varchar') WHEN typeof(x) <> 'JSON' AND regexp_matches(typeof(x), 'DOUBLE|FLOAT|MAP') THEN CAST(presto_go_json_canonical(CAST(to_json(x) AS VARCHAR)) AS JSON) ELSE to_json(x) END;

-- Arrays and maps.
presto_element(x, k) AS CASE WHEN typeof(x) LIKE '%[]' AND CAST(k AS VARCHAR) = '0' THEN presto_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') ELSE x[k] END;
presto_missing(x, k) AS CASE WHEN typeof(x) LIKE '%[]' THEN CASE WHEN TRY_CAST(CAST(k AS VARCHAR) AS BIGINT) > json_array_length(to_json(x)) THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' || CAST(k AS VARCHAR) || ' > ' || json_array_length(to_json(x)) || ' (element_at gives NULL instead)') END WHEN list_contains(json_keys(to_json(x)), CAST(k AS VARCHAR)) THEN NULL ELSE presto_fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || CAST(k AS VARCHAR) || ' (element_at gives NULL instead)') END;
presto_subscript(x, k) AS CASE WHEN x IS NULL OR k IS NULL THEN NULL WHEN typeof(x) LIKE '%[]' AND TRY_CAST(CAST(k AS VARCHAR) AS BIGINT) < 1 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Array subscript ' || CAST(k AS VARCHAR) || ' is not positive: SQL array indices start at 1') WHEN x[k] IS NOT NULL THEN x[k] ELSE presto_missing(x, k) END;
-- What is compared has one type, or a text of the one would differ from the same of the other.
presto_nested_equal(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN typeof(a) LIKE '%JSON%' OR typeof(a) LIKE '%INTERVAL%' THEN a = b ELSE CAST(presto_go_nested_equal(CAST(to_json(CASE WHEN true THEN a ELSE b END) AS VARCHAR), CAST(to_json(CASE WHEN true THEN b ELSE a END) AS VARCHAR)) AS BOOLEAN) END;
presto_nested_same(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE CAST(presto_go_nested_same(CAST(to_json(CASE WHEN true THEN a ELSE b END) AS VARCHAR), CAST(to_json(CASE WHEN true THEN b ELSE a END) AS VARCHAR)) AS BOOLEAN) END;
presto_ordered_map(m) AS CASE WHEN m IS NOT NULL THEN map_from_entries(list_sort(map_entries(m))) END;
presto_comparable(a) AS CASE WHEN typeof(a) LIKE '%[]' AND CAST(to_json(a) AS VARCHAR) LIKE '%null%' AND presto_go_nested_equal(CAST(to_json(a) AS VARCHAR), CAST(to_json(a) AS VARCHAR)) IS NULL THEN presto_fail('NOT_SUPPORTED: comparisons of arrays with NULL in them are not supported') ELSE a END;
presto_contains(a, x) AS CASE WHEN a IS NULL OR x IS NULL THEN NULL WHEN list_contains(a, x) THEN true WHEN list_count(a) < len(a) THEN NULL ELSE false END;
presto_position(a, x) AS CASE WHEN a IS NULL OR x IS NULL THEN NULL ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END;
presto_distinct(a) AS list_filter(a, lambda e, i: list_position(a, e) = i);
presto_sorted(a) AS list_sort(a, 'ASC', 'NULLS LAST');
presto_sorted_down(a) AS list_sort(a, 'DESC', 'NULLS LAST');
presto_array_max(a) AS CASE WHEN list_count(a) = len(a) THEN list_max(a) END;
presto_array_min(a) AS CASE WHEN list_count(a) = len(a) THEN list_min(a) END;
-- c compares the element that stands later in the array with the one that stands
-- earlier, which alone Presto's sort does with fewer than 32 elements.
presto_before(c, j, i) AS CASE WHEN j = i THEN false WHEN c = -1 THEN j > i WHEN c IN (0, 1) THEN j < i ELSE presto_fail('INVALID_FUNCTION_ARGUMENT: Lambda comparator must return either -1, 0, or 1') END;
presto_consistent(later, earlier) AS CASE WHEN earlier = 1 AND later <> -1 OR earlier <> 1 AND later = -1 THEN presto_contradiction() ELSE later END;
presto_contradiction() AS presto_fail('INVALID_FUNCTION_ARGUMENT: the lambda of array_sort contradicts itself: where (x, y) gives -1, (y, x) is to give 1, and if x comes before y and y before z, x before z');
presto_ranked(ranks) AS CASE WHEN list_unique(list_transform(ranks, lambda e: struct_extract_at(e, 1))) < len(ranks) THEN presto_contradiction() ELSE list_sort(ranks) END;
presto_sortable(a) AS CASE WHEN len(a) > 3000 THEN presto_fail('NOT_SUPPORTED: array_sort with a lambda takes arrays of up to 3000 elements here') ELSE a END;
presto_ngrams(a, n) AS CASE WHEN n <= 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: N must be positive') WHEN n >= len(a) THEN [a] ELSE list_transform(range(1, len(a) - n + 2), lambda i: list_slice(a, i, i + n - 1)) END;
presto_frequency(a) AS map_from_entries(list_transform(list_sort(presto_distinct(presto_remove_nulls(a))), lambda e: struct_pack(k := e, v := CAST(len(list_filter(a, lambda o: o = e)) AS INTEGER))));
presto_duplicates(a) AS list_sort(presto_distinct(list_filter(a, lambda e, i: list_position(a, e) < i)), 'ASC', 'NULLS FIRST');
-- Indexes from the highest down: Presto's order is that of the highest.
presto_extend(combinations, m) AS flatten(list_transform(combinations, lambda c: list_transform(range(1, coalesce(c[len(c)], m + 1)), lambda i: list_append(c, i))));
presto_combinations_of(m, n) AS CASE n WHEN 0 THEN [CAST([] AS BIGINT[])] WHEN 1 THEN presto_extend([CAST([] AS BIGINT[])], m) WHEN 2 THEN presto_extend(presto_extend([CAST([] AS BIGINT[])], m), m) WHEN 3 THEN presto_extend(presto_extend(presto_extend([CAST([] AS BIGINT[])], m), m), m) WHEN 4 THEN presto_extend(presto_extend(presto_extend(presto_extend([CAST([] AS BIGINT[])], m), m), m), m) ELSE presto_extend(presto_extend(presto_extend(presto_extend(presto_extend([CAST([] AS BIGINT[])], m), m), m), m), m) END;
presto_combination_count(m, n) AS CASE n WHEN 0 THEN 1 WHEN 1 THEN m WHEN 2 THEN m * (m - 1) // 2 WHEN 3 THEN m * (m - 1) * (m - 2) // 6 WHEN 4 THEN m * (m - 1) * (m - 2) * (m - 3) // 24 ELSE m * (m - 1) * (m - 2) * (m - 3) * (m - 4) // 120 END;
presto_combinations(a, n) AS CASE WHEN a IS NULL OR n IS NULL THEN NULL WHEN n < 0 OR n > 5 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: combination size must be from 0 to 5: ' || n) WHEN presto_combination_count(CAST(len(a) AS HUGEINT), n) > 100000 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: combinations exceed max size') ELSE list_transform(presto_combinations_of(len(a), n), lambda c: list_transform(list_reverse(c), lambda i: a[i])) END;
presto_shuffle(a) AS list_transform(list_sort(list_transform(a, lambda e, i: struct_pack(r := random(), i := i))), lambda p: a[p.i]);
presto_mean_log(x) AS CAST(presto_ln(x) AS DOUBLE);
presto_first_of(found) AS CASE WHEN found[1] IS NULL AND len(found) > 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: find_first finds NULL as a match. This is not supported.') ELSE found[1] END;
presto_trim_array(a, n) AS CASE WHEN n < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: size must not be negative: ' || n) WHEN n > len(a) THEN presto_fail('INVALID_FUNCTION_ARGUMENT: size must not exceed array cardinality ' || len(a) || ': ' || n) ELSE list_slice(a, 1, len(a) - n) END;
presto_top_n(a, n) AS CASE WHEN n < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: n must not be negative') ELSE list_slice(presto_sorted_down(a), 1, n) END;
presto_position_of(a, x, n) AS CASE WHEN a IS NULL OR x IS NULL OR n IS NULL THEN NULL WHEN n = 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: array_position cannot take a 0-valued instance argument.') ELSE presto_position_among(list_filter(list_transform(a, lambda e, i: CASE WHEN e = x THEN i END), lambda e: e IS NOT NULL), n) END;
presto_position_among(l, n) AS CAST(coalesce(CASE WHEN n > 0 THEN l[n] WHEN -n <= len(l) THEN l[len(l) + n + 1] END, 0) AS BIGINT);
presto_top_entries(m, n) AS map_from_entries(list_transform(list_slice(list_sort(list_transform(map_entries(m), lambda e: struct_pack(v := e.value, k := e.key)), 'DESC', 'NULLS LAST'), 1, CASE WHEN n < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: n must not be negative') ELSE n END), lambda e: struct_pack(k := e.k, v := e.v)));
presto_set_union(lists) AS CASE WHEN lists IS NOT NULL THEN presto_distinct(flatten(list_filter(lists, lambda e: e IS NOT NULL))) END;
presto_map_of_all(l) AS map_from_entries(list_transform(list_sort(presto_distinct(list_transform(l, lambda e: e.k))), lambda k: struct_pack(k := k, v := list_transform(list_filter(l, lambda e: e.k = k), lambda e: e.v))));
presto_multimap(entries) AS CASE WHEN len(list_filter(entries, lambda e: struct_extract_at(e, 1) IS NULL)) > 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: map key cannot be null') ELSE presto_multimap_of(entries) END;
presto_multimap_of(entries) AS map_from_entries(list_transform(list_sort(presto_distinct(list_transform(entries, lambda e: struct_extract_at(e, 1)))), lambda k: struct_pack(k := k, v := list_transform(list_filter(entries, lambda e: struct_extract_at(e, 1) = k), lambda e: struct_extract_at(e, 2)))));
presto_union_of(maps) AS CASE WHEN list_count(maps) > 0 THEN presto_united(maps) END;
presto_united(maps) AS map_from_entries(list_transform(presto_multimap_entries(flatten(list_transform(list_filter(maps, lambda m: m IS NOT NULL), lambda m: map_entries(m)))), lambda e: struct_pack(k := e.k, v := e.v[1])));
presto_multimap_entries(entries) AS list_transform(list_sort(presto_distinct(list_transform(entries, lambda e: e.key))), lambda k: struct_pack(k := k, v := list_transform(list_filter(entries, lambda e: e.key = k), lambda e: e.value)));
presto_sum_of(maps) AS CASE WHEN list_count(maps) > 0 THEN presto_summed(maps) END;
presto_summed(maps) AS map_from_entries(list_transform(presto_multimap_entries(flatten(list_transform(list_filter(maps, lambda m: m IS NOT NULL), lambda m: map_entries(m)))), lambda e: struct_pack(k := e.k, v := cast_to_type(coalesce(list_sum(e.v), 0), e.v[1]))));
presto_split_to_multimap(s, entry, pair) AS presto_multimap_of(list_transform(presto_entries(s, entry), lambda e: struct_pack(k := presto_pair(e, pair)[1], v := presto_pair(e, pair)[2])));
presto_any(r) AS CASE WHEN list_contains(r, true) THEN true WHEN list_count(r) < len(r) THEN NULL WHEN r IS NOT NULL THEN false END;
presto_all(r) AS CASE WHEN list_contains(r, false) THEN false WHEN list_count(r) < len(r) THEN NULL WHEN r IS NOT NULL THEN true END;
presto_none(r) AS NOT presto_any(r);
presto_join(a, d) AS CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE array_to_string(list_transform(list_filter(a, lambda e: e IS NOT NULL), lambda e: presto_text(e)), d) END;
-- array_to_string takes a constant between the elements alone.
presto_glued(a, d) AS array_to_string(list_transform(a, lambda e, i: CASE WHEN i < len(a) THEN e || d ELSE e END), '');
presto_join_any(a, d) AS CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE presto_glued(list_transform(list_filter(a, lambda e: e IS NOT NULL), lambda e: presto_text(e)), d) END;
presto_join_nulls_any(a, d, n) AS CASE WHEN a IS NULL OR d IS NULL OR n IS NULL THEN NULL ELSE presto_glued(list_transform(a, lambda e: coalesce(presto_text(e), n)), d) END;
presto_join_nulls(a, d, n) AS CASE WHEN a IS NULL OR d IS NULL OR n IS NULL THEN NULL ELSE array_to_string(list_transform(a, lambda e: coalesce(presto_text(e), n)), d) END;
presto_remove(a, x) AS CASE WHEN x IS NOT NULL THEN list_filter(presto_common(a, [x]), lambda e: e IS DISTINCT FROM x) END;
presto_union(a, b) AS presto_distinct(a || b);
presto_common(a, b) AS CASE WHEN true THEN a ELSE b END;
presto_intersect(a, b) AS CASE WHEN b IS NOT NULL THEN presto_distinct(list_filter(presto_common(a, b), lambda e: list_position(b, e) IS NOT NULL)) END;
presto_except(a, b) AS CASE WHEN b IS NOT NULL THEN presto_distinct(list_filter(presto_common(a, b), lambda e: list_position(b, e) IS NULL)) END;
presto_overlap(a, b) AS CASE WHEN len(a) = 0 AND b IS NOT NULL OR len(b) = 0 AND a IS NOT NULL THEN false WHEN len(list_filter(a, lambda e: e IS NOT NULL AND list_contains(b, e))) > 0 THEN true WHEN list_count(a) < len(a) OR list_count(b) < len(b) THEN NULL WHEN a IS NOT NULL AND b IS NOT NULL THEN false END;
presto_array_sum(a) AS CASE WHEN a IS NOT NULL THEN coalesce(list_sum(a), 0) END;
presto_array_average(a) AS list_avg(a);
presto_has_duplicates(a) AS len(presto_distinct(a)) < len(a);
presto_remove_nulls(a) AS list_filter(a, lambda e: e IS NOT NULL);
presto_subset(m, ks) AS map_from_entries(list_filter(map_entries(m), lambda e: list_contains(ks, e.key)));
presto_remove_null_values(m) AS map_from_entries(list_filter(map_entries(m), lambda e: e.value IS NOT NULL));
presto_strpos(s, p, n) AS CASE WHEN s IS NULL OR p IS NULL OR n IS NULL THEN NULL WHEN n <= 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: ''instance'' must be a positive or negative number.') WHEN p = '' THEN presto_fail('NOT_SUPPORTED: strpos of the empty text is not supported') WHEN len(string_split(s, p)) > n THEN CAST(list_sum(list_transform(list_slice(string_split(s, p), 1, n), lambda e: length(e))) + (n - 1) * length(p) + 1 AS BIGINT) ELSE length(s) * 0 END;
presto_slice(a, first, n) AS CASE WHEN first = 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') WHEN n < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: length must be greater than or equal to 0') WHEN n = 0 OR -first > len(a) THEN list_slice(a, 2, 1) WHEN first > 0 THEN list_slice(a, first, first + n - 1) ELSE list_slice(a, len(a) + first + 1, len(a) + first + n) END;
presto_sequence_size(n) AS CASE WHEN n > 10000 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries') ELSE n END;
presto_sequence(a, b) AS list_transform(range(0, presto_sequence_size(CAST(abs(b - a) AS BIGINT) + 1)), lambda i: a + CAST(i * CASE WHEN b < a THEN -1 ELSE 1 END AS INTEGER));
presto_sequence_step(a, b, step) AS CASE WHEN step = 0 OR (b - a) * sign(step) < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') WHEN presto_sequence_size((CAST(b AS HUGEINT) - CAST(a AS HUGEINT)) // step + 1) > 0 THEN generate_series(CAST(a AS BIGINT), CAST(b AS BIGINT), CAST(step AS BIGINT)) END;
presto_sequence_interval(a, b, step) AS CASE WHEN typeof(a) = 'DATE' AND (hour(step) % 24 <> 0 OR minute(step) <> 0 OR microsecond(step) <> 0) THEN presto_fail('INVALID_FUNCTION_ARGUMENT: sequence step must be a day interval if start and end values are dates') WHEN CAST(a AS TIMESTAMP) < CAST(b AS TIMESTAMP) AND CAST(a AS TIMESTAMP) + step <= CAST(a AS TIMESTAMP) OR CAST(a AS TIMESTAMP) > CAST(b AS TIMESTAMP) AND CAST(a AS TIMESTAMP) + step >= CAST(a AS TIMESTAMP) THEN presto_fail('INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') ELSE presto_steps(a, b, step) END;
presto_steps(a, b, step) AS cast_to_type(list_filter(list_transform(range(0, presto_sequence_size(len(generate_series(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP), step))) + 2), lambda i: CAST(a AS TIMESTAMP) + step * CAST(i AS INTEGER)), lambda e: CASE WHEN CAST(a AS TIMESTAMP) + step > CAST(a AS TIMESTAMP) THEN e <= CAST(b AS TIMESTAMP) ELSE e >= CAST(b AS TIMESTAMP) END), [a]);
presto_repeat(x, n) AS list_transform(range(0, CASE WHEN n < 0 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be greater than or equal to 0') WHEN n > 10000 THEN presto_fail('INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be less than or equal to 10000') ELSE n END), lambda i: x);
presto_map(ks, vs) AS map(ks, vs);
presto_counts(h) AS map(map_keys(h), CAST(map_values(h) AS BIGINT[]));
presto_sorted_entries(l) AS list_sort(list_transform(l, lambda e, i: struct_pack(k := e.k, i := i, v := e.v)));
presto_first_entries(s) AS list_filter(s, lambda e, i: i = 1 OR s[i - 1].k IS DISTINCT FROM e.k);
presto_map_of(l) AS map_from_entries(list_transform(presto_first_entries(presto_sorted_entries(l)), lambda e: struct_pack(k := e.k, v := e.v)));

-- Dates and times.
presto_date_trunc(unit, x) AS CASE WHEN typeof(x) = 'DATE' AND unit IN ('hour', 'minute', 'second', 'millisecond') THEN presto_fail('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid DATE field') ELSE cast_to_type(date_trunc(unit, x), x) END;
presto_date_plus(x, step, days) AS CASE WHEN typeof(x) = 'DATE' AND NOT days THEN presto_fail('INVALID_FUNCTION_ARGUMENT: a date has no hours, minutes or seconds; cast it to timestamp') ELSE cast_to_type(x + step, x) END;
presto_date_minus(x, step, days) AS CASE WHEN typeof(x) = 'DATE' AND NOT days THEN presto_fail('INVALID_FUNCTION_ARGUMENT: a date has no hours, minutes or seconds; cast it to timestamp') ELSE cast_to_type(x - step, x) END;
presto_date_diff(unit, a, b) AS CASE WHEN typeof(a) = 'DATE' AND typeof(b) = 'DATE' AND lower(unit) IN ('hour', 'minute', 'second', 'millisecond') THEN presto_fail('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid DATE field') ELSE date_sub(unit, a, b) END;
presto_wall(zone, x) AS timezone(zone, CAST(x AS TIMESTAMP WITH TIME ZONE));
presto_wall_fixed(minutes, x) AS timezone('UTC', CAST(x AS TIMESTAMP WITH TIME ZONE)) + to_minutes(minutes);
presto_instant(zone, wall) AS CASE WHEN timezone(zone, timezone(zone, wall) - to_hours(1)) = wall THEN timezone(zone, wall) - to_hours(1) ELSE timezone(zone, wall) END;
presto_instant_fixed(minutes, wall) AS timezone('UTC', wall - to_minutes(minutes));
presto_moved(zone, x, wall) AS CASE WHEN timezone(zone, x + (wall - timezone(zone, x))) = wall THEN x + (wall - timezone(zone, x)) ELSE presto_instant(zone, wall) END;
presto_trunc_short(unit, x, wall) AS x - (wall - date_trunc(unit, wall));
presto_offset(x, wall) AS CAST((epoch_us(wall) - epoch_us(x)) // 60000000 AS BIGINT);
presto_timezone_hour(x, wall) AS CAST(trunc(presto_offset(x, wall) / 60) AS BIGINT);
presto_timezone_minute(x, wall) AS CAST(presto_offset(x, wall) - trunc(presto_offset(x, wall) / 60) * 60 AS BIGINT);
presto_offset_text(x, wall, colon) AS CASE WHEN presto_offset(x, wall) < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(presto_offset(x, wall)) // 60 AS VARCHAR), 2, '0') || colon || lpad(CAST(abs(presto_offset(x, wall)) % 60 AS VARCHAR), 2, '0');
presto_iso8601_at(x, wall) AS replace(presto_text(wall), ' ', 'T') || CASE WHEN presto_offset(x, wall) = 0 THEN 'Z' ELSE presto_offset_text(x, wall, ':') END;
presto_zoned_format(wall, pattern, x, zone) AS replace(replace(replace(strftime(wall, pattern), chr(1), presto_offset_text(x, wall, '')), chr(2), presto_offset_text(x, wall, ':')), chr(3), zone);
presto_zoned_text(wall, zone) AS presto_text(wall) || ' ' || zone;
presto_utc_offset(x) AS CASE WHEN typeof(x) <> 'TIMESTAMP WITH TIME ZONE' THEN presto_fail('TYPE_MISMATCH: only a timestamp with time zone has an offset') WHEN x IS NOT NULL THEN CAST(0 AS BIGINT) END;
presto_only_utc(x, zone) AS CASE WHEN zone IN ('UTC', 'Z', 'GMT', '+00:00') OR x IS NULL THEN x ELSE presto_fail('NOT_SUPPORTED: a timestamp with a time zone that is computed for each row, such as ' || zone || ', is not supported as a value; cast it to timestamp or varchar, or give it to a function such as hour or to_unixtime') END;
presto_char_of(x, n) AS presto_char(CASE WHEN typeof(x) = 'VARCHAR' THEN CAST(x AS VARCHAR) WHEN typeof(x) <> '"NULL"' THEN presto_fail('TYPE_MISMATCH: only a varchar is cast to char(n)') END, n);
presto_char(x, n) AS rpad(left(x, n), n, ' ');
presto_half_up_whole(d) AS CAST(floor(d) AS BIGINT) + CASE WHEN d - floor(d) >= CAST(0.5 AS DOUBLE) THEN 1 ELSE 0 END;
presto_from_unixtime(x) AS CASE WHEN isnan(CAST(x AS DOUBLE)) THEN make_timestamp(0) WHEN abs(CAST(x AS DOUBLE)) > 9e12 THEN presto_fail('NOT_SUPPORTED: from_unixtime of ' || CAST(x AS VARCHAR) || ' is beyond the timestamps that there are here') ELSE presto_moment_of_seconds(x) END;
presto_moment_of_seconds(x) AS make_timestamp((CAST(trunc(CAST(x AS DOUBLE)) AS BIGINT) * 1000 + presto_half_up_whole((CAST(x AS DOUBLE) - trunc(CAST(x AS DOUBLE))) * CAST(1000 AS DOUBLE))) * 1000);
presto_to_unixtime(x) AS epoch(x);
presto_from_iso8601_timestamp(s) AS timezone('UTC', CAST(presto_go_iso_timestamp(s) AS TIMESTAMP));
presto_iso_zone(s) AS presto_go_iso_zone(s);
presto_date_parse(s, p) AS CAST(presto_go_date_parse(s, p) AS TIMESTAMP);
presto_parse_datetime(s, p) AS timezone('UTC', CAST(presto_go_parse_datetime(s, p) AS TIMESTAMP));
presto_parse_datetime_zone(s, p) AS presto_go_parse_datetime_zone(s, p);
presto_wall_any(zone, x) AS CASE WHEN zone LIKE '_%:%' THEN timezone('UTC', CAST(x AS TIMESTAMP WITH TIME ZONE)) + to_minutes(CASE WHEN zone LIKE '-%' THEN -1 ELSE 1 END * (60 * TRY_CAST(zone[2:3] AS INTEGER) + TRY_CAST(zone[5:6] AS INTEGER))) ELSE timezone(zone, CAST(x AS TIMESTAMP WITH TIME ZONE)) END;
presto_from_iso8601_date(s) AS CAST(CASE WHEN contains(s, 'T') THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Invalid format: "' || s || '"') ELSE presto_go_iso_timestamp(s) END AS TIMESTAMP)::DATE;
presto_to_iso8601(x) AS CASE WHEN typeof(x) = 'DATE' THEN CAST(x AS VARCHAR) WHEN typeof(x) = 'TIMESTAMP' THEN replace(presto_text(x), ' ', 'T') WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN replace(replace(presto_text(x), ' UTC', 'Z'), ' ', 'T') ELSE presto_fail('TYPE_MISMATCH: to_iso8601 takes a date or a timestamp') END;
presto_millisecond(x) AS millisecond(x) % 1000;
presto_field(x, i) AS CASE WHEN x IS NOT NULL THEN x[i] END;
-- An interval is months, or milliseconds.
presto_interval_of(months, millis) AS CASE WHEN months <> 0 THEN to_months(CAST(trunc(months) AS INTEGER)) ELSE to_milliseconds(trunc(millis)) END;
presto_interval_months(i) AS year(i) * 12 + month(i);
presto_interval_times(i, f) AS CASE WHEN f IS NOT NULL THEN presto_interval_of(presto_interval_months(i) * CAST(f AS DOUBLE), presto_to_milliseconds(i) * CAST(f AS DOUBLE)) END;
presto_interval_over(i, f) AS CASE WHEN f = 0 THEN presto_fail('DIVISION_BY_ZERO: Division by zero') WHEN f IS NOT NULL THEN presto_interval_of(presto_interval_months(i) / CAST(f AS DOUBLE), presto_to_milliseconds(i) / CAST(f AS DOUBLE)) END;
presto_part_day(x) AS CASE WHEN typeof(x) = 'INTERVAL' THEN CAST(trunc(epoch(x) / 86400) AS BIGINT) ELSE day(x) END;
presto_part_hour(x) AS CASE WHEN typeof(x) = 'INTERVAL' THEN CAST(trunc(epoch(x) / 3600) AS BIGINT) % 24 ELSE hour(x) END;
presto_to_milliseconds(x) AS CAST(round(epoch(x) * 1000) AS BIGINT);
presto_strptime(s, format) AS date_trunc('millisecond', strptime(CASE WHEN trim(s) <> s AND trim(format) = format THEN presto_fail('INVALID_FUNCTION_ARGUMENT: Invalid format: "' || s || '"') ELSE s END, format));
presto_elements(a) AS CASE WHEN typeof(a) LIKE 'STRUCT(%[]' THEN presto_fail('TYPE_MISMATCH: UNNEST of an array of rows gives a column for each field: give each a name') ELSE a END;
presto_sin(x) AS CASE WHEN isinf(CAST(x AS DOUBLE)) THEN CAST('NaN' AS DOUBLE) ELSE sin(x) END;
presto_cos(x) AS CASE WHEN isinf(CAST(x AS DOUBLE)) THEN CAST('NaN' AS DOUBLE) ELSE cos(x) END;
presto_tan(x) AS CASE WHEN isinf(CAST(x AS DOUBLE)) THEN CAST('NaN' AS DOUBLE) ELSE tan(x) END;
