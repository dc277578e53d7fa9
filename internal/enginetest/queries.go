package main

// A query is a statement that PrestoDB, Trino and the bundled engine are to answer
// alike. Each has one order of its rows.
type query struct{ about, sql string }

var queries = []query{
	{"every type but timestamp", `SELECT part, flag, tiny, small, whole, big, single, twice, price, exact, day, word, raw, tags, numbers, attrs, counts, who, orders FROM shop.kinds ORDER BY big NULLS LAST`},
	{"timestamp, microseconds", `SELECT "at" FROM shop.kinds ORDER BY "at" NULLS LAST`},
	{"timestamp, compared", `SELECT big, "at" FROM shop.kinds WHERE "at" = TIMESTAMP '2026-03-01 12:00:00.250'`},
	{"values within structs, arrays, maps", `SELECT big, who.name, who.address.city, who.address.zip + 1, orders[1].price, element_at(attrs, 'k'), element_at(tags, 2), cardinality(counts) FROM shop.kinds WHERE cardinality(orders) > 0 ORDER BY big`},
	{"UNNEST of structs", `SELECT k.big, o.sku, o.qty, o.price FROM shop.kinds k CROSS JOIN UNNEST(orders) AS o (sku, qty, price) ORDER BY 1, 2 NULLS LAST`},
	{"UNNEST of a map, WITH ORDINALITY of an array", `SELECT k.big, c.key, c.value, t.tag, t.n FROM shop.kinds k CROSS JOIN UNNEST(counts) AS c (key, value) CROSS JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, n) ORDER BY 1, 2, 5`},
	{"nulls of every type counted", `SELECT part, count(*), count(flag), count(tiny), count(single), count(twice), count(price), count(day), count("at"), count(word), count(raw), count(tags), count(attrs), count(who), count(orders), count(who.address.city) FROM shop.kinds GROUP BY part ORDER BY part`},
	{"bounds of every type", `SELECT min(tiny), max(small), min(whole), max(big), max(single), min(twice), max(price), min(exact), max(day), min(word), max(tags[1]) FROM shop.kinds WHERE cardinality(tags) > 0`},
	{"sums and averages of decimals", `SELECT sum(price), sum(exact), avg(price), sum(CAST(price AS double)) FROM shop.kinds`},
	{"arithmetic of decimals", `SELECT big, price * 2, exact + price, price / 3 FROM shop.kinds WHERE price IS NOT NULL ORDER BY big`},
	{"lambdas over nested values", `SELECT big, transform(numbers, x -> x + 1), filter(tags, x -> x IS NOT NULL), map_keys(attrs), transform_values(counts, (k, v) -> coalesce(v, 0) * 2) FROM shop.kinds WHERE word <> '' ORDER BY big`},
	{"GROUP BY over many partitions", `SELECT genre, count(*), sum(userage), min(purchasetimestamp), max(title) FROM shop.purchases GROUP BY genre ORDER BY genre`},
	{"one partition", `SELECT count(*), count(DISTINCT userid), avg(CAST(userage AS double)) FROM shop.purchases WHERE country = 'DE'`},
	{"partitions by IN, LIKE, BETWEEN", `SELECT country, count(*) FROM shop.purchases WHERE country IN ('US', 'GB', 'FR') OR country LIKE 'A%' OR country BETWEEN 'N' AND 'O' GROUP BY country ORDER BY country`},
	{"one value, of a column with a Bloom filter", `SELECT bookid, title, country FROM shop.purchases WHERE userid = (SELECT min(userid) FROM shop.purchases) ORDER BY bookid, title`},
	{"HAVING, LIMIT", `SELECT author, count(*) AS n FROM shop.purchases GROUP BY author HAVING count(*) > 3 ORDER BY n DESC, author LIMIT 20`},
	{"window functions", `SELECT * FROM (SELECT genre, country, count(*) AS n, rank() OVER (PARTITION BY genre ORDER BY count(*) DESC, country) AS place FROM shop.purchases GROUP BY genre, country) r WHERE place <= 2 ORDER BY genre, place`},
	{"join and subquery", `SELECT a.country, count(DISTINCT a.bookid) FROM shop.purchases a JOIN shop.purchases b ON a.bookid = b.bookid AND a.userid <> b.userid WHERE b.country = 'JP' AND EXISTS (SELECT 1 FROM shop.purchases c WHERE c.userid = a.userid) GROUP BY a.country ORDER BY a.country`},
	{"old files without the new columns", `SELECT * FROM shop.evolved ORDER BY id`},
	{"a condition on a column that old files lack", `SELECT id, name, price FROM shop.evolved WHERE price > 2 OR price IS NULL ORDER BY id`},
	{"fields that old files lack", `SELECT id, "user".name, "user".email, "user".address.city, items[1].sku, items[1].qty, items[1].options.gift FROM shop.evolved WHERE cardinality(items) > 0 ORDER BY id`},
	{"a field that old files lack in a condition", `SELECT id FROM shop.evolved WHERE "user".email IS NULL OR "user".address.city = 'Oslo' ORDER BY id`},
	{"escaped partition values, and null", `SELECT region, n FROM shop.odd ORDER BY n`},
	{"some escaped partition values", `SELECT n FROM shop.odd WHERE region IN ('a/b', '100%', 'ü→é 日本', 'say "hi"', 'back\slash') ORDER BY n`},
	{"a partition value with a quote", `SELECT n FROM shop.odd WHERE region = 'it''s'`},
	{"the partition of null", `SELECT n, region FROM shop.odd WHERE region IS NULL ORDER BY n`},
	{"all but some partitions", `SELECT count(*) FROM shop.odd WHERE region <> 'a/b' AND region NOT IN ('a:b', '#1')`},
	{"a key of integers", `SELECT dt, hr, count(*), max(ip), sum(ms) FROM shop.visits WHERE dt >= '2026-03-02' AND hr > 4 AND hr <= 16 GROUP BY dt, hr ORDER BY dt, hr`},
	{"arithmetic on a key", `SELECT hr / 8, hr % 8, count(*) FROM shop.visits WHERE hr + 4 < 20 GROUP BY 1, 2 ORDER BY 1, 2`},
	{"the hidden table of partitions", `SELECT dt, hr FROM shop."visits$partitions" WHERE hr = 8 ORDER BY dt`},
	{"files", `SELECT dt, count(DISTINCT "$path") FROM shop.visits GROUP BY dt ORDER BY dt`},
	{"deep events", `SELECT type, event, context.page.path, count(*) FROM shop.calls WHERE type IN ('track', 'page') GROUP BY type, event, context.page.path ORDER BY 1, 2 NULLS LAST, 3 NULLS LAST`},
	{"UNION, WITH, CASE", `WITH t AS (SELECT 'calls' AS name, count(*) AS n FROM shop.calls UNION ALL SELECT 'visits', count(*) FROM shop.visits UNION ALL SELECT 'odd', count(*) FROM shop.odd) SELECT name, n, CASE WHEN n > 1000 THEN 'many' ELSE 'few' END FROM t ORDER BY name`},
}
