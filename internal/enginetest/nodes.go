package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

const nodesGroup = "Two nodes that deliver to one table at the same time, over the Glue API of a third"

const lakeOf = `
s3: {endpoint: "%s", path_style: true, region: us-east-1}
lake: s3://lake/shared
`

// writer configures a node whose catalog is another node's.
const writer = `
catalog: glue
glue: {endpoint: "%s", region: us-east-1}
delivery: {batches: 1}
streams: {grown: {table: shop.grown, partition_by: ["k=k", "n=n"]}}
`

// How often a writer brings something new. A table has 2,000 columns at most, with
// those inside structs, and a struct 256 fields.
const (
	columnEvery = 2
	fieldEvery  = 8
)

// nodes has two nodes deliver, a batch a round: two partitions, of which they share
// one, and in turn a column or a field that is new.
func (r *runner) nodes(ctx context.Context) error {
	third, err := r.startNode(ctx, "catalog", fmt.Sprintf(lakeOf, r.s3)) // the keys of a node's lake sign for its catalog too
	if err != nil {
		return err
	}
	defer third.stop()
	var writers []*node
	for i := range 2 {
		n, err := r.startNode(ctx, fmt.Sprint("writer", i), fmt.Sprintf(lakeOf+writer, r.s3, third.url))
		if err != nil {
			return err
		}
		defer n.stop()
		writers = append(writers, n)
	}
	group, gctx := errgroup.WithContext(ctx)
	for i, n := range writers {
		group.Go(func() error {
			for round := range r.rounds {
				if err := n.deliver(gctx, "grown", grownRecords(i, round)); err != nil {
					return fmt.Errorf("writer %d, round %d: %w", i, round, err)
				}
			}
			return nil
		})
	}
	err = group.Wait()
	title := fmt.Sprintf("%d rounds each", r.rounds)
	for _, check := range []struct {
		about string
		check func(ctx context.Context, n *node) (string, error)
	}{
		{"every delivery succeeded", func(context.Context, *node) (string, error) { return fmt.Sprintf("%d deliveries", 2*r.rounds), err }},
		{"every record is there once, no value was rescued", r.grownRows},
		{"every column and field is there once", r.grownColumns},
		{"every partition is there", r.grownPartitions},
		{"every new field is in the partitions that have its values", r.grownFields},
	} {
		note, err := check.check(ctx, third)
		o := outcome{group: nodesGroup, about: check.about, engine: title, note: note}
		if err != nil {
			o.fault = err.Error()
		}
		r.add(o)
	}
	return nil
}

// grownRecords are what a writer sends in a round.
func grownRecords(writer, round int) []byte {
	var b strings.Builder
	for _, k := range []string{"shared", fmt.Sprint("w", writer)} {
		fmt.Fprintf(&b, `{"k":%q,"n":%d,"writer":%d,"w%d_c%d":%d,"user":{"w%d_f%d":"%d"}}`+"\n",
			k, round, writer, writer, round/columnEvery, round, writer, round/fieldEvery, round)
	}
	return []byte(b.String())
}

// one asks for a single row, as numbers.
func one(ctx context.Context, n *node, sql string) ([]int, error) {
	a, err := n.ask(ctx, sql)
	if err != nil || a.Error != "" || len(a.Rows) != 1 {
		return nil, fmt.Errorf("%s: %w%s, %d rows", sql, err, a.Error, len(a.Rows))
	}
	var out []int
	for _, v := range a.Rows[0] {
		var number int
		if err := json.Unmarshal(v, &number); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
		out = append(out, number)
	}
	return out, nil
}

func (r *runner) grownRows(ctx context.Context, n *node) (string, error) {
	got, err := one(ctx, n, "SELECT count(*), count(DISTINCT k || '/' || n || '/' || CAST(writer AS varchar)) FROM shop.grown")
	if err == nil && (got[0] != 4*r.rounds || got[1] != 4*r.rounds) {
		err = fmt.Errorf("rows, different rows: %v, want %d", got, 4*r.rounds)
	}
	if err != nil {
		return "", err
	}
	described, err := n.ask(ctx, "DESCRIBE shop.grown")
	if err != nil {
		return "", err
	}
	for _, row := range described.Rows {
		if string(row[0]) == `"_rescued"` {
			rescued, err := one(ctx, n, "SELECT count(_rescued) FROM shop.grown")
			if err == nil && rescued[0] != 0 {
				err = fmt.Errorf("%d rows have rescued values", rescued[0])
			}
			return fmt.Sprintf("%d rows", got[0]), err
		}
	}
	return fmt.Sprintf("%d rows", got[0]), nil
}

func (r *runner) grownColumns(ctx context.Context, n *node) (string, error) {
	described, err := n.ask(ctx, "DESCRIBE shop.grown")
	if err != nil || described.Error != "" {
		return "", fmt.Errorf("%w%s", err, described.Error)
	}
	columns, fields := 0, 0
	for w := range 2 {
		for i := range (r.rounds + columnEvery - 1) / columnEvery {
			name := fmt.Sprintf(`"w%d_c%d"`, w, i)
			if found := howMany(described.Rows, func(row []json.RawMessage) bool { return string(row[0]) == name }); found != 1 {
				return "", fmt.Errorf("column %s is there %d times", name, found)
			}
			columns++
		}
		for i := range (r.rounds + fieldEvery - 1) / fieldEvery {
			name := fmt.Sprintf("w%d_f%d varchar", w, i)
			at := slices.IndexFunc(described.Rows, func(row []json.RawMessage) bool { return string(row[0]) == `"user"` })
			if at < 0 || strings.Count(string(described.Rows[at][1]), name) != 1 {
				return "", fmt.Errorf("field %s is not there once", name)
			}
			fields++
		}
	}
	return fmt.Sprintf("%d columns, %d fields", columns, fields), nil
}

func howMany(rows [][]json.RawMessage, is func([]json.RawMessage) bool) (n int) {
	for _, row := range rows {
		if is(row) {
			n++
		}
	}
	return n
}

func (r *runner) grownPartitions(ctx context.Context, n *node) (string, error) {
	got, err := one(ctx, n, `SELECT count(*) FROM shop."grown$partitions"`)
	if err == nil && got[0] != 3*r.rounds {
		err = fmt.Errorf("%d partitions, want %d", got[0], 3*r.rounds)
	}
	return fmt.Sprintf("%d partitions", 3*r.rounds), err
}

// grownFields asks the catalog for shared partitions, which both writers made or found.
func (r *runner) grownFields(ctx context.Context, n *node) (string, error) {
	python, err := r.python(ctx, "pyarrow-"+pyarrowVersion, "pyarrow=="+pyarrowVersion, "boto3")
	if err != nil {
		return "", err
	}
	const script = `import boto3, sys
glue = boto3.client("glue", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
n = 0
for page in glue.get_paginator("get_partitions").paginate(DatabaseName="shop", TableName="grown", Expression="k = 'shared'"):
    for p in page["Partitions"]:
        types = {c["Name"]: c["Type"] for c in p["StorageDescriptor"]["Columns"]}
        for w in (0, 1):
            field = f"w{w}_f{int(p['Values'][1]) // int(sys.argv[4])}:"
            assert field in types["user"], (p["Values"], field)
        n += 1
print(n)`
	out, err := output(ctx, python, "-c", script, n.url, engineID, engineSecret, fmt.Sprint(fieldEvery))
	if err == nil && strings.TrimSpace(out) != fmt.Sprint(r.rounds) {
		err = fmt.Errorf("%s partitions were looked at, want %d", strings.TrimSpace(out), r.rounds)
	}
	return "", err
}
