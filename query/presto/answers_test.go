package presto_test

import (
	"strings"
	"testing"
)

// An answer is what Presto gives. An error is written as "! " and a part of its
// message. Where PrestoDB's documentation has the very example, or says the rule
// in words, the section is named; the rest follows from the section's rules.
type answer struct{ sql, want string }

// sections: the chapters of PrestoDB's documentation, "Functions and Operators".
var sections = map[string][]answer{
	"math": {
		{"7 / 2", "3"}, {"-7 / 2", "-3"}, {"7 / 2.0", "3.5"}, {"7e0 / 2", "3.5"}, {"BIGINT '7' / 2", "3"}, {"1 / 0", "! Division by zero"}, {"1 % 0", "! Division by zero"},
		{"1e0 / 0", `"Infinity"`}, {"0e0 / 0", `"NaN"`}, {"-1e0 / 0e0", `"-Infinity"`}, {"7 % 3", "1"}, {"-7 % 3", "-1"}, {"NULL / 2", "null"}, {"7 / NULL", "null"},
		{"1.00 / 3", "0.33"}, {"2.00 / 3", "0.67"}, {"-2.00 / 3", "-0.67"}, {"1 / 3.000", "0.333"}, {"10.5 / 0.5", "21.0"}, {"1.0 / 0", "! Division by zero"},
		{"mod(7, 4)", "3"}, {"abs(-3)", "3"}, {"ceil(1.2e0)", "2.0"}, {"ceiling(-1.2e0)", "-1.0"}, {"floor(-1.2e0)", "-2.0"}, {"ceil(5)", "5"}, {"ceil(1.5)", "2"},
		{"round(2.5e0)", "3.0"}, {"round(-2.5e0)", "-3.0"}, {"round(3.14159e0, 2)", "3.14"}, {"round(1.25, 1)", "1.30"}, {"round(1.5)", "2"}, {"round(7)", "7"}, {"truncate(1.9e0)", "1.0"},
		{"power(2, 10)", "1024.0"}, {"pow(2, 0.5e0) > 1.41", "true"}, {"sqrt(16)", "4.0"}, {"sqrt(-1)", `"NaN"`}, {"cbrt(27)", "3.0"}, {"ln(1)", "0.0"}, {"ln(0)", `"-Infinity"`}, {"log2(8)", "3.0"}, {"log10(1000)", "3.0"}, {"log(2, 8)", "3.0"},
		{"exp(0)", "1.0"}, {"e() > 2.718", "true"}, {"pi() > 3.14", "true"}, {"sign(-5)", "-1"}, {"sign(-5e0)", "-1.0"}, {"degrees(pi())", "180.0"}, {"radians(180) = pi()", "true"},
		{"sin(0)", "0.0"}, {"cos(0)", "1.0"}, {"tan(0)", "0.0"}, {"atan(0)", "0.0"}, {"atan2(0, 1)", "0.0"}, {"sinh(0)", "0.0"}, {"cosh(0)", "1.0"}, {"tanh(0)", "0.0"}, {"acos(2)", `"NaN"`}, {"asin(1) = pi() / 2", "true"},
		{"to_base(255, 16)", `"ff"`}, {"bitwise_and(5, 3)", "1"}, {"bitwise_or(5, 3)", "7"}, {"bitwise_xor(5, 3)", "6"}, {"bitwise_not(5)", "-6"},
		{"is_nan(nan())", "true"}, {"is_finite(infinity())", "false"}, {"is_infinite(infinity())", "true"}, {"random() < 1", "true"}, {"rand() < 1", "true"}, {"random(10) < 10", "true"}, {"rand(10) >= 0", "true"},
		{"9223372036854775807 + 1", "! "}, {"ceil(9007199254740993)", "9007199254740993"}, {"floor(-9223372036854775807)", "-9223372036854775807"}, {"ceiling(max(x)) FROM (VALUES 9007199254740993) AS t(x)", "9007199254740993"},
		{"round(nan(), -1)", `"NaN"`}, {"round(infinity(), -2)", `"Infinity"`}, {"round(-infinity(), 2)", `"-Infinity"`}, {"round(nan(), 2)", `"NaN"`}, {"round(123.5e0, -1)", "120.0"}, {"round(nan())", `"NaN"`}, {"floor(nan())", `"NaN"`}, {"ceil(infinity())", `"Infinity"`},
	},
	"comparison and conditional": {
		{"greatest(1, 3, 2)", "3"}, {"least(1, 3, 2)", "1"}, {"greatest(1, NULL)", "null"}, {"least('b', 'a')", `"a"`},
		{"if(1 > 2, 'a')", "null"}, {"if(1 < 2, 'a', 'b')", `"a"`}, {"coalesce(NULL, 2)", "2"}, {"nullif(1, 1)", "null"}, {"try(1 / 0)", "null"}, {"coalesce(try(1 / 0), 0)", "0"}, {"try(CAST('x' AS bigint))", "null"},
		{"2 BETWEEN 1 AND 3", "true"}, {"NULL IS DISTINCT FROM 1", "true"}, {"'a%b' LIKE 'a!%b' ESCAPE '!'", "true"}, {"'axb' LIKE 'a!%b' ESCAPE '!'", "false"}, {"'axb' NOT LIKE 'a!%b' ESCAPE '!'", "true"}, {"'abc' LIKE '_b%'", "true"}, {"'abc' NOT LIKE '_b%'", "false"},
		{"CASE 1 WHEN 1 THEN 'one' END", `"one"`}, {"1 IN (1, NULL)", "true"}, {"2 IN (1, NULL)", "null"},
	},
	"conversion": {
		{"CAST(2.5e0 AS bigint)", "3"}, {"CAST(-2.5e0 AS bigint)", "-3"}, {"CAST(3.5e0 AS integer)", "4"}, {"CAST(2.5 AS bigint)", "3"}, {"CAST('12' AS bigint)", "12"}, {"CAST(' 12' AS bigint)", "! Cannot cast"}, {"CAST('1.5' AS bigint)", "! Cannot cast"}, {"CAST('1_000' AS integer)", "! Cannot cast"},
		{"TRY_CAST('1.5' AS bigint)", "null"}, {"TRY_CAST('7' AS bigint)", "7"}, {"CAST('300' AS tinyint)", "! "}, {"CAST('1e2' AS double)", "100.0"}, {"CAST('Infinity' AS double)", `"Infinity"`}, {"CAST('inf' AS double)", "! Cannot cast"}, {"CAST('1.005' AS decimal(10,2))", "1.01"}, {"CAST('7' AS decimal)", "7"},
		{"CAST('t' AS boolean)", "true"}, {"CAST(upper('false') AS boolean)", "false"}, {"CAST(lower('YES') AS boolean)", "! Cannot cast"}, {"CAST(0 AS boolean)", "false"}, {"CAST(true AS bigint)", "1"},
		{"CAST('abcdef' AS varchar(3))", `"abc"`}, {"CAST(12345 AS varchar(3))", "! cannot be represented"}, {"CAST(true AS varchar)", `"true"`}, {"CAST(1.50 AS varchar)", `"1.50"`}, {"CAST(1e0 AS varchar)", `"1.0"`}, {"CAST(1e10 AS varchar)", `"1.0E10"`}, {"CAST(-123456789.5e0 AS varchar)", `"-1.234567895E8"`}, {"CAST(0.00015e0 AS varchar)", `"1.5E-4"`}, {"CAST(nan() AS varchar)", `"NaN"`}, {"CAST(12e-8 AS varchar)", `"1.2E-7"`}, {"CAST(0.001e0 AS varchar)", `"0.001"`},
		{"CAST(timestamp '2020-05-10 12:34:56.5' AS varchar)", `"2020-05-10 12:34:56.500"`}, {"CAST(date '2020-05-10' AS varchar)", `"2020-05-10"`}, {"CAST(timestamp '2020-05-10 12:34:56.123456' AS varchar)", `"2020-05-10 12:34:56.123456"`}, {"CAST(timestamp '2020-05-10 12:34:56.7895' AS timestamp(3))", `"2020-05-10 12:34:56.790"`},
		{"CAST('2020-01-31' AS date)", `"2020-01-31"`}, {"CAST('2020/01/31' AS date)", "! cannot be cast to date"}, {"CAST('2020-01-31 10:00:00' AS date)", "! cannot be cast to date"}, {"CAST('2020-01-31T10:00:00' AS timestamp)", "! cannot be cast to timestamp"}, {"CAST('2020-01-31 10:00' AS timestamp)", `"2020-01-31 10:00:00.000"`}, {"CAST(timestamp '2020-01-31 10:00:00' AS date)", `"2020-01-31"`}, {"date('2020-01-31')", `"2020-01-31"`}, {"CAST(1580000000 AS timestamp)", "! from_unixtime"},
		{"CAST(ARRAY[1, 2] AS array(varchar))", `["1","2"]`}, {"CAST(ROW(1, 'a') AS row(x bigint, y varchar))", `{"x":1,"y":"a"}`}, {"CAST(ROW(1, 'a') AS row(x bigint, y varchar)).y", `"a"`}, {"CAST(map(ARRAY['a'], ARRAY[1]) AS map(varchar, double))", `{"a":1.0}`}, {"CAST(ARRAY[CAST(ROW(1) AS row(x bigint))] AS array(row(y bigint)))", "! "}, {"CAST(ARRAY[1] AS varchar)", "! not supported"},
		{"typeof(1)", `"integer"`}, {"typeof('a')", `"varchar"`}, {"typeof(1e0)", `"double"`}, {"typeof(1.5)", `"decimal(2,1)"`}, {"typeof(date '2020-01-01')", `"date"`}, {"typeof(sum(1))", `"bigint"`},
		{"format('%s is %d', 'a', 5)", `"a is 5"`}, {"format('%.2f%%', 1.5e0)", `"1.50%"`}, {"format('%.1f %.1f %.0f %.2f', 0.25e0, 0.35e0, 2.5e0, 1.005)", `"0.3 0.4 3 1.01"`}, {"format('%8.2f|%f', -3.14159e0, 1)", `"   -3.14|1.000000"`}, {"format('%05d', 42)", `"00042"`}, {"format('%,d|%,.2f|%s', 1234567, 1234.565, 'x')", `"1,234,567|1,234.57|x"`}, {"format('%,x', 1)", "! not supported"}, {"format('%s', true)", `"true"`},
		{"X'65 66'", `"ZWY="`}, {"DECIMAL '1.50'", "1.50"}, {"CAST(json_parse('\"a\"') AS varchar)", `"a"`}, {"CAST('a' AS json)", `"\"a\""`}, {"CAST(json_parse('[1,2]') AS array(bigint))", "[1,2]"},
	},
	"string": {
		{"'a' || NULL", "null"}, {"concat('a', NULL, 'b')", "null"}, {"concat('a', 'b', 'c')", `"abc"`}, {"concat(ARRAY[1], ARRAY[2])", "[1,2]"}, {"concat_ws(',', 'a', NULL, 'b')", `"a,b"`}, {"length('häß')", "3"}, {"lower('AB')", `"ab"`}, {"upper('ab')", `"AB"`},
		{"substr('abc', 0)", `""`}, {"substr('abc', 2)", `"bc"`}, {"substr('abc', -2)", `"bc"`}, {"substr('abc', -2, 1)", `"b"`}, {"substr('abc', -5)", `""`}, {"substr('abc', 0, 2)", `""`}, {"substr('abc', 2, 1)", `"b"`}, {"substring('abc', 2)", `"bc"`}, {"substring('abcd' FROM 2 FOR 2)", `"bc"`}, {"substr('abc', 5)", `""`}, {"substring('abcd', 1, -1)", `""`},
		{"trim('  a ')", `"a"`}, {"ltrim('  a ')", `"a "`}, {"rtrim('  a ')", `"  a"`}, {"trim(chr(9) || 'a')", `"a"`}, {"strpos('abcb', 'b')", "2"}, {"strpos('abc', 'x')", "0"}, {"position('c' IN 'abc')", "3"}, {"replace('abab', 'b')", `"aa"`}, {"replace('abab', 'b', 'x')", `"axax"`},
		{"reverse('abc')", `"cba"`}, {"lpad('5', 3, '0')", `"005"`}, {"lpad('abc', 2, 'x')", `"ab"`}, {"rpad('a', 3, 'xy')", `"axy"`}, {"rpad('a', 10000001, 'xy')", "! more than 10000000"}, {"lpad('a', 2000000000, 'x')", "! more than 10000000"}, {"chr(65)", `"A"`}, {"codepoint('A')", "65"}, {"translate('abcd', 'abc', 'xy')", `"xyd"`}, {"starts_with('abc', 'ab')", "true"},
		{"split('a,b,', ',')", `["a","b",""]`}, {"split('', ',')", `[""]`}, {"split('a,b,c', ',', 2)", `["a","b,c"]`}, {"split('a', '')", "! delimiter"}, {"split(CAST(NULL AS varchar), ',', 2)", "null"}, {"split('a,b', ',', CAST(NULL AS bigint))", "null"}, {"split(CAST(NULL AS varchar), ',')", "null"}, {"split_part('a,b', ',', 2)", `"b"`}, {"split_part('a,b', ',', 3)", "null"}, {"split_part('a,b', ',', 0)", "! greater than zero"}, {"split_to_map('a=1;b=2', ';', '=')", `{"a":"1","b":"2"}`},
		{"levenshtein_distance('kitten', 'sitting')", "3"}, {"hamming_distance('abc', 'abd')", "1"}, {"hamming_distance('a', 'ab')", "! same length"}, {"normalize('a')", `"a"`},
		{"from_utf8(to_utf8('ä'))", `"ä"`}, {"to_hex(to_utf8('AZ'))", `"415A"`}, {"from_utf8(from_hex('41'))", `"A"`}, {"to_base64(to_utf8('a'))", `"YQ=="`}, {"from_utf8(from_base64('YQ=='))", `"a"`},
		{"to_hex(md5(to_utf8('a')))", `"0CC175B9C0F1B6A831C399E269772661"`}, {"to_hex(sha1(to_utf8('a')))", `"86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8"`}, {"to_hex(sha256(to_utf8('')))", `"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"`}, {"length(CAST(uuid() AS varchar))", "36"},
	},
	"regexp": {
		{`regexp_extract_all('1a 2b 14m', '\d+')`, `["1","2","14"]`}, {`regexp_extract_all('1a 2b 14m', '(\d+)([a-z]+)', 2)`, `["a","b","m"]`}, {`regexp_extract('1a 2b 14m', '\d+')`, `"1"`}, {`regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2)`, `"a"`}, {`regexp_extract('abc', '\d')`, "null"},
		{`regexp_like('1a 2b 14m', '\d+b')`, "true"}, {`regexp_replace('1a 2b 14m', '\d+[ab] ')`, `"14m"`}, {`regexp_replace('1a 2b 14m', '(\d+)([ab]) ', '3c$2 ')`, `"3ca 3cb 14m"`}, {`regexp_split('1a 2b 14m', '\s*[a-z]+\s*')`, `["1","2","14",""]`}, {`regexp_count('1a 2b 14m', '\d+')`, "3"},
		{"regexp_extract('b', '(a)?b', 1)", "null"}, {"regexp_like('ab', '(?=a)')", "! "}, {"regexp_replace('a', 'a', '${x}')", "! backslash"},
	},
	"url": {
		{"url_extract_host('https://user@example.com:8080/a%20b?k=v&x#frag')", `"example.com"`}, {"url_extract_port('https://example.com:8080/a')", "8080"}, {"url_extract_port('https://example.com/')", "null"}, {"url_extract_protocol('https://example.com/')", `"https"`}, {"url_extract_path('https://example.com/a%20b?k=v')", `"/a b"`},
		{"url_extract_query('https://example.com/a?k=v&x#f')", `"k=v&x"`}, {"url_extract_fragment('https://example.com/#f')", `"f"`}, {"url_extract_parameter('https://example.com/?k=v%21&x', 'k')", `"v!"`}, {"url_extract_parameter('https://example.com/?k=v&x', 'x')", `""`}, {"url_extract_parameter('https://example.com/?k=v', 'z')", "null"}, {"url_extract_host('not a url')", "null"},
		{"url_encode('a b~*ä')", `"a+b%7E*%C3%A4"`}, {"url_decode('a+b%7E')", `"a b~"`},
	},
	"json": {
		{`json_extract('{"a":[1,{"b":2}]}', '$.a[1].b')`, `"2"`}, {`json_extract_scalar('{"a":"x"}', '$.a')`, `"x"`}, {`json_extract_scalar('{"a":[1]}', '$.a')`, "null"}, {`json_extract_scalar('{"a":null}', '$.a')`, "null"}, {`json_extract_scalar('{"a b":1}', '$["a b"]')`, `"1"`}, {`json_extract_scalar('{"a":true}', '$.a')`, `"true"`},
		{`json_extract('not json', '$.a')`, "null"}, {`json_extract_scalar('{', '$.a')`, "null"}, {`json_extract_scalar('{"a":1.50}', '$.a')`, `"1.50"`}, {`json_extract_scalar('{"a":1.5}', '$.a')`, `"1.5"`}, {`json_extract('{}', '$..a')`, "! JSON path"}, {`json_parse('{')`, "! Cannot convert"}, {`json_format(json_parse('{"a": 1}'))`, `"{\"a\":1}"`},
		{`json_array_length('[1, 2, 3]')`, "3"}, {`json_array_length('{}')`, "null"}, {`is_json_scalar('1')`, "true"}, {`is_json_scalar('[1]')`, "false"}, {`json_array_contains('[1, 2, 3]', 2)`, "true"}, {`json_size('{"x": {"a": 1, "b": 2}}', '$.x')`, "2"}, {`json_size('{"x": [1, 2, 3]}', '$.x')`, "3"}, {`json_size('{"x": 1}', '$.x')`, "0"},
	},
	"array": {
		{"ARRAY[1, 2][1]", "1"}, {"ARRAY[1, 2][3]", "! 3 > 2"}, {"ARRAY[1, 2][0]", "! start at 1"}, {"ARRAY[1, 2][-1]", "! start at 1"}, {"ARRAY[NULL][1]", "null"}, {"element_at(ARRAY[1, 2], 3)", "null"}, {"element_at(ARRAY[1, 2], -1)", "2"}, {"element_at(ARRAY[1, 2], 0)", "! start at 1"},
		{"cardinality(ARRAY[1, NULL])", "2"}, {"contains(ARRAY[1, 2], 2)", "true"}, {"contains(ARRAY[1, NULL], 2)", "null"}, {"contains(ARRAY[1], 2)", "false"}, {"array_position(ARRAY[3, 4], 4)", "2"}, {"array_position(ARRAY[3, 4], 5)", "0"}, {"array_distinct(ARRAY[2, 1, 2, NULL, NULL])", "[2,1,null]"}, {"array_sort(ARRAY[3, NULL, 1])", "[1,3,null]"}, {"array_sort_desc(ARRAY[1, 3, 2])", "[3,2,1]"},
		{"array_max(ARRAY[1, 3])", "3"}, {"array_max(ARRAY[1, NULL])", "null"}, {"array_min(ARRAY[2, 1])", "1"}, {"array_join(ARRAY['a', NULL, 'b'], ',')", `"a,b"`}, {"array_join(ARRAY['a', NULL], ',', '-')", `"a,-"`}, {"array_join(ARRAY[1, 2], '-')", `"1-2"`}, {"array_remove(ARRAY[1, 2, 1], 1)", "[2]"}, {"array_union(ARRAY[1, 2], ARRAY[2, 3])", "[1,2,3]"}, {"array_intersect(ARRAY[1, 2], ARRAY[2, 3])", "[2]"}, {"array_except(ARRAY[1, 2], ARRAY[2])", "[1]"}, {"arrays_overlap(ARRAY[1], ARRAY[1, 2])", "true"}, {"arrays_overlap(ARRAY[1], ARRAY[2])", "false"}, {"arrays_overlap(ARRAY[1, NULL], ARRAY[2])", "null"},
		{"flatten(ARRAY[ARRAY[1], ARRAY[2, 3]])", "[1,2,3]"}, {"slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2,3]"}, {"slice(ARRAY[1, 2, 3, 4], -2, 2)", "[3,4]"}, {"slice(ARRAY[1], 0, 1)", "! start at 1"}, {"repeat('a', 2)", `["a","a"]`}, {"cardinality(repeat('a', 10000))", "10000"}, {"repeat('a', 10001)", "! less than or equal to 10000"}, {"sequence(1, 3)", "[1,2,3]"}, {"sequence(3, 1)", "[3,2,1]"}, {"sequence(1, 5, 2)", "[1,3,5]"}, {"sequence(1, 5, -1)", "! stop value"}, {"sequence(date '2020-01-01', date '2020-01-03')", `["2020-01-01","2020-01-02","2020-01-03"]`}, {"sequence(date '2020-01-31', date '2020-03-31', interval '1' month)", `["2020-01-31","2020-02-29","2020-03-31"]`}, {"sequence(timestamp '2020-01-01 00:00:00', timestamp '2020-01-01 02:00:00', interval '1' hour)", `["2020-01-01 00:00:00.000","2020-01-01 01:00:00.000","2020-01-01 02:00:00.000"]`},
		{"transform(ARRAY[1, 2], x -> x + 1)", "[2,3]"}, {"filter(ARRAY[1, 2, 3], x -> x > 1)", "[2,3]"}, {"reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", "75"}, {"reduce(ARRAY[1, 2], 0, (s, x) -> s + x, s -> s * 10)", "30"}, {"any_match(ARRAY[1, 2], x -> x = 2)", "true"}, {"any_match(ARRAY[1, NULL], x -> x = 2)", "null"}, {"all_match(ARRAY[1, 2], x -> x > 0)", "true"}, {"none_match(ARRAY[1], x -> x = 2)", "true"}, {"zip_with(ARRAY[1, 3], ARRAY[2, 4], (x, y) -> x + y)", "[3,7]"}, {"transform(ARRAY[7], x -> x / 2)", "[3]"},
	},
	"map": {
		{"map(ARRAY['a', 'b'], ARRAY[1, 2])", `{"a":1,"b":2}`}, {"map()", "{}"}, {"element_at(map(ARRAY['a'], ARRAY[1]), 'a')", "1"}, {"element_at(map(ARRAY['a'], ARRAY[1]), 'b')", "null"}, {"map(ARRAY['a'], ARRAY[1])['a']", "1"}, {"map(ARRAY['a'], ARRAY[1])['b']", "! Key not present in map: b"}, {"cardinality(map(ARRAY['a'], ARRAY[1]))", "1"}, {"cardinality(map_keys(map(ARRAY['a'], ARRAY[1])))", "1"},
		{"map_keys(map(ARRAY['a'], ARRAY[1]))", `["a"]`}, {"map_values(map(ARRAY['a'], ARRAY[1]))", "[1]"}, {"map_concat(map(ARRAY['a'], ARRAY[1]), map(ARRAY['a'], ARRAY[2]))", `{"a":2}`}, {"cardinality(map_entries(map(ARRAY['a'], ARRAY[1])))", "1"}, {"map_from_entries(ARRAY[ROW('a', 1)])", `{"a":1}`}, {"map_filter(map(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1)", `{"b":2}`}, {"transform_values(map(ARRAY['a'], ARRAY[1]), (k, v) -> k || CAST(v AS varchar))", `{"a":"a1"}`}, {"transform_keys(map(ARRAY['a'], ARRAY[1]), (k, v) -> upper(k))", `{"A":1}`},
	},
	"datetime": {
		{"date_diff('day', timestamp '2020-01-01 23:00:00', timestamp '2020-01-02 01:00:00')", "0"}, {"date_diff('hour', timestamp '2020-01-01 10:59:00', timestamp '2020-01-01 11:01:00')", "0"}, {"date_diff('second', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')", "86400"}, {"date_diff('day', date '2020-03-01', date '2020-03-02')", "1"}, {"date_diff('month', date '2020-01-31', date '2020-02-29')", "1"}, {"date_diff('month', date '2020-01-15', date '2020-02-14')", "0"}, {"date_diff('year', date '2019-12-31', date '2020-01-01')", "0"}, {"date_diff('week', date '2020-01-01', date '2020-01-20')", "2"}, {"date_diff('day', timestamp '2020-01-02 10:00:00', timestamp '2020-01-01 11:00:00')", "0"},
		{"date_add('day', 1, date '2020-02-28')", `"2020-02-29"`}, {"date_add('month', 1, timestamp '2020-01-31 10:00:00')", `"2020-02-29 10:00:00.000"`}, {"date_add('second', 86, timestamp '2020-03-01 00:00:00')", `"2020-03-01 00:01:26.000"`}, {"date_add('hour', 9, timestamp '2020-03-01 00:00:00')", `"2020-03-01 09:00:00.000"`}, {"date_add('millisecond', 5, timestamp '2020-03-01 00:00:00')", `"2020-03-01 00:00:00.005"`}, {"date_add('hour', 1, date '2020-01-01')", "! no hours"}, {"date_add('quarter', 1, date '2020-01-31')", `"2020-04-30"`}, {"date_add('week', -1, date '2020-01-08')", `"2020-01-01"`}, {"date_add('year', 1, date '2020-02-29')", `"2021-02-28"`},
		{"date_trunc('month', date '2020-02-28')", `"2020-02-01"`}, {"date_trunc('hour', timestamp '2001-08-22 03:04:05.321')", `"2001-08-22 03:00:00.000"`}, {"date_trunc('week', timestamp '2001-08-22 03:04:05.321')", `"2001-08-20 00:00:00.000"`}, {"date_trunc('quarter', timestamp '2001-08-22 03:04:05.321')", `"2001-07-01 00:00:00.000"`}, {"date_trunc('century', date '2020-01-01')", "! must be one of"},
		{"date '2012-08-08' + interval '2' day", `"2012-08-10"`}, {"timestamp '2012-08-08 01:00:00' + interval '29' hour", `"2012-08-09 06:00:00.000"`}, {"timestamp '2012-10-31 01:00:00' + interval '1' month", `"2012-11-30 01:00:00.000"`}, {"interval '2' day + interval '3' hour", `"2 03:00:00.000"`}, {"date '2012-08-08' - interval '2' day", `"2012-08-06"`}, {"timestamp '2012-08-08 01:00:00' - interval '29' hour", `"2012-08-06 20:00:00.000"`}, {"interval '2' day + date '2012-08-08'", `"2012-08-10"`}, {"date '2020-01-01' + interval '1' hour", "! no hours"}, {"date '2020-03-01' - date '2020-02-01'", `"29 00:00:00.000"`},
		{"day_of_week(date '2020-01-05')", "7"}, {"dow(date '2020-01-06')", "1"}, {"EXTRACT(dow FROM date '2020-01-05')", "7"}, {"EXTRACT(day_of_week FROM date '2020-01-05')", "7"}, {"EXTRACT(year FROM timestamp '2020-01-05 10:00:00')", "2020"}, {"EXTRACT(epoch FROM date '2020-01-05')", "! EXTRACT takes"}, {"EXTRACT(yow FROM date '2018-12-31')", "2019"}, {"day_of_year(date '2020-02-01')", "32"}, {"doy(date '2020-02-01')", "32"}, {"day_of_month(date '2020-02-03')", "3"}, {"year_of_week(date '2018-12-31')", "2019"}, {"yow(date '2018-12-31')", "2019"}, {"week(date '2018-12-31')", "1"}, {"week_of_year(date '2018-12-31')", "1"}, {"quarter(date '2020-05-01')", "2"}, {"year(date '2020-05-01')", "2020"}, {"month(date '2020-05-01')", "5"}, {"day(date '2020-05-02')", "2"}, {"hour(timestamp '2020-05-01 13:14:15.678')", "13"}, {"minute(timestamp '2020-05-01 13:14:15.678')", "14"}, {"second(timestamp '2020-05-01 13:14:15.678')", "15"}, {"millisecond(timestamp '2020-05-01 13:14:15.678')", "678"}, {"last_day_of_month(date '2020-02-03')", `"2020-02-29"`},
		{"date_format(timestamp '2001-08-22 03:04:05.321', '%Y-%m-%d %H:%i:%s')", `"2001-08-22 03:04:05"`}, {"date_format(timestamp '2001-08-22 13:04:05.321', '%W %M %e %c %k %l %h %p %r %T %f %j %y %a %b %x %v %%')", `"Wednesday August 22 8 13 1 01 PM 01:04:05 PM 13:04:05 321000 234 01 Wed Aug 2001 34 %"`}, {"date_format(date '2020-01-02', '%D')", "! %D"}, {"date_parse('2020-01-02 10:20:30', '%Y-%m-%d %H:%i:%s')", `"2020-01-02 10:20:30.000"`}, {"date_parse('10:20', '%H:%i')", `"1970-01-01 10:20:00.000"`}, {"date_parse('nonsense', '%Y')", "! "}, {"date_parse('20', '%y')", `"2020-01-01 00:00:00.000"`}, {"date_parse('5', '%v')", "! %v"},
		{"format_datetime(timestamp '2001-08-22 03:04:05.321', 'yyyy-MM-dd''T''HH:mm:ss.SSS')", `"2001-08-22T03:04:05.321"`}, {"format_datetime(timestamp '2001-08-22 03:04:05.321', 'EEE, d MMM yy h:m a Z')", `"Wed, 22 Aug 01 3:4 AM +0000"`}, {"format_datetime(date '2020-01-02', 'G')", "! G of the pattern"}, {"parse_datetime('2020-01-02 10:20', 'yyyy-MM-dd HH:mm')", `"2020-01-02 10:20:00.000 UTC"`},
		{"from_unixtime(1580000000)", `"2020-01-26 00:53:20.000"`}, {"from_unixtime(1580000000.5e0)", `"2020-01-26 00:53:20.500"`}, {"to_unixtime(timestamp '2020-01-26 00:53:20.5')", "1580000000.5"}, {"from_iso8601_timestamp('2020-01-02T10:20:30.123456Z')", `"2020-01-02 10:20:30.123 UTC"`}, {"from_iso8601_timestamp('2020-01-02')", `"2020-01-02 00:00:00.000 UTC"`}, {"from_iso8601_timestamp('2020-01-02T10:20:30+02:00')", "! computed for each row"}, {"from_iso8601_timestamp('2020-01-02T10')", `"2020-01-02 10:00:00.000 UTC"`}, {"from_iso8601_date('2020-01-02')", `"2020-01-02"`}, {"to_iso8601(date '2020-01-02')", `"2020-01-02"`}, {"to_iso8601(timestamp '2020-01-02 03:04:05')", `"2020-01-02T03:04:05.000"`}, {"now() > timestamp '2020-01-01 00:00:00 UTC'", "true"}, {"current_date > date '2020-01-01'", "true"},
		{"CAST(timestamp '2012-10-31 01:00:00 UTC' AT TIME ZONE 'America/Los_Angeles' AS timestamp)", `"2012-10-30 18:00:00.000"`}, {"CAST(timestamp '2012-10-31 01:00:00' AT TIME ZONE 'America/Los_Angeles' AS date)", `"2012-10-30"`}, {"hour(timestamp '2012-10-31 01:00:00' AT TIME ZONE 'America/Los_Angeles')", "18"}, {"timestamp '2012-10-31 01:00:00' AT TIME ZONE 'America/Los_Angeles'", `"2012-10-30 18:00:00.000 America/Los_Angeles"`}, {"timestamp '2012-10-31 01:00:00' AT TIME ZONE 'UTC'", `"2012-10-31 01:00:00.000 UTC"`}, {"CAST(date_trunc('day', from_unixtime(1580000000) AT TIME ZONE 'Europe/Berlin') AS timestamp)", `"2020-01-26 00:00:00.000"`}, {"timestamp '2012-10-31 01:00:00 America/Los_Angeles'", `"2012-10-31 01:00:00.000 America/Los_Angeles"`}, {"date_format(at_timezone(timestamp '2012-10-31 01:00:00', 'Europe/Berlin'), '%H')", `"02"`}, {"to_unixtime(from_unixtime(100) AT TIME ZONE 'Europe/Berlin')", "100.0"}, {"hour(with_timezone(timestamp '2012-10-31 01:00:00', 'Europe/Berlin'))", "1"},
		{"from_unixtime(0, 'Europe/Berlin')", `"1970-01-01 01:00:00.000 Europe/Berlin"`}, {"CAST(from_unixtime(0, 'Europe/Berlin') AS timestamp)", `"1970-01-01 01:00:00.000"`}, {"INTERVAL '1' YEAR", `"1-0"`}, {"INTERVAL -'1' DAY", `"-1 00:00:00.000"`}, {"INTERVAL '1-2' YEAR TO MONTH", `"1-2"`}, {"INTERVAL '1 2' YEAR TO MONTH", "! YEAR TO MONTH"}, {"INTERVAL '1:2' DAY TO SECOND", "! DAY TO SECOND"}, {"INTERVAL '1 25:61:61' DAY TO SECOND", `"2 02:02:01.000"`},
	},
	"not there": {
		{"list_transform(ARRAY[1], x -> x)", "! use transform"}, {"strftime(date '2020-01-01', '%Y')", "! use date_format"}, {"regexp_lik('a', 'b')", "! did you mean regexp_like?"}, {"checksum(1)", `"vmaSXOnPGBc="`}, {"approx_set(1)", "! Presto's function approx_set is not supported"}, {"xyzzy(1)", "! there is no function xyzzy"}, {"2 ^ 3", "! use power"}, {"'a' ILIKE 'A'", "! ILIKE"}, {"'12'::bigint", "12"}, {"' 12'::bigint", "! Cannot cast"}, {"CAST('a' AS text)", "! there is no type text"}, {"CAST('a' AS char(3))", `"a  "`}, {"upper(CAST('a' AS char(3)))", `"A  "`}, {"trim(CAST('a' AS char(3)))", "! trim of a char(n)"}, {"array_agg(timestamp '2012-10-31 01:00:00 Europe/Berlin')", "! array_agg of a timestamp with a time zone"}, {"ARRAY[timestamp '2012-10-31 01:00:00 Europe/Berlin']", "! not supported"}, {"coalesce(timestamp '2012-10-31 01:00:00 Europe/Berlin', timestamp '2012-10-31 01:00:00 Asia/Tokyo')", "! different time zones"}, {"timestamp '2012-10-31 01:00:00 Nowhere/Land'", "! not a valid timestamp literal"}, {"now() AT TIME ZONE 'EST'", "! no time zone EST"}, {"presto_fail('x')", "! there is no function"}, {"E'a'", "! not Presto's"}, {"ARRAY[1,2][1:2]", "! slice"}, {"abs(1, 2)", "! abs takes 1"}, {"current_user", "! current_user"}, {"presto_x(1)", "! there is no function"},
	},
}

func TestAnswers(t *testing.T) {
	e := newExecutor(t)
	n := 0
	for section, answers := range sections {
		for _, a := range answers {
			n++
			got, _, err := ask(t.Context(), e, "SELECT "+a.sql)
			checkAnswer(t, section, a, got, err)
		}
	}
	if n < 150 {
		t.Errorf("%d statements", n)
	}
}

func checkAnswer(t *testing.T, section string, a answer, got string, err error) {
	t.Helper()
	want, fails := strings.CutPrefix(a.want, "! ")
	switch {
	case fails && err == nil:
		t.Errorf("%s: %s answered %s, want an error with %q", section, a.sql, got, want)
	case fails && !strings.Contains(err.Error(), want):
		t.Errorf("%s: %s\n error %v\nwant %q", section, a.sql, err, want)
	case !fails && err != nil:
		t.Errorf("%s: %s: %v", section, a.sql, err)
	case !fails && got != a.want:
		t.Errorf("%s: %s\n got %s\nwant %s", section, a.sql, got, a.want)
	}
}
