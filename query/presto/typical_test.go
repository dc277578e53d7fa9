package presto_test

import (
	"os"
	"strings"
	"testing"

	"sluice/internal/prestotest"
)

const typicalFile = "testdata/typical.txt"

// The tables of testdata/typical.txt.
var typicalTables = map[string]string{
	"logs": `(VALUES (timestamp '2026-01-04 23:59:59', '10.0.0.9', 'GET', 'https://shop.example/old', 200, 10, 0.1e0),
		(timestamp '2026-01-05 04:30:00', '10.0.0.1', 'GET', 'https://shop.example/search?q=dune&p=1', 200, 5120, 0.25e0), (timestamp '2026-01-05 04:45:10', '10.0.0.1', 'GET', 'https://shop.example/search?q=emma', 500, 0, 1.75e0),
		(timestamp '2026-01-05 04:45:40', '10.0.0.2', 'POST', 'https://shop.example/cart', 201, 250000, 0.5e0), (timestamp '2026-01-05 05:00:00', '10.0.0.2', 'GET', 'https://shop.example/search?q=dune', 404, 120, 0.125e0),
		(timestamp '2026-01-05 05:10:00', '10.0.0.1', 'POST', 'https://shop.example/cart', 503, 64, 2.5e0), (timestamp '2026-01-05 18:10:00', '10.0.0.3', 'GET', 'https://shop.example/', 200, 99999, 0.75e0)) AS logs(time, ip, method, url, status, bytes, seconds)`,
	"orders": `(VALUES ('ann', 'DE', 'Emma', date '2026-01-30', 10.50, 1), ('ann', 'DE', 'Dune', date '2026-02-01', 8.00, 2), ('bob', 'US', 'Dune', date '2026-01-31', 8.25, 1), ('bob', 'US', 'Dune', date '2026-01-31', 8.25, 1),
		('cid', 'DE', 'Ulysses', date '2026-02-03', 20.00, 1), ('cid', 'DE', 'Emma', date '2026-03-10', 9.75, 3), ('dee', 'US', 'Emma', date '2026-02-03', 11.00, 1)) AS orders(customer, country, product, day, price, quantity)`,
	"events": `(VALUES ('ann', 'view', timestamp '2026-01-30 10:00:00', '{"page":{"path":"/dune","ref":"mail"},"price":8.50,"tags":["scifi","new"]}'), ('ann', 'add', timestamp '2026-01-30 10:05:00', '{"page":{"path":"/dune"},"price":8.5,"tags":["scifi"]}'),
		('ann', 'buy', timestamp '2026-01-30 10:50:00', '{"price":17,"tags":[]}'), ('eve', 'view', timestamp '2026-01-30 11:00:00', '{"page":{"path":"/emma"},"price":1e1}'), ('eve', 'add', timestamp '2026-01-31 11:00:00', 'no json'),
		('fay', 'view', timestamp '2026-01-31 12:00:00', '{}')) AS events(visitor, name, at, properties)`,
	"trail": `(SELECT name, error, CAST(identity AS row(type varchar, arn varchar)) AS identity, CAST(resources AS array(row(arn varchar, kind varchar))) AS resources FROM (VALUES ('DeleteBucket', NULL, ROW('IAMUser', 'arn:u1'), ARRAY[ROW('arn:b1', 'bucket')]),
		('GetObject', 'AccessDenied', ROW('AssumedRole', 'arn:r1'), ARRAY[ROW('arn:b1', 'bucket'), ROW('arn:o1', 'object')]), ('ListUsers', NULL, ROW('IAMUser', 'arn:u1'), ARRAY[ROW('arn:u2', 'user')]), ('DeleteUser', NULL, ROW('IAMUser', 'arn:u1'), ARRAY[ROW('arn:u2', 'user')])) AS t(name, error, identity, resources))`,
	"flows": `(VALUES ('10.0.1.5', 22, 'REJECT', 400), ('10.0.1.5', 22, 'REJECT', 200), ('10.0.2.7', 443, 'ACCEPT', 9000), ('192.168.1.1', 23, 'REJECT', 400)) AS flows(source, port, action, bytes)`,
}

// typical are the statements of the file.
func typical(t testing.TB) []string { return overTables(t, typicalFile) }

// overTables are the statements of a file, over the tables above.
func overTables(t testing.TB, path string) []string {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	var statement []string
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "-- ") {
			continue
		}
		text, ends := strings.CutSuffix(line, ";")
		if statement = append(statement, text); !ends {
			continue
		}
		sql := strings.Join(statement, " ")
		for name, table := range typicalTables {
			table = strings.Join(strings.Fields(table), " ")
			columns := strings.LastIndex(table, " AS "+name+"(")
			for _, n := range []string{"", "2", "3"} {
				// An alias that follows takes the place of the table's own name.
				for _, alias := range []string{" a ", " b ", " c ", " o ", " i "} {
					if columns >= 0 {
						sql = strings.ReplaceAll(sql, "{"+name+n+"}"+alias, table[:columns]+" AS"+alias[:len(alias)-1]+table[columns+len(" AS "+name):]+" ")
					}
				}
				sql = strings.ReplaceAll(sql, "{"+name+n+"}", table)
			}
		}
		all = append(all, sql)
		statement = nil
	}
	return all
}

// Each has Presto's own answer, and so none is refused.
func TestTypicalQueries(t *testing.T) {
	e, replies := newExecutor(t), kept(t)
	words, _ := differences(t)
	all := typical(t)
	if len(all) < 40 {
		t.Errorf("%d statements", len(all))
	}
	ours := answers(t, e, all, func(string) bool { return false })
	for _, sql := range all {
		theirs, asked := replies[sql]
		switch {
		case !asked:
			t.Errorf("%s: Presto was not asked yet: see doc.go", sql)
		case theirs.Error != "":
			t.Errorf("%s: Presto has no answer: %s", sql, theirs.Error)
		case ours[sql].Error != "":
			t.Errorf("%s: %s", sql, ours[sql].Error)
		default:
			if word, told := prestotest.Difference(theirs, ours[sql]); word != "same" && (word != "typed" || words[sql] != "typed") {
				t.Errorf("%s: %s\n  %s", sql, word, told)
			}
		}
	}
}
