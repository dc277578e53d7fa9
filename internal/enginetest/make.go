package main

import (
	"context"
	"fmt"
	"strings"
)

const makeGroup = "Made by the engine through the catalog, then read by the bundled engine"

// A making is something that an engine does through our catalog. {db} stands for a
// database of the engine's.
type making struct {
	about string
	first []string // the bundled engine does before
	do    []string // the engine does
	then  []string // queries that both answer alike afterwards
}

var makings = []making{
	{"CREATE SCHEMA", nil, []string{`CREATE SCHEMA {db} WITH (location = 's3://lake/tables/{db}/')`}, []string{`SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{db}'`}},
	{"CREATE TABLE AS, with partitions", nil, []string{`CREATE TABLE {db}.made WITH (format = 'PARQUET', partitioned_by = ARRAY['part']) AS SELECT flag, tiny, small, whole, big, single, twice, price, exact, CAST(exact AS decimal(38,10)) AS wide, day, date_trunc('second', "at") AS at, word, raw, tags, attrs, counts, who, orders, part FROM shop.kinds WHERE big > 0`},
		[]string{`SELECT flag, tiny, small, whole, big, single, twice, price, exact, wide, day, "at", word, raw, tags, attrs, counts, who, orders, part FROM {db}.made ORDER BY big`, `SELECT part, count(*) FROM {db}.made WHERE part = 'b' GROUP BY part`}},
	{"CREATE TABLE AS, without partitions", nil, []string{`CREATE TABLE {db}.flat WITH (format = 'PARQUET') AS SELECT genre, count(*) AS n FROM shop.purchases GROUP BY genre`},
		[]string{`SELECT * FROM {db}.flat ORDER BY genre`}},
	{"external table over files of a stream, sync_partition_metadata", nil,
		[]string{`CREATE TABLE {db}.over (at {timestamp}, id bigint, ip varchar, ms double, dt varchar, hr integer) WITH (external_location = 's3://lake/tables/shop/visits/', format = 'PARQUET', partitioned_by = ARRAY['dt', 'hr'])`,
			`CALL awsdatacatalog.system.sync_partition_metadata('{db}', 'over', 'ADD')`},
		[]string{`SELECT dt, hr, count(*), min(id), max(ip), sum(ms) FROM {db}.over WHERE hr >= 8 GROUP BY dt, hr ORDER BY dt, hr`, `SELECT * FROM {db}."over$partitions" ORDER BY dt, hr`}},
	{"INSERT into new partitions: escaped values, null", nil,
		[]string{`CREATE TABLE {db}.grown (id bigint, v varchar, k varchar) WITH (format = 'PARQUET', partitioned_by = ARRAY['k'])`,
			`INSERT INTO {db}.grown VALUES (1, 'a', 'plain'), (2, 'b', 'a/b:c=d%e#f?g h'), (3, NULL, NULL), (4, 'd', '''"\{}[]^*')`},
		[]string{`SELECT id, v, k FROM {db}.grown ORDER BY id`, `SELECT id FROM {db}.grown WHERE k = 'a/b:c=d%e#f?g h'`, `SELECT id FROM {db}.grown WHERE k IS NULL`}},
	{"system.create_empty_partition", nil, []string{`CALL awsdatacatalog.system.create_empty_partition('{db}', 'grown', ARRAY['k'], ARRAY['empty'])`},
		[]string{`SELECT k FROM {db}."grown$partitions" WHERE k = 'empty'`}},
	{"ADD COLUMN, INSERT", nil, []string{`ALTER TABLE {db}.grown ADD COLUMN more double`, `INSERT INTO {db}.grown (id, v, more, k) VALUES (5, 'e', 2.5, 'plain'), (6, 'f', NULL, 'new')`},
		[]string{`SELECT id, v, more, k FROM {db}.grown ORDER BY id`}},
	{"DELETE of a partition", nil, []string{`DELETE FROM {db}.grown WHERE k = 'new'`}, []string{`SELECT id FROM {db}.grown ORDER BY id`, `SELECT count(*) FROM {db}."grown$partitions" WHERE k = 'new'`}},
	{"CREATE VIEW", nil, []string{`CREATE VIEW {db}.seen AS SELECT id, k FROM {db}.grown WHERE id > 1`}, []string{`SELECT * FROM {db}.seen ORDER BY id`}},
	{"reads a table, rows and a view that the bundled engine made", []string{
		`CREATE TABLE {db}.ours WITH (format = 'PARQUET', partitioned_by = ARRAY['genre']) AS SELECT title, userage, genre FROM shop.purchases WHERE country = 'DE'`,
		`INSERT INTO {db}.ours VALUES ('New', 1, 'a/b')`, `CREATE VIEW {db}.best AS SELECT genre, count(*) AS n FROM {db}.ours GROUP BY genre`,
		`ALTER TABLE {db}.ours ADD COLUMNS (late string)`},
		nil, []string{`SELECT * FROM {db}.ours ORDER BY title, userage, genre`, `SELECT * FROM {db}.best ORDER BY genre`}},
	{"INSERT into a stream's table", nil, []string{`INSERT INTO shop.odd (n, region) VALUES (200, 'from {db}')`}, []string{`SELECT n, region FROM shop.odd ORDER BY n, region`}},
}

