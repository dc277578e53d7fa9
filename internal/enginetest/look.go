package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const lookGroup = "Listed, described and pruned through the catalog"

// look checks what the engine sees of the catalog.
func (t *trial) look(ctx context.Context) {
	for _, c := range []struct {
		about string
		check func(ctx context.Context) (string, error)
	}{
		{"SHOW SCHEMAS, SHOW TABLES", t.lists},
		{"columns and their types, of every table", t.describes},
		{"partitions of every table", t.partitions},
		{"a key that may query one database: sees no other, and writes nothing", t.reads},
		{"a condition on a string key reaches GetPartitions", t.prunes(`SELECT count(*) FROM shop.visits WHERE dt = '2026-03-02'`, `dt = '2026-03-02'`, 240)},
		{"conditions on two keys, one of integers", t.prunes(`SELECT count(*) FROM shop.visits WHERE dt > '2026-03-01' AND dt < '2026-03-03' AND hr >= 12 AND hr <> 16`, "hr", 80)},
		{"IN on a key", t.prunes(`SELECT count(*) FROM shop.purchases WHERE country IN ('DE', 'FR')`, "country", 0)},
	} {
		note, err := c.check(ctx)
		t.note(lookGroup, c.about, err, note)
	}
}

// column is the values of an answer's first column, or its error.
func (t *trial) column(ctx context.Context, sql string) ([]string, error) {
	a, err := t.Ask(ctx, sql)
	if err == nil && a.Error != "" {
		err = fmt.Errorf("%s: %s", sql, a.Error)
	}
	var out []string
	for _, row := range a.Rows {
		var s string
		if json.Unmarshal(row[0], &s) != nil {
			s = string(row[0])
		}
		out = append(out, s)
	}
	return out, err
}

func (t *trial) lists(ctx context.Context) (string, error) {
	schemas, err := t.column(ctx, "SHOW SCHEMAS")
	if err != nil {
		return "", err
	}
	if !slices.Contains(schemas, "shop") {
		return "", fmt.Errorf("SHOW SCHEMAS: %v", schemas)
	}
	got, err := t.column(ctx, "SHOW TABLES FROM shop")
	if err == nil && !slices.Equal(got, tables) {
		err = fmt.Errorf("SHOW TABLES: %v, want %v", got, tables)
	}
	return fmt.Sprintf("%d tables", len(got)), err
}

// reads asks with the key of a reader.
func (t *trial) reads(ctx context.Context) (string, error) {
	schemas, err := t.column(ctx, "SHOW SCHEMAS FROM "+reader)
	if err != nil {
		return "", err
	}
	if !slices.Equal(schemas, []string{"information_schema", "shop"}) {
		return "", fmt.Errorf("SHOW SCHEMAS: %v", schemas)
	}
	rows, err := t.column(ctx, "SELECT count(*) FROM "+reader+".shop.visits WHERE dt = '2026-03-02'")
	if err == nil && !slices.Equal(rows, []string{"240"}) {
		err = fmt.Errorf("visits of a day: %v", rows)
	}
	if err != nil {
		return "", err
	}
	if _, err := t.column(ctx, "CREATE TABLE "+reader+".shop.mine AS SELECT 1 AS one"); err == nil {
		return "", errors.New("CREATE TABLE succeeded")
	}
	return "", nil
}

// spelling is what each engine writes otherwise in one type's name.
var spelling = regexp.MustCompile(`"|\((3|6)\)`)

func (t *trial) describes(ctx context.Context) (string, error) {
	columns := 0
	for _, table := range tables {
		sql := "DESCRIBE shop." + table
		theirs, ours, err := t.both(ctx, sql)
		if err != nil || theirs.Error != "" || ours.Error != "" {
			return "", fmt.Errorf("%s: %w%s %s", sql, err, theirs.Error, ours.Error)
		}
		if len(theirs.Rows) != len(ours.Rows) {
			return "", fmt.Errorf("%s: %d columns, want %d", sql, len(theirs.Rows), len(ours.Rows))
		}
		for i, row := range theirs.Rows {
			for j := range 3 { // name, type, extra
				if text(row[j]) != text(ours.Rows[i][j]) {
					return "", fmt.Errorf("%s: %s, want %s", sql, row, ours.Rows[i])
				}
			}
			columns++
		}
	}
	return fmt.Sprintf("%d columns", columns), nil
}

func text(raw json.RawMessage) string {
	var s string
	json.Unmarshal(raw, &s)
	return strings.ReplaceAll(spelling.ReplaceAllString(s, ""), ", ", ",")
}

func (t *trial) partitions(ctx context.Context) (string, error) {
	n := 0
	for _, table := range tables {
		sql := fmt.Sprintf(`SELECT * FROM shop."%s$partitions"`, table)
		theirs, ours, err := t.both(ctx, sql)
		if err != nil || theirs.Error != "" || ours.Error != "" {
			return "", fmt.Errorf("%s: %w%s %s", sql, err, theirs.Error, ours.Error)
		}
		their, our := sorted(theirs.Rows), sorted(ours.Rows)
		if !slices.Equal(their, our) {
			return "", fmt.Errorf("%s: %q, want %q", sql, their, our)
		}
		n += len(our)
	}
	return fmt.Sprintf("%d partitions", n), nil
}

// sorted are the rows as texts, in an order of their own.
func sorted(rows [][]json.RawMessage) []string {
	var out []string
	for _, row := range rows {
		var values []string
		for _, v := range row {
			var s any
			json.Unmarshal(v, &s)
			values = append(values, fmt.Sprint(s))
		}
		out = append(out, strings.Join(values, "/"))
	}
	slices.Sort(out)
	return out
}

// prunes wants that a query asks the catalog with an expression that has the text in
// it; count is what it should answer, 0 for anything.
func (t *trial) prunes(sql, expression string, count int) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		t.glue.expressions()
		theirs, ours, err := t.both(ctx, sql)
		if err == nil {
			err = differ(theirs, ours)
		}
		if err != nil {
			return "", err
		}
		if got := string(theirs.Rows[0][0]); count != 0 && got != fmt.Sprint(count) {
			return "", fmt.Errorf("%s: %s, want %d", sql, got, count)
		}
		asked := t.glue.expressions()
		if !slices.ContainsFunc(asked, func(e string) bool {
			return strings.Contains(strings.ReplaceAll(strings.ReplaceAll(e, "(", ""), ")", ""), expression)
		}) {
			return "", fmt.Errorf("%s: the catalog was asked %q, and not for %s", sql, asked, expression)
		}
		return "`" + asked[len(asked)-1] + "`", nil
	}
}
