package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sluice/query"
	"strings"
	"text/tabwriter"

	"sluice/query/result"

	"github.com/spf13/cobra"
)

// A tableInfo is what the command tells of a table.
type tableInfo struct {
	Name       string       `json:"name"` // database.table
	Columns    []columnInfo `json:"columns"`
	Partitions int          `json:"partitions"`
}

func newTables(o *options) *cobra.Command {
	var server, format string
	c := &cobra.Command{
		Use:   "tables [[DATABASE.]TABLE]",
		Short: "Show the tables: columns and partitions",
		Example: `  sluice tables
  sluice tables purchases
  sluice tables --output json
  sluice tables reconcile --dry-run    # what in the lake is not registered`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(c, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return o.withAsker(c, server, query.Request{}, func(ask asker) error {
				infos, err := tableInfos(c.Context(), ask, args)
				if err != nil {
					return err
				}
				if format == "json" {
					enc := json.NewEncoder(c.OutOrStdout())
					enc.SetIndent("", "  ")
					return enc.Encode(infos)
				}
				return printTables(c, infos, len(args) == 1)
			})
		},
	}
	o.serviceFlags(c)
	c.Flags().MarkHidden("listen")
	c.Flags().StringVar(&server, "server", "", "ask the service at `URL` (default: the data folder, or the service that holds it)")
	o.clientFlags(c)
	reportFlag(c.Flags(), &format, "how to report")
	c.AddCommand(newReconcile(o))
	return c
}

func tableInfos(ctx context.Context, ask asker, args []string) ([]tableInfo, error) {
	names := args
	if len(args) == 0 {
		databases, err := texts(ctx, ask, "SHOW DATABASES")
		if err != nil {
			return nil, err
		}
		for _, db := range databases {
			tables, err := texts(ctx, ask, "SHOW TABLES IN "+quoted(db[0]))
			if err != nil {
				return nil, err
			}
			for _, t := range tables {
				names = append(names, db[0]+"."+t[0])
			}
		}
	}
	infos := []tableInfo{}
	for _, name := range names {
		info := tableInfo{Name: name}
		db, table, ok := strings.Cut(name, ".")
		ident := quoted(name)
		if ok {
			ident = quoted(db) + "." + quoted(table)
		}
		columns, err := texts(ctx, ask, "DESCRIBE "+ident)
		if err != nil {
			return nil, err
		}
		partitioned := false
		for _, col := range columns {
			info.Columns = append(info.Columns, columnInfo{col[0], col[1]})
			partitioned = partitioned || col[2] == "partition key"
		}
		if partitioned {
			partitions, err := texts(ctx, ask, "SHOW PARTITIONS "+ident)
			if err != nil {
				return nil, err
			}
			info.Partitions = len(partitions)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// texts runs a statement and returns all its rows as text.
func texts(ctx context.Context, ask asker, sql string) (out [][]string, err error) {
	rows, err := ask.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	return readTexts(rows)
}

func readTexts(rows result.Rows) (out [][]string, err error) {
	for rows.Next() {
		var cells []string
		for _, v := range rows.Values() {
			cells = append(cells, v.Text)
		}
		out = append(out, cells)
	}
	return out, rows.Err()
}

func printTables(c *cobra.Command, infos []tableInfo, columns bool) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	if columns {
		fmt.Fprintln(w, "COLUMN\tTYPE")
		for _, col := range infos[0].Columns {
			fmt.Fprintf(w, "%s\t%s\n", col.Name, col.Type)
		}
		fmt.Fprintf(w, "\n%d partitions: see them with SHOW PARTITIONS %s\n", infos[0].Partitions, infos[0].Name)
		return w.Flush()
	}
	fmt.Fprintln(w, "TABLE\tCOLUMNS\tPARTITIONS")
	for _, t := range infos {
		fmt.Fprintf(w, "%s\t%d\t%d\n", t.Name, len(t.Columns), t.Partitions)
	}
	return w.Flush()
}