// make has the engine make things, and compares what both then say of them.
func (t *trial) make(ctx context.Context) {
	for _, m := range makings {
		t.note(makeGroup, m.about, t.makes(ctx, m), "")
	}
	t.note(makeGroup, "ANALYZE, SHOW STATS", t.statistics(ctx), "")
	t.note(makeGroup, "DROP VIEW, TABLE, SCHEMA", t.drops(ctx), "")
}

// named puts in what is another word for each engine.
func (t *trial) named(sql string) string {
	timestamp := "timestamp"
	if t.Trino {
		timestamp = "timestamp(6)"
	}
	return strings.NewReplacer("{db}", "by_"+t.name, "{timestamp}", timestamp).Replace(sql)
}

func (t *trial) makes(ctx context.Context, m making) error {
	for _, sql := range m.first {
		if err := t.node.do(ctx, t.named(sql)); err != nil {
			return err
		}
	}
	for _, sql := range m.do {
		if err := t.run(ctx, sql); err != nil {
			return err
		}
	}
	for _, sql := range m.then {
		theirs, ours, err := t.both(ctx, t.named(sql))
		if err == nil {
			err = differ(theirs, ours)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// run has the engine do something.
func (t *trial) run(ctx context.Context, sql string) error {
	_, err := t.column(ctx, t.named(sql))
	return err
}

// statistics wants that the engine reads the statistics that it wrote.
func (t *trial) statistics(ctx context.Context) error {
	if err := t.run(ctx, `ANALYZE {db}.grown`); err != nil {
		return err
	}
	a, err := t.Ask(ctx, t.named(`SHOW STATS FOR {db}.grown`))
	if err != nil || a.Error != "" {
		return fmt.Errorf("SHOW STATS: %w%s", err, a.Error)
	}
	var rows string
	for _, row := range a.Rows {
		if string(row[0]) == "null" { // the row of the table itself
			rows = string(row[4])
		}
	}
	if rows != "5.0" {
		return fmt.Errorf("SHOW STATS: row_count is %s, want 5.0: %s", rows, a)
	}
	return nil
}

// drops drops all that was made; PrestoDB lets nobody drop a table that is not his.
func (t *trial) drops(ctx context.Context) error {
	if err := t.node.do(ctx, t.named(`DROP TABLE {db}.ours`)); err != nil {
		return err
	}
	for _, sql := range []string{`DROP VIEW {db}.seen`, `DROP VIEW {db}.best`, `DROP TABLE {db}.made`, `DROP TABLE {db}.flat`, `DROP TABLE {db}.over`, `DROP TABLE {db}.grown`, `DROP SCHEMA {db}`} {
		if err := t.run(ctx, sql); err != nil {
			return err
		}
	}
	a, err := t.node.ask(ctx, "SHOW SCHEMAS LIKE 'by_%'")
	if err == nil && (a.Error != "" || len(a.Rows) > 0) {
		err = fmt.Errorf("after all was dropped, SHOW SCHEMAS has %s", a)
	}
	return err
}
