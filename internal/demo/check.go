package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"sluice/internal/progress"
)

// A question is a query and what it must answer.
type question struct {
	sql  string
	want [][]string // rows; nil where only the set of rows is given
	set  map[string]int64
}

func (d *demo) queries() []question {
	t := d.tally.gen.Truth()
	return []question{
		{
			sql:  "select count(*) as purchases, count(distinct userId) as buyers from " + Stream,
			want: [][]string{{fmt.Sprint(t.Events), fmt.Sprint(t.Distinct["userId"])}},
		},
		{
			sql: "select genre, count(*) as sold from " + Stream + " group by genre order by sold desc, genre",
			set: t.Groups["genre"],
		},
		{
			sql:  "select count(*) as purchases, sum(userAge) as ages from " + Stream + " where dt = '" + day + "'",
			want: [][]string{{fmt.Sprint(d.tally.daily), fmt.Sprint(d.tally.ages)}},
		},
	}
}

// check asks the questions and holds the answers against what was sent.
func (d *demo) check(ctx context.Context, title string, questions []question) error {
	fmt.Fprintf(d.Out, "\n%s\n", title)
	for _, q := range questions {
		fmt.Fprintf(d.Out, "\n  > %s\n", q.sql)
		a, err := d.ask(ctx, q.sql)
		if err != nil {
			return fmt.Errorf("query %q: %w", q.sql, err)
		}
		d.show(a)
		if err := q.holds(a); err != nil {
			return fmt.Errorf("WRONG ANSWER to %q: %w", q.sql, err)
		}
	}
	return nil
}

// An answer is the JSON form of a query's result.
type answer struct {
	Columns []struct{ Name, Type string }
	Rows    [][]any
	Stats   struct {
		Elapsed    float64 `json:"elapsed_ms"`
		Files      int64   `json:"files_scanned"`
		Bytes      int64   `json:"bytes_scanned"`
		Partitions int64   `json:"partitions"`
		Pruned     int64   `json:"partitions_pruned"`
		LiveRows   int64   `json:"live_rows"`
	}
}

func (d *demo) ask(ctx context.Context, sql string) (answer, error) {
	body, err := d.Client.Query(ctx, sql, "json")
	if err != nil {
		return answer{}, err
	}
	defer body.Close()
	dec := json.NewDecoder(body)
	dec.UseNumber()
	var a answer
	if err := dec.Decode(&a); err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return a, nil
}

// texts are the rows as text.
func (a answer) texts() [][]string {
	var rows [][]string
	for _, row := range a.Rows {
		var cells []string
		for _, v := range row {
			cells = append(cells, fmt.Sprint(v))
		}
		rows = append(rows, cells)
	}
	return rows
}

func (q question) holds(a answer) error {
	got := a.texts()
	if q.want != nil {
		if fmt.Sprint(got) != fmt.Sprint(q.want) {
			return fmt.Errorf("got %v, but what was sent says %v", got, q.want)
		}
		return nil
	}
	if len(got) != len(q.set) {
		return fmt.Errorf("got %d rows, but what was sent says %d", len(got), len(q.set))
	}
	for _, row := range got {
		if want, ok := q.set[row[0]]; !ok || row[1] != fmt.Sprint(want) {
			return fmt.Errorf("got %v for %s, but what was sent says %d", row[1], row[0], want)
		}
	}
	return nil
}

// show prints the answer as a table, and what it cost.
func (d *demo) show(a answer) {
	header := make([]string, len(a.Columns))
	for i, c := range a.Columns {
		header[i] = c.Name
	}
	rows := append([][]string{header}, a.texts()...)
	width := make([]int, len(header))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range rows {
		fmt.Fprint(d.Out, "   ")
		for i, cell := range row {
			fmt.Fprintf(d.Out, " %-*s", width[i]+1, cell)
		}
		fmt.Fprintln(d.Out)
	}
	st := a.Stats
	fmt.Fprintf(d.Out, "    %.0f ms, %d files of %s scanned, %d of %d partitions pruned, %d rows of the buffer\n",
		st.Elapsed, st.Files, progress.Bytes(st.Bytes), st.Pruned, st.Partitions, st.LiveRows)
}

func sortedKeys(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }
